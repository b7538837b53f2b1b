#include "server/queue/waiting.h"

#include <algorithm>

namespace nmq::broker {
namespace {

// Fewer keys are not worth looking through.
constexpr size_t kSweepMin = 1024;

}  // namespace

Waiting::Waiting(uint64_t messages_max) : messages_max_(messages_max), sweep_at_(kSweepMin) {}

void Waiting::Came(uint64_t sequence, absl::string_view key, uint64_t first_wanted) {
  last_ = sequence;
  if (!by_key()) {
    Add(sequence);
  } else if (!key.empty()) {
    AddKey(sequence, key, first_wanted);
  }
}

void Waiting::Add(uint64_t sequence) {
  if (waiting_.size() < messages_max_) {
    waiting_.push_back(sequence);
  } else if (dropped_.empty() || waiting_.back() > dropped_.back().last) {
    dropped_.push_back({sequence, sequence, 1});
  } else {
    dropped_.back().last = sequence;
    ++dropped_.back().count;
  }
}

// Whoever does not read for long has no more keys here than twice what the queue holds.
void Waiting::AddKey(uint64_t sequence, absl::string_view key, uint64_t first_wanted) {
  latest_[key] = sequence;
  if (latest_.size() < sweep_at_) return;
  absl::erase_if(latest_, [&](const auto& item) { return item.second < first_wanted; });
  sweep_at_ = std::max(kSweepMin, 2 * latest_.size());
}

const Waiting::Run* Waiting::DroppedAt(uint64_t sequence) {
  while (!dropped_.empty() && dropped_.front().last < sequence) dropped_.pop_front();
  return !dropped_.empty() && dropped_.front().first <= sequence ? &dropped_.front() : nullptr;
}

bool Waiting::Superseded(uint64_t sequence, absl::string_view key) const {
  if (key.empty()) return false;
  const auto latest = latest_.find(key);
  return latest != latest_.end() && latest->second > sequence;
}

void Waiting::Passed(uint64_t next) {
  while (!waiting_.empty() && waiting_.front() < next) waiting_.pop_front();
  while (!dropped_.empty() && dropped_.front().last < next) dropped_.pop_front();
}

void Waiting::Clear() {
  waiting_ = {};
  dropped_ = {};
  latest_.clear();
  sweep_at_ = kSweepMin;
}

uint64_t Waiting::CountIn(uint64_t first, uint64_t end) const {
  uint64_t count = 0;
  for (size_t i = 0; i < waiting_.size() && waiting_[i] < end; ++i) count += waiting_[i] >= first ? 1 : 0;
  return count;
}

}  // namespace nmq::broker
