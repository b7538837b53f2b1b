#include "server/admin/redrive.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/errors.h"
#include "server/log/audience.h"
#include "server/log/block.h"
#include "server/log/extent.h"
#include "server/log/log_wait.h"
#include "server/message/dead_letter.h"
#include "server/message/entry.h"

namespace nmq::broker {
namespace {

// What is read and published at a time.
constexpr uint64_t kBlockBytes = 256 << 10;
constexpr uint64_t kMessagesMax = 100;

// A dead letter as it is published anew.
struct Letter {
  std::shared_ptr<Queue> queue;
  std::string publisher;
  std::string event;
  std::string body;
  std::shared_ptr<const log::Audience> audience;
};

absl::StatusOr<Letter> LetterOf(const Namespace& name_space, const log::Block& block, uint64_t sequence) {
  v1::Message message;
  const absl::string_view bytes = MessageOf(block.entry(sequence));
  if (!message.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError("the message is damaged");
  }
  if (!message.has_dead_letter()) {
    return FailedPrecondition("NO_DEAD_LETTER", "the message is no dead letter");
  }
  Letter letter;
  auto queue = name_space.FindQueue(message.dead_letter().queue());
  if (!queue.ok()) return queue.status();
  letter.queue = *std::move(queue);
  if (!letter.queue->durable()) {
    return FailedPrecondition("GROUP_NEEDS_DISK", absl::StrCat("queue ", Quote(letter.queue->name()), " is live now"));
  }
  if (!block.audience(sequence).empty()) {
    auto audience = std::make_shared<log::Audience>();
    if (!log::DecodeAudience(block.audience(sequence), audience.get())) {
      return absl::DataLossError("the message's audience is damaged");
    }
    letter.audience = std::move(audience);
  }
  letter.publisher = message.publisher();
  letter.event = message.event();
  FromDeadLetter(&message);
  letter.body = message.SerializeAsString();
  return letter;
}

// Publishes them, all or none. Those of one job have the same publisher.
absl::Status Publish(const std::vector<Letter>& letters, Committer* committer) {
  auto job = std::make_unique<Committer::Job>();
  job->publisher = letters.front().publisher;
  for (const Letter& letter : letters) job->bytes += letter.event.size() + letter.body.size();
  for (const Letter& letter : letters) {
    auto part = std::find_if(job->queues.begin(), job->queues.end(),
                             [&](const Committer::Job::PerQueue& one) { return one.queue == letter.queue; });
    if (part == job->queues.end()) part = job->queues.insert(job->queues.end(), {letter.queue, {}, {}});
    Queue::Outgoing outgoing;
    outgoing.event = letter.event;
    outgoing.body = letter.body;
    outgoing.audience = letter.audience;
    part->messages.push_back(std::move(outgoing));
  }
  absl::Notification done;
  absl::Status result;
  job->done = [&](const absl::Status& status, Committer::Job*) {
    result = status;
    done.Notify();
  };
  absl::Status status = committer->Submit(std::move(job));
  if (!status.ok()) return status;
  done.WaitForNotification();
  return result;
}

// The letters of a block from `*next` on, up to `count_max`, that can be published in one job. An error says why the
// first of them cannot be.
absl::StatusOr<std::vector<Letter>> TakeLetters(const Namespace& name_space, const log::Block& block, uint64_t* next,
                                                uint64_t count_max) {
  std::vector<Letter> letters;
  while (*next < block.end() && letters.size() < count_max) {
    auto letter = LetterOf(name_space, block, *next);
    if (!letter.ok() && letters.empty()) return letter.status();
    if (!letter.ok() || (!letters.empty() && letters.front().publisher != letter->publisher)) break;
    letters.push_back(*std::move(letter));
    ++*next;
  }
  return letters;
}

}  // namespace

absl::Status Redrive(Namespace* name_space, Committer* committer, const v1::RedriveDeadLettersRequest& request,
                     v1::RedriveDeadLettersResponse* response) {
  auto found = name_space->FindQueue(request.queue());
  if (!found.ok()) return found.status();
  Queue& queue = **found;
  if (!queue.durable()) {
    return FailedPrecondition("NO_DEAD_LETTER",
                              absl::StrCat("queue: queue ", Quote(queue.name()), " is live; dead letters are on disk"),
                              {{"queue", queue.name()}});
  }
  const log::Extent held = queue.Held();
  uint64_t end = held.end;
  if (request.messages_max() != 0) end = held.first + std::min(end - held.first, request.messages_max());
  std::shared_ptr<const log::Block> block;
  for (uint64_t next = held.first; next < end;) {
    if (block == nullptr || !block->Contains(next)) {
      auto read = log::ReadAndWait(queue.disk().log, queue.disk().number, next, end, kBlockBytes);
      if (!read.ok()) return WithContext(read.status(), absl::StrCat("queue ", Quote(queue.name())));
      block = *std::move(read);
    }
    const uint64_t first = next;
    auto letters = TakeLetters(*name_space, *block, &next, std::min(kMessagesMax, end - next));
    absl::Status status = letters.ok() ? Publish(*letters, committer) : letters.status();
    if (!status.ok()) {
      response->set_stopped_at_sequence(first);
      response->set_stopped_because(std::string(status.message()));
      return absl::OkStatus();
    }
    response->set_messages(response->messages() + letters->size());
    auto purged = name_space->PurgeQueue(queue.name(), next - 1);
    if (!purged.ok()) return purged.status();
  }
  return absl::OkStatus();
}

}  // namespace nmq::broker
