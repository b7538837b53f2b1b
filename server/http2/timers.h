#ifndef NMQ_SERVER_HTTP2_TIMERS_H_
#define NMQ_SERVER_HTTP2_TIMERS_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/time/time.h"

namespace nmq::http2 {

// Calls `on_time` once for each time that it is set.
class Timer {
 public:
  explicit Timer(std::function<void()> on_time) : on_time_(std::move(on_time)) {}
  bool set() const { return time_us_ != 0; }

 private:
  friend class Timers;
  const std::function<void()> on_time_;
  int64_t time_us_ = 0;
};

// Timers of one thread. Each is set once at a time, and cancelled before its end.
class Timers {
 public:
  // `time` is of the monotonic clock.
  void Set(Timer* timer, absl::Duration time) {
    Cancel(timer);
    timer->time_us_ = std::max<int64_t>(1, absl::ToInt64Microseconds(time));
    set_.insert({timer->time_us_, timer});
  }
  void Cancel(Timer* timer) {
    if (!timer->set()) return;
    set_.erase({timer->time_us_, timer});
    timer->time_us_ = 0;
  }
  // When the first is due.
  std::optional<absl::Duration> first() const {
    if (set_.empty()) return std::nullopt;
    return absl::Microseconds(set_.begin()->first);
  }
  // Calls those that are due.
  void Run(absl::Duration now) {
    const int64_t now_us = absl::ToInt64Microseconds(now);
    while (!set_.empty() && set_.begin()->first <= now_us) {
      Timer* const timer = set_.begin()->second;
      Cancel(timer);
      timer->on_time_();
    }
  }

 private:
  absl::btree_set<std::pair<int64_t, Timer*>> set_;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_TIMERS_H_
