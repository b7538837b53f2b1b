#include "server/limits/memory_budget.h"

#include <algorithm>

namespace nmq {

bool MemoryBudget::TakeIfThere(uint64_t bytes) {
  uint64_t taken = taken_.load();
  do {
    if (taken > 0 && (bytes > bytes_max_ || taken > bytes_max_ - bytes)) return false;
  } while (!taken_.compare_exchange_weak(taken, taken + bytes));
  return true;
}

bool MemoryBudget::TryTake(uint64_t bytes) { return !anyone_waits() && TakeIfThere(bytes); }

void MemoryBudget::Wait(uint64_t bytes, Waiter* waiter) {
  {
    MutexLock lock(&mu_);
    waiter->bytes_ = bytes;
    line_.push_back(waiter);
    ++waiters_;
  }
  Serve();
}

bool MemoryBudget::Leave(Waiter* waiter) {
  {
    MutexLock lock(&mu_);
    const auto found = std::find(line_.begin(), line_.end(), waiter);
    if (found == line_.end()) return false;
    line_.erase(found);
    --waiters_;
  }
  Serve();  // the next may want less
  return true;
}

void MemoryBudget::GiveBack(uint64_t bytes) {
  taken_.fetch_sub(bytes);
  if (anyone_waits()) Serve();
}

void MemoryBudget::Serve() {
  std::vector<Waiter*> served;
  {
    MutexLock lock(&mu_);
    while (!line_.empty() && TakeIfThere(line_.front()->bytes_)) {
      served.push_back(line_.front());
      line_.pop_front();
      --waiters_;
    }
  }
  for (Waiter* waiter : served) waiter->OnTaken();
}

}  // namespace nmq
