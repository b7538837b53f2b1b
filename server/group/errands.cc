#include "server/group/errands.h"

namespace nmq::broker {

Errands::Errand Errands::Begin() {
  MutexLock lock(&mu_);
  under_way_.insert(++last_);
  return Errand(this, last_);
}

void Errands::End(uint64_t number) {
  MutexLock lock(&mu_);
  under_way_.erase(number);
  ended_.SignalAll();
}

void Errands::Await() {
  MutexLock lock(&mu_);
  const uint64_t last = last_;
  while (!stop_ && !under_way_.empty() && *under_way_.begin() <= last) ended_.Wait(&mu_);
}

void Errands::Stop() {
  MutexLock lock(&mu_);
  stop_ = true;
  ended_.SignalAll();
}

}  // namespace nmq::broker
