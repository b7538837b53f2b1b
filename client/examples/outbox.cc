#include "client/examples/outbox.h"

#include <utility>

namespace nmq {
namespace examples {
namespace {

// The place of the next message of `queue`; each range is used up from its beginning.
void TakePlace(const std::string& queue, v1::AcceptedBatch* accepted, Published* published) {
  for (v1::SequenceRange& range : *accepted->mutable_ranges()) {
    if (range.queue() != queue) continue;
    published->epoch = range.epoch();
    published->sequence = range.first();
    range.set_first(range.first() + 1);
    return;
  }
}

}  // namespace

NmqOutbox::NmqOutbox(Client* client, absl::Duration patience)
    : publisher_(client->NewPublisher(
          {.give_up_after = patience, .on_result = [this](const BatchResult& result) { OnResult(result); }})) {}

NmqOutbox::~NmqOutbox() { publisher_.reset(); }

std::future<Published> NmqOutbox::Publish(Message message) {
  MutexLock order(&order_mu_);
  std::future<Published> answer;
  {
    MutexLock lock(&mu_);
    Waiting& waiting = waiting_[next_];
    waiting.queue = message.queue();
    answer = waiting.promise.get_future();
  }
  const absl::Status added = publisher_->Add(std::move(message));
  if (added.ok()) {
    ++next_;
    return answer;
  }
  MutexLock lock(&mu_);
  waiting_[next_].promise.set_value(
      {.outcome = Published::Outcome::kNo, .epoch = 0, .sequence = 0, .error = std::string(added.message())});
  waiting_.erase(next_);
  return answer;
}

void NmqOutbox::OnResult(const BatchResult& result) {
  v1::AcceptedBatch accepted = result.accepted;
  MutexLock lock(&mu_);
  for (uint64_t number = result.first_message; number < result.first_message + result.messages; ++number) {
    auto waiting = waiting_.find(number);
    if (waiting == waiting_.end()) continue;
    Published published{.outcome = Published::Outcome::kUnknown,
                        .epoch = 0,
                        .sequence = 0,
                        .error = std::string(result.status.message())};
    if (result.outcome == BatchOutcome::kAccepted) published.outcome = Published::Outcome::kYes;
    if (result.outcome == BatchOutcome::kRefused) published.outcome = Published::Outcome::kNo;
    TakePlace(waiting->second.queue, &accepted, &published);
    waiting->second.promise.set_value(std::move(published));
    waiting_.erase(waiting);
  }
}

}  // namespace examples
}  // namespace nmq
