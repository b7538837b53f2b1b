#include "server/group/group_runner.h"

#include <algorithm>
#include <optional>

#include "absl/time/time.h"
#include "server/group/group.h"

namespace nmq::broker {

GroupRunner::GroupRunner(const Clock* clock) : clock_(clock), thread_([this] { Run(); }) {}

GroupRunner::~GroupRunner() { Stop(); }

void GroupRunner::Stop() {
  {
    MutexLock lock(&mu_);
    if (stop_) return;
    stop_ = true;
    changed_.SignalAll();
  }
  errands_.Stop();
  thread_.join();
  Groups posted;
  MutexLock lock(&mu_);
  posted.swap(posted_);
}

void GroupRunner::Post(std::shared_ptr<Group> group) {
  MutexLock lock(&mu_);
  if (stop_) return;
  posted_.push_back(std::move(group));
  changed_.SignalAll();
}

void GroupRunner::Tick() {
  MutexLock lock(&mu_);
  changed_.SignalAll();
}

int64_t GroupRunner::NowUs() const { return absl::ToInt64Microseconds(clock_->Monotonic()); }

void GroupRunner::SetTime(const std::shared_ptr<Group>& group, int64_t due_us) {
  if (const auto found = time_of_.find(group.get()); found != time_of_.end()) {
    times_.erase({found->second, group});
    time_of_.erase(found);
  }
  if (due_us < 0) return;
  times_.insert({due_us, group});
  time_of_[group.get()] = due_us;
}

void GroupRunner::Flush() {
  // The turn that takes in a block, or ends a save, may have something to save in its turn.
  for (int i = 0; i < 2; ++i) {
    AwaitTurns();
    errands_.Await();
  }
  AwaitTurns();
}

void GroupRunner::AwaitTurns() {
  MutexLock lock(&mu_);
  // The round that is under way may have begun before.
  const uint64_t round = begun_ + 1;
  wanted_ = round;
  changed_.SignalAll();
  while (!stop_ && done_ < round) changed_.Wait(&mu_);
}

bool GroupRunner::Wait(Groups* groups) {
  MutexLock lock(&mu_);
  done_ = begun_;
  changed_.SignalAll();
  while (!stop_ && posted_.empty() && done_ >= wanted_) {
    const int64_t wait_us = times_.empty() ? INT64_MAX : times_.begin()->first - NowUs();
    if (wait_us <= 0) break;
    if (times_.empty()) {
      changed_.Wait(&mu_);
    } else {
      changed_.WaitWithTimeout(&mu_, absl::Microseconds(wait_us));
    }
  }
  ++begun_;
  groups->swap(posted_);
  return !stop_;
}

void GroupRunner::Run() {
  Groups groups;
  while (Wait(&groups)) {
    const int64_t now_us = NowUs();
    for (auto it = times_.begin(); it != times_.end() && it->first <= now_us; ++it) groups.push_back(it->second);
    for (const auto& group : groups) {
      const std::optional<int64_t> next_us = group->Turn();
      SetTime(group, next_us.value_or(-1));
    }
    groups.clear();
  }
  times_.clear();
  time_of_.clear();
}

}  // namespace nmq::broker
