#include "server/namespace/addressed.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"

namespace nmq::broker {
namespace {

// What the messages of one call are addressed with.
struct Context {
  const Roster& roster;
  const QueueTable& queues;
  const Clock& clock;
  const bool automatic;
  const uint64_t publisher;  // its number
  const size_t messages;
};

absl::Status AddressOne(const Context& context, const Incoming& message, uint32_t index, Addressed* addressed) {
  Queue::Outgoing outgoing;
  outgoing.event = message.event;
  outgoing.body = message.body;
  outgoing.request_id = message.request_id;
  outgoing.index = index;
  if (message.audience != nullptr || message.expire_us != 0) {
    // First: a message that cannot be addressed makes no queue.
    auto audience = AudienceOf(context.roster, context.publisher, Roster::Absent::kRefuse, message);
    if (!audience.ok()) return audience.status();
    outgoing.audience = *std::move(audience);
  }
  Addressed::PerQueue* to = addressed->Find(message.queue);
  if (to == nullptr) {
    const std::shared_ptr<Queue>* const found = context.queues.Find(message.queue);
    if (found == nullptr) {
      if (!context.automatic) return context.queues.NoQueueMade(message.queue);
      addressed->queue_missing = true;
      return absl::OkStatus();
    }
    addressed->last_queue = addressed->queues.size();
    to = &addressed->queues.emplace_back();
    to->queue = *found;
    // Most batches go to one queue.
    if (addressed->queues.size() == 1) to->messages.reserve(context.messages);
  }
  if (!to->queue->Accepts(message.event)) return NoEvent(*to->queue, message.event);
  if (message.deliver_us != 0 && message.deliver_us > absl::ToUnixMicros(context.clock.Now())) {
    addressed->later.emplace_back(to->queue, &message);
    return absl::OkStatus();
  }
  to->bytes += message.body.size();
  to->messages.push_back(std::move(outgoing));
  return absl::OkStatus();
}

}  // namespace

absl::Status NoEvent(const Queue& queue, absl::string_view event) {
  v1::QueueInfo info;
  queue.Describe(&info);
  return NotFound("EVENT_NOT_FOUND",
                  absl::StrCat("queue ", Quote(queue.name()), " accepts no event ", Quote(event), ", only ",
                               absl::StrJoin(info.events(), ", ")),
                  {{"queue", queue.name()}, {"event", event}});
}

absl::StatusOr<std::shared_ptr<const log::Audience>> AudienceOf(const Roster& roster, uint64_t publisher,
                                                                Roster::Absent absent, const Incoming& message) {
  const v1::Audience& audience = message.audience == nullptr ? v1::Audience::default_instance() : *message.audience;
  auto resolved = std::make_shared<log::Audience>();
  resolved->everyone = audience.rooms().empty() && audience.clients().empty();
  absl::Status status = roster.Resolve(audience, publisher, absent, &resolved->targets, &resolved->excepts);
  if (!status.ok()) return status;
  resolved->expire_us = message.expire_us;
  if (resolved->everyone && resolved->excepts.empty() && resolved->expire_us == 0) return nullptr;
  return resolved;
}

absl::Status Address(const Roster& roster, const QueueTable& queues, const Clock& clock, bool automatic,
                     const Client* publisher, absl::Span<const Incoming> messages, Addressed* addressed) {
  const uint64_t number = publisher == nullptr ? 0 : publisher->number();
  const Context context = {roster, queues, clock, automatic, number, messages.size()};
  for (size_t i = 0; i < messages.size(); ++i) {
    absl::Status status = AddressOne(context, messages[i], static_cast<uint32_t>(i), addressed);
    if (!status.ok()) return messages.size() == 1 ? status : WithContext(status, absl::StrCat("messages[", i, "]"));
  }
  return absl::OkStatus();
}

}  // namespace nmq::broker
