#include "server/log/trim_points.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "server/log/store_format.h"

namespace nmq::log {
namespace {

// Drops the messages that queues had given up when the filter was made. Used by one thread, with keys in order.
class TrimFilter final : public rocksdb::CompactionFilter {
 public:
  explicit TrimFilter(TrimPoints::Firsts firsts) : firsts_(std::move(firsts)) {}

  const char* Name() const override { return "nmq.trim"; }
  bool Filter(int /*level*/, const rocksdb::Slice& key, const rocksdb::Slice& /*value*/, std::string* /*new_value*/,
              bool* /*value_changed*/) const override {
    uint64_t queue;
    uint64_t sequence;
    if (!ParseMessageKey(absl::string_view(key.data(), key.size()), &queue, &sequence)) return false;
    if (!known_ || queue != queue_) {
      known_ = true;
      const auto found = firsts_.find(queue);
      queue_ = queue;
      first_ = found == firsts_.end() ? 0 : found->second;
    }
    return sequence < first_;
  }

 private:
  const TrimPoints::Firsts firsts_;
  // Of the last key.
  mutable bool known_ = false;
  mutable uint64_t queue_ = 0;
  mutable uint64_t first_ = 0;
};

class TrimFilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  explicit TrimFilterFactory(const TrimPoints* points) : points_(points) {}

  const char* Name() const override { return "nmq.trim"; }
  bool ShouldFilterTableFileCreation(rocksdb::TableFileCreationReason reason) const override {
    return reason == rocksdb::TableFileCreationReason::kCompaction ||
           reason == rocksdb::TableFileCreationReason::kFlush;
  }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& /*context*/) override {
    return std::make_unique<TrimFilter>(points_->Durable());
  }

 private:
  const TrimPoints* const points_;
};

}  // namespace

std::shared_ptr<rocksdb::CompactionFilterFactory> NewTrimFilterFactory(const TrimPoints* points) {
  return std::make_shared<TrimFilterFactory>(points);
}

uint64_t TrimPoints::First(uint64_t queue) const {
  ReaderMutexLock lock(&mutex_);
  const auto found = firsts_.find(queue);
  return found == firsts_.end() ? 1 : found->second;
}

void TrimPoints::Set(uint64_t queue, uint64_t first) {
  MutexLock lock(&mutex_);
  uint64_t& held = firsts_[queue];
  if (first <= held) return;
  held = first;
  pending_[queue] = first;
}

void TrimPoints::SetDurable(uint64_t queue, uint64_t first) {
  MutexLock lock(&mutex_);
  const auto held = firsts_.find(queue);
  if (held == firsts_.end()) return;  // the queue was deleted meanwhile
  uint64_t& durable = durable_[queue];
  durable = std::max(durable, first);
  if (durable >= held->second) pending_.erase(queue);
}

void TrimPoints::Erase(uint64_t queue) {
  MutexLock lock(&mutex_);
  firsts_.erase(queue);
  durable_.erase(queue);
  pending_.erase(queue);
}

std::vector<TrimPoints::Point> TrimPoints::Pending() const {
  ReaderMutexLock lock(&mutex_);
  std::vector<Point> points;
  points.reserve(pending_.size());
  for (const auto& [queue, first] : pending_) points.push_back({queue, first});
  return points;
}

TrimPoints::Firsts TrimPoints::Durable() const {
  ReaderMutexLock lock(&mutex_);
  return durable_;
}

}  // namespace nmq::log
