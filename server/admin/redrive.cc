#include "server/admin/redrive.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/log/audience.h"
#include "server/log/block.h"
#include "server/log/extent.h"
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

absl::StatusOr<Letter> LetterOf(const Namespace& name_space, const MayRedrive& may, const log::Block& block,
                                uint64_t sequence) {
  v1::Message message;
  const absl::string_view bytes = MessageOf(block.entry(sequence));
  if (!message.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError("the message is damaged");
  }
  if (!message.has_dead_letter()) {
    return FailedPrecondition("NO_DEAD_LETTER", "the message is no dead letter");
  }
  Letter letter;
  const std::string& origin = message.dead_letter().queue();
  if (!may(origin)) return name_space.NoQueue(origin, /*made=*/false);
  auto queue = name_space.FindQueue(origin);
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

// What publishes them, all or none. They have the same publisher, and must live until it is done.
std::unique_ptr<Committer::Job> JobOf(const std::vector<Letter>& letters) {
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
  return job;
}

// The letters of a block from `*next` on, up to `count_max`, that can be published in one job. An error says why the
// first of them cannot be.
absl::StatusOr<std::vector<Letter>> TakeLetters(const Namespace& name_space, const MayRedrive& may,
                                                const log::Block& block, uint64_t* next, uint64_t count_max) {
  std::vector<Letter> letters;
  while (*next < block.end() && letters.size() < count_max) {
    auto letter = LetterOf(name_space, may, block, *next);
    if (!letter.ok() && letters.empty()) return letter.status();
    if (!letter.ok() || (!letters.empty() && letters.front().publisher != letter->publisher)) break;
    letters.push_back(*std::move(letter));
    ++*next;
  }
  return letters;
}

// Reads a block, publishes what it has, a part at a time, deletes that, and reads the next. Keeps itself until it is
// over.
class Redriving : public std::enable_shared_from_this<Redriving> {
 public:
  struct Options {
    Namespace* name_space;
    Committer* committer;
    Worker* worker;
    const std::atomic<bool>* stop;
    std::shared_ptr<Queue> queue;  // of the dead letters
    uint64_t first;
    uint64_t end;
    MayRedrive may;
  };
  Redriving(Options options, RedriveDone done)
      : options_(std::move(options)), next_(options_.first), done_(std::move(done)) {}

  void Step() {
    if (next_ >= options_.end) return done_(std::move(response_));
    if (*options_.stop) return StopAt(next_, absl::UnavailableError("the server is shutting down; call again"));
    if (block_ != nullptr && block_->Contains(next_)) return Publish();
    const QueueOnDisk& disk = options_.queue->disk();
    disk.log->Read(disk.number, next_, options_.end, kBlockBytes, /*wanted=*/nullptr,
                   [self = shared_from_this()](absl::StatusOr<std::shared_ptr<const log::Block>> block) {
                     self->options_.worker->Post([self, block = std::move(block)] { self->Take(block); });
                   });
  }

 private:
  void Take(const absl::StatusOr<std::shared_ptr<const log::Block>>& block) {
    if (!block.ok()) {
      return done_(WithContext(block.status(), absl::StrCat("queue ", Quote(options_.queue->name()))));
    }
    block_ = *block;
    Publish();
  }

  void Publish() {
    const uint64_t first = next_;
    auto letters =
        TakeLetters(*options_.name_space, options_.may, *block_, &next_, std::min(kMessagesMax, options_.end - next_));
    if (!letters.ok()) return StopAt(first, letters.status());
    letters_ = *std::move(letters);
    auto job = JobOf(letters_);
    job->done = [self = shared_from_this(), first](const absl::Status& status, Committer::Job*) {
      self->options_.worker->Post([self, first, status] { self->Published(first, status); });
    };
    const absl::Status status = options_.committer->Submit(std::move(job));
    if (!status.ok()) StopAt(first, status);
  }

  void Published(uint64_t first, const absl::Status& status) {
    if (!status.ok()) return StopAt(first, status);
    response_.set_messages(response_.messages() + letters_.size());
    const auto purged = options_.name_space->PurgeQueue(options_.queue->name(), next_ - 1);
    if (!purged.ok()) return done_(purged.status());
    Step();
  }

  void StopAt(uint64_t sequence, const absl::Status& why) {
    response_.set_stopped_at_sequence(sequence);
    response_.set_stopped_because(std::string(why.message()));
    done_(std::move(response_));
  }

  const Options options_;
  uint64_t next_;
  std::shared_ptr<const log::Block> block_;
  std::vector<Letter> letters_;  // that are published just now
  v1::RedriveDeadLettersResponse response_;
  const RedriveDone done_;
};

}  // namespace

void Redrive(Namespace* name_space, Committer* committer, Worker* worker, const std::atomic<bool>* stop,
             const v1::RedriveDeadLettersRequest& request, MayRedrive may, RedriveDone done) {
  auto found = name_space->FindQueue(request.queue());
  if (!found.ok()) return done(found.status());
  if (!(*found)->durable()) {
    return done(FailedPrecondition(
        "NO_DEAD_LETTER", absl::StrCat("queue: queue ", Quote((*found)->name()), " is live; dead letters are on disk"),
        {{"queue", (*found)->name()}}));
  }
  const log::Extent held = (*found)->Held();
  uint64_t end = held.end;
  if (request.messages_max() != 0) end = held.first + std::min(end - held.first, request.messages_max());
  std::make_shared<Redriving>(
      Redriving::Options{name_space, committer, worker, stop, *std::move(found), held.first, end, std::move(may)},
      std::move(done))
      ->Step();
}

}  // namespace nmq::broker
