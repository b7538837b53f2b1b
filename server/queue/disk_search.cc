#include "server/queue/disk_search.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "server/log/log_wait.h"
#include "server/queue/hearing.h"

namespace nmq::broker {
namespace {

// What is read at a time.
constexpr uint64_t kSearchBytes = 256 << 10;

// How far back the last messages for somebody are looked for: so many, or this many times those that are wanted.
constexpr uint64_t kLookBackMin = 100'000;
constexpr uint64_t kLookBackFactor = 10;
constexpr uint64_t kLookBackStepMin = 16;
constexpr uint64_t kLookBackStepMax = 4096;

// Looks at one stretch after another, the latest first, and at each from its beginning. Keeps itself until it is over.
class LastOnDisk : public std::enable_shared_from_this<LastOnDisk> {
 public:
  LastOnDisk(const QueueOnDisk& disk, Sequences held, uint64_t count, EventFilter filter, SearchFor who,
             const Clock* clock, FoundSequence done)
      : disk_(disk),
        first_(std::max(held.first, held.end - std::min(held.end, std::max(kLookBackMin, kLookBackFactor * count)))),
        wanted_(count),
        filter_(std::move(filter)),
        for_(std::move(who)),
        clock_(*clock),
        done_(std::move(done)),
        end_(held.end) {}

  void LookBack() {
    if (end_ <= first_) return done_(first_);
    next_ = begin_ = end_ - std::min(step_, end_ - first_);
    step_ = std::min(2 * step_, kLookBackStepMax);
    heard_.clear();
    ReadOn();
  }

 private:
  void ReadOn() {
    disk_.log->Read(disk_.number, next_, end_, kSearchBytes, for_.wanted,
                    [self = shared_from_this()](absl::StatusOr<std::shared_ptr<const log::Block>> block) {
                      if (!block.ok()) return self->done_(block.status());
                      self->Look(**block);
                    });
  }

  void Look(const log::Block& block) {
    log::Audience audience;
    const int64_t now_us = absl::ToUnixMicros(clock_.Now());
    for (; next_ < block.end(); ++next_) {
      const Hearing message = HearingOf(block, next_, disk_.extent.end, &audience);
      if (message.audience != nullptr && message.audience->expired(now_us)) continue;
      if (Hears(filter_, *for_.memberships, message, Members::kThenOrNow)) heard_.push_back(next_);
    }
    if (next_ < end_) return ReadOn();
    if (heard_.size() >= wanted_) return done_(heard_[heard_.size() - wanted_]);
    wanted_ -= heard_.size();
    end_ = begin_;
    LookBack();
  }

  const QueueOnDisk disk_;
  const uint64_t first_;  // no further back than this
  uint64_t wanted_;       // messages still to be found
  const EventFilter filter_;
  const SearchFor for_;
  const Clock& clock_;
  const FoundSequence done_;
  uint64_t step_ = kLookBackStepMin;
  uint64_t begin_ = 0;  // the stretch that is looked at ends at end_
  uint64_t end_;
  uint64_t next_ = 0;
  std::vector<uint64_t> heard_;  // in that stretch
};

}  // namespace

void FindLast(const QueueOnDisk& disk, Sequences held, uint64_t count, EventFilter filter, SearchFor who,
              const Clock* clock, FoundSequence done) {
  std::make_shared<LastOnDisk>(disk, held, count, std::move(filter), std::move(who), clock, std::move(done))
      ->LookBack();
}

absl::StatusOr<Kept> FindKept(const QueueOnDisk& disk, Sequences held, const RetentionConfig& retention,
                              int64_t oldest_us, absl::Time now) {
  const auto [first, end] = held;
  auto bytes = log::BytesOfAndWait(disk.log, disk.number, first, end);
  if (!bytes.ok()) return bytes.status();
  Kept kept{first, *bytes, oldest_us};
  if (end - first > retention.messages) kept.first = end - retention.messages;
  const int64_t since_us = absl::ToUnixMicros(now - retention.age);
  if (oldest_us < since_us && first < end) {
    auto found = log::FindTimeAndWait(disk.log, disk.number, first, end, since_us);
    if (!found.ok()) return found.status();
    kept.first = std::max(kept.first, *found);
    kept.oldest_us = since_us;
    if (*found < end) {
      auto block = log::ReadAndWait(disk.log, disk.number, *found, *found + 1, 1);
      if (!block.ok()) return block.status();
      kept.oldest_us = (*block)->items.front().time_us;
    }
  }
  if (*bytes <= retention.bytes) return kept;
  auto found = log::FindBytesAndWait(disk.log, disk.number, first, end, retention.bytes);
  if (!found.ok()) return found.status();
  kept.first = std::max(kept.first, *found);
  return kept;
}

Left TrimStore(const QueueOnDisk& disk, Sequences held, uint64_t first, log::Sync sync) {
  Left left{log::TrimAndWait(disk.log, disk.number, first, sync), first, std::nullopt};
  if (!left.status.ok()) {
    const auto extent = log::FindExtentAndWait(disk.log, disk.number);
    left.first = extent.ok() ? extent->first : held.first;
  }
  const auto bytes = log::BytesOfAndWait(disk.log, disk.number, left.first, held.end);
  if (bytes.ok()) left.bytes = *bytes;
  return left;
}

}  // namespace nmq::broker
