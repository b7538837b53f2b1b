#ifndef NMQ_SERVER_QUEUE_FOLLOWERS_H_
#define NMQ_SERVER_QUEUE_FOLLOWERS_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "server/queue/follower.h"

namespace nmq::broker {

// Those that follow a queue. Thread-safe.
class Followers {
 public:
  void Add(std::weak_ptr<Follower> follower) ABSL_LOCKS_EXCLUDED(mu_);
  // Nothing if it is not there.
  void Remove(const Follower* follower) ABSL_LOCKS_EXCLUDED(mu_);
  // Wakes all, without any lock. Cheap if there are none.
  void Wake() const ABSL_LOCKS_EXCLUDED(mu_);
  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  std::atomic<bool> any_{false};
  // The pointer tells which one it is, also when it is gone.
  struct Entry {
    const Follower* follower;
    std::weak_ptr<Follower> weak;
  };
  mutable Mutex mu_;  // a leaf: nothing is locked under it
  std::vector<Entry> followers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_FOLLOWERS_H_
