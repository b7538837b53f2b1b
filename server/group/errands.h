#ifndef NMQ_SERVER_GROUP_ERRANDS_H_
#define NMQ_SERVER_GROUP_ERRANDS_H_

#include <cstdint>
#include <set>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace nmq::broker {

// What groups have asked of the log and have not dealt with yet, so that others can wait for it. Thread-safe.
class Errands {
 public:
  // One of them; it ends with this. Must not outlive the errands.
  class Errand {
   public:
    Errand(Errand&& other) noexcept : errands_(other.errands_), number_(other.number_) { other.errands_ = nullptr; }
    Errand(const Errand&) = delete;
    Errand& operator=(const Errand&) = delete;
    ~Errand() {
      if (errands_ != nullptr) errands_->End(number_);
    }

   private:
    friend class Errands;
    Errand(Errands* errands, uint64_t number) : errands_(errands), number_(number) {}

    Errands* errands_;
    const uint64_t number_;
  };

  Errand Begin() ABSL_LOCKS_EXCLUDED(mu_);
  // Waits until all that have begun before have ended, whatever begins later.
  void Await() ABSL_LOCKS_EXCLUDED(mu_);
  // Nobody waits any more.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void End(uint64_t number) ABSL_LOCKS_EXCLUDED(mu_);

  Mutex mu_;  // a leaf: nothing is locked under it
  CondVar ended_;
  uint64_t last_ ABSL_GUARDED_BY(mu_) = 0;
  std::set<uint64_t> under_way_ ABSL_GUARDED_BY(mu_);
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_GROUP_ERRANDS_H_
