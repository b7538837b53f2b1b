#include "tests/bench/peers/reception.h"

namespace nmq::bench {
namespace {

// Where this thread recorded last.
struct LastBoard {
  uint64_t id = 0;
  Histogram* histogram = nullptr;
};
thread_local LastBoard last_board;

// Only one thread writes.
void Increment(std::atomic<uint64_t>* counter) {
  counter->store(counter->load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace

uint64_t LatencyBoard::NextId() {
  static std::atomic<uint64_t> last{0};
  return last.fetch_add(1) + 1;
}

Histogram* LatencyBoard::Mine() {
  if (last_board.id != id_) {
    absl::MutexLock lock(&mutex_);
    histograms_.push_back(std::make_unique<Histogram>());
    last_board = {id_, histograms_.back().get()};
  }
  return last_board.histogram;
}

void LatencyBoard::Heard(int64_t published) {
  if (published < from_.load(std::memory_order_relaxed) || published >= to_.load(std::memory_order_relaxed)) return;
  Mine()->Add(Now() - published);
}

Histogram LatencyBoard::Merged() const {
  absl::MutexLock lock(&mutex_);
  Histogram all;
  for (const auto& histogram : histograms_) all.Merge(*histogram);
  return all;
}

void Ear::Heard(absl::string_view payload) {
  Stamp stamp;
  if (!ReadStamp(payload, &stamp) || !order_.Heard(stamp)) Increment(&disorder_);
  if ((messages() & latency_mask_) == 0) latencies_->Heard(stamp.time);
  Increment(&messages_);
}

}  // namespace nmq::bench
