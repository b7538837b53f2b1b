#include "tests/bench/harness/pacer.h"

#include <time.h>

#include <utility>

#include "tests/bench/harness/client.h"

namespace nmq::bench {
namespace {

constexpr int64_t kNanosPerSecond = 1000000000;

void SleepUntil(int64_t nanos) {
  const timespec at = {static_cast<time_t>(nanos / kNanosPerSecond), static_cast<long>(nanos % kNanosPerSecond)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) != 0) {
  }
}

}  // namespace

Pacer::Pacer(int per_second, uint64_t calls, std::function<void()> call) : call_(std::move(call)) {
  thread_ = std::thread([this, per_second, calls] { Run(per_second, calls); });
}

void Pacer::Stop() {
  stopping_.store(true);
  if (thread_.joinable()) thread_.join();
}

void Pacer::Run(int per_second, uint64_t calls) {
  const int64_t start = Now();
  for (uint64_t i = 0; calls == 0 || i < calls; ++i) {
    SleepUntil(start + static_cast<int64_t>(i) * kNanosPerSecond / per_second);
    if (stopping_.load()) return;
    made_.store(i + 1, std::memory_order_release);
    call_();
  }
}

}  // namespace nmq::bench
