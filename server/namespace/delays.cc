#include "server/namespace/delays.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "glog/logging.h"
#include "server/log/batch.h"

namespace nmq::broker {
namespace {

// Messages that are taken out of a queue's schedule in one go.
constexpr size_t kTakenMax = 1000;

// Bytes that wait in memory.
uint64_t BytesInMemory(const Delays::Later& later) {
  uint64_t bytes = 0;
  for (const auto& [queue, item] : later) bytes += queue->durable() ? 0 : item.bytes.size();
  return bytes;
}

}  // namespace

Delays::Later Delays::Take(const Client* publisher, const Addressed& addressed) {
  Later later;
  for (const auto& [queue, message] : addressed.later) {
    storage::v1::Scheduled scheduled;
    *scheduled.mutable_message() = *message->message;
    if (message->audience != nullptr) *scheduled.mutable_message()->mutable_audience() = *message->audience;
    if (publisher != nullptr) scheduled.set_publisher(publisher->id());
    later.emplace_back(queue,
                       Schedule::Item{queue->schedule().NewPlace(message->deliver_us), scheduled.SerializeAsString()});
  }
  return later;
}

absl::Status Delays::Reserve(const Later& later) {
  if (later.empty()) return absl::OkStatus();
  const uint64_t messages = total_.messages.fetch_add(later.size()) + later.size();
  const uint64_t memory = BytesInMemory(later);
  const uint64_t bytes = total_.bytes->fetch_add(memory) + memory;
  const Limits& limits = *options_.limits;
  absl::Status status;
  if (messages > limits.scheduled_messages) {
    status = LimitExceeded("scheduled_messages", messages, limits.scheduled_messages);
  } else if (memory > 0 && bytes > limits.all_queues_bytes) {
    status = LimitExceeded("all_queues_bytes", bytes, limits.all_queues_bytes, "deliver_at");
  }
  if (!status.ok()) Release(later);
  return status;
}

void Delays::Release(const Later& later) {
  total_.messages.fetch_sub(later.size());
  total_.bytes->fetch_sub(BytesInMemory(later));
}

void Delays::Put(const Later& later, log::Batch* batch) {
  for (const auto& [queue, item] : later) {
    if (queue->durable()) queue->schedule().Put(item.place, item.bytes, batch);
  }
}

absl::Status Delays::Add(Later* later) {
  absl::Status status;
  for (auto& [queue, item] : *later) {
    if (queue->durable()) item.bytes.clear();
    const uint64_t memory = item.bytes.size();
    if (queue->schedule().Add(std::move(item))) continue;
    total_.messages.fetch_sub(1);
    total_.bytes->fetch_sub(memory);
    status = NotFound("QUEUE_DELETED", absl::StrCat("queue ", Quote(queue->name()), " was deleted"),
                      {{"queue", queue->name()}});
  }
  return status;
}

bool Delays::Deliver(const Taken& taken, Schedule::Item item, absl::StatusOr<storage::v1::Scheduled> scheduled) {
  const std::shared_ptr<Queue>& queue = taken.queue;
  if (!scheduled.ok()) {
    LOG_EVERY_T(ERROR, 10) << "what waits for queue " << options_.name_space << "/" << queue->name() << ": "
                           << scheduled.status();
    const bool gone = absl::IsNotFound(scheduled.status()) || absl::IsDataLoss(scheduled.status());
    gone ? queue->schedule().Done(item) : queue->schedule().Return(std::move(item));
    return gone;
  }
  google::protobuf::Arena arena;
  Incoming message = FromMessage(scheduled->mutable_message());
  EncodeBody(&arena, &message);
  Queue::Outgoing outgoing;
  outgoing.event = message.event;
  outgoing.body = message.body;
  const std::string& publisher = scheduled->publisher();
  if (message.audience != nullptr || message.expire_us != 0) outgoing.audience = taken.audience_of(publisher, message);
  if (queue->durable()) return DeliverToDisk(queue, publisher, std::move(outgoing), std::move(item));
  const auto appended = queue->Append(absl::MakeConstSpan(&outgoing, 1), options_.clock->Now(),
                                      absl::ToInt64Microseconds(options_.clock->Monotonic()), publisher,
                                      /*count_matches=*/false);
  if (appended.ok()) options_.counters->Published(1, outgoing.body.size());
  queue->schedule().Done(item);
  return true;
}

bool Delays::DeliverToDisk(const std::shared_ptr<Queue>& queue, const std::string& publisher, Queue::Outgoing outgoing,
                           Schedule::Item item) {
  auto job = std::make_unique<Committer::Job>();
  job->publisher = publisher;
  job->storage = absl::StrCat(outgoing.event, outgoing.body);
  job->bytes = job->storage.size();
  const absl::string_view storage = job->storage;
  outgoing.body = storage.substr(outgoing.event.size());
  outgoing.event = storage.substr(0, outgoing.event.size());
  job->queues.push_back({queue, {std::move(outgoing)}, {}});
  // One write, so that it can neither be lost nor come twice.
  job->along = [queue, place = item.place](log::Batch* batch) { queue->schedule().Delete(place, batch); };
  auto moving = std::make_shared<Schedule::Item>(std::move(item));
  job->done = [counters = options_.counters, queue, moving](const absl::Status& written, Committer::Job* finished) {
    // Not found: the queue was deleted meanwhile.
    if (!written.ok() && !absl::IsNotFound(written)) return queue->schedule().Return(std::move(*moving));
    queue->schedule().Done(*moving);
    if (written.ok()) counters->Published(1, finished->bytes);
  };
  const absl::Status status = options_.committer->Submit(std::move(job));
  if (!status.ok()) queue->schedule().Return(std::move(*moving));
  return status.ok();
}

size_t Delays::DeliverSome(const std::shared_ptr<Queue>& queue, const AudienceOfDue& audience_of, size_t count_max) {
  const int64_t now_us = absl::ToUnixMicros(options_.clock->Now());
  std::vector<Schedule::Item> items = queue->schedule().TakeDue(now_us, count_max);
  const auto taken = std::make_shared<Taken>(Taken{queue, audience_of});
  reading_.fetch_add(items.size());
  for (Schedule::Item& item : items) {
    queue->schedule().Read(item, [this, taken, item](absl::StatusOr<storage::v1::Scheduled> scheduled) {
      if (taken->stopped) {
        taken->queue->schedule().Return(item);
      } else {
        taken->stopped = !Deliver(*taken, item, std::move(scheduled));
      }
      reading_.fetch_sub(1);
    });
  }
  return items.size();
}

void Delays::DeliverDue(absl::Span<const std::shared_ptr<Queue>> queues, const AudienceOfDue& audience_of) {
  for (const auto& queue : queues) {
    if (queue->durable()) {
      DeliverSome(queue, audience_of, kTakenMax - std::min<uint64_t>(kTakenMax, reading_.load()));
    } else {
      // They are let in at once.
      while (DeliverSome(queue, audience_of, kTakenMax) == kTakenMax) {
      }
    }
  }
}

}  // namespace nmq::broker
