#include "client/cpp/publish_results.h"

#include <cstddef>
#include <map>
#include <string>
#include <utility>

namespace nmq {
inline namespace client {
namespace internal {
namespace {

// The messages of one queue, but for those that were there before.
struct OfQueue {
  std::vector<size_t> all;
  // Those of them that need not wait.
  std::vector<size_t> now;
};

// The messages that the range is for; empty if that cannot be known.
const std::vector<size_t>& InRange(const OfQueue& messages, const v1::SequenceRange& range) {
  static const auto* const none = new std::vector<size_t>;
  const uint64_t count = range.last() - range.first() + 1;
  if (messages.all.size() == count) return messages.all;
  return messages.now.size() == count ? messages.now : *none;
}

}  // namespace

std::vector<absl::StatusOr<PublishResult>> ResultsOf(const v1::PublishStreamRequest& batch, const BatchResult& result) {
  const auto count = static_cast<size_t>(batch.messages_size());
  if (result.outcome != BatchOutcome::kAccepted) {
    return std::vector<absl::StatusOr<PublishResult>>(count, result.status);
  }
  std::vector<PublishResult> found(count, PublishResult{.storage = result.accepted.storage()});
  for (const v1::Duplicate& duplicate : result.accepted.duplicates()) {
    if (duplicate.index() >= count) continue;
    PublishResult& one = found[duplicate.index()];
    one.duplicate = true;
    one.epoch = duplicate.position().epoch();
    one.sequence = duplicate.position().sequence();
  }
  std::map<std::string, OfQueue> queues;
  for (size_t i = 0; i < count; ++i) {
    if (found[i].duplicate) continue;
    const Message& message = batch.messages(static_cast<int>(i));
    OfQueue& queue = queues[message.queue()];
    queue.all.push_back(i);
    if (!message.has_deliver_at()) queue.now.push_back(i);
  }
  for (const v1::SequenceRange& range : result.accepted.ranges()) {
    uint64_t sequence = range.first();
    for (const size_t i : InRange(queues[range.queue()], range)) {
      found[i].epoch = range.epoch();
      found[i].sequence = sequence++;
    }
  }
  return {found.begin(), found.end()};
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
