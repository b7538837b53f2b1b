#include "server/queue/disk_search.h"

#include <algorithm>
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

}  // namespace

absl::StatusOr<uint64_t> FindLast(const QueueOnDisk& disk, Sequences held, uint64_t count, const EventFilter& filter,
                                  const Memberships& memberships, const Clock& clock, const std::atomic<bool>* stop) {
  const uint64_t look_back = std::max(kLookBackMin, kLookBackFactor * count);
  const uint64_t first = std::max(held.first, held.end - std::min(held.end, look_back));
  log::Audience audience;
  uint64_t step = kLookBackStepMin;
  uint64_t found = 0;
  for (uint64_t at = held.end; at > first; step = std::min(2 * step, kLookBackStepMax)) {
    const uint64_t begin = at - std::min(step, at - first);
    std::vector<uint64_t> heard;
    for (uint64_t next = begin; next < at;) {
      if (stop != nullptr && stop->load(std::memory_order_relaxed)) return absl::CancelledError("nobody waits");
      auto block = log::ReadAndWait(disk.log, disk.number, next, at, kSearchBytes);
      if (!block.ok()) return block.status();
      const int64_t now_us = absl::ToUnixMicros(clock.Now());
      for (; next < (*block)->end(); ++next) {
        const Hearing message = HearingOf(**block, next, disk.extent.end, &audience);
        if (message.audience != nullptr && message.audience->expired(now_us)) continue;
        if (Hears(filter, memberships, message, Members::kThenOrNow)) heard.push_back(next);
      }
    }
    if (found + heard.size() >= count) return heard[heard.size() - (count - found)];
    found += heard.size();
    at = begin;
  }
  return first;
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
