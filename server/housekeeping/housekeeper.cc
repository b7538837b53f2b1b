#include "server/housekeeping/housekeeper.h"

#include <algorithm>

namespace nmq {

Housekeeper::Housekeeper(std::string name, std::vector<Task> tasks, const Clock* clock)
    : name_(std::move(name)), tasks_(std::move(tasks)), clock_(clock) {
  shortest_period_ = absl::InfiniteDuration();
  for (const Task& task : tasks_) shortest_period_ = std::min(shortest_period_, task.period);
}

Housekeeper::~Housekeeper() { Stop(); }

absl::Status Housekeeper::Start() {
  for (const Task& task : tasks_) due_.push_back(clock_->Monotonic() + task.period);
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

void Housekeeper::Stop() {
  {
    MutexLock lock(&mu_);
    stop_ = true;
    changed_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

bool Housekeeper::WaitFor(absl::Duration time) {
  MutexLock lock(&mu_);
  if (!stop_ && time > absl::ZeroDuration()) changed_.WaitWithTimeout(&mu_, time);
  return !stop_;
}

void Housekeeper::Run() {
  // No longer than the shortest period, since the clock may be one that tests move.
  while (WaitFor(std::min(shortest_period_, *std::min_element(due_.begin(), due_.end()) - clock_->Monotonic()))) {
    for (size_t i = 0; i < tasks_.size(); ++i) {
      const absl::Duration now = clock_->Monotonic();
      if (due_[i] > now) continue;
      due_[i] = now + tasks_[i].period;
      tasks_[i].run();
    }
  }
}

}  // namespace nmq
