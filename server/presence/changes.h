#ifndef NMQ_SERVER_PRESENCE_CHANGES_H_
#define NMQ_SERVER_PRESENCE_CHANGES_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/circular_buffer.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "nmq/v1/registry.pb.h"

namespace nmq::broker {

// A change in a namespace, to be filled in.
v1::Change NewChange(v1::ChangeKind kind, const std::string& name_space);

// The latest changes of all namespaces, numbered, for Registry.Watch. Thread-safe.
class Changes {
 public:
  // Holds `count_max` changes, numbered from `before` + 1 on. `clock` must outlive this.
  Changes(uint64_t count_max, const Clock* clock, uint64_t before = 0)
      : count_max_(count_max), clock_(clock), revision_(before) {}

  // Numbers and keeps `change`, whose revision and time are set here. To be called under the lock that guards what
  // changed, so that who reads the revision under that lock sees all up to it. Follow with Notify, without the lock.
  void Append(v1::Change change);

  // The number of the latest change.
  uint64_t revision() const { return revision_.load(std::memory_order_acquire); }

  // Up to `count_max` changes after `revision` of `name_space` (all if empty), and in `*upto` the revision that has
  // been looked at. OUT_OF_RANGE if some are no longer held, or the revision has not been reached.
  absl::StatusOr<std::vector<v1::Change>> Read(uint64_t revision, absl::string_view name_space, size_t count_max,
                                               uint64_t* upto) const;

  // Called, from any thread, after changes: at least once after the last one.
  using Listener = std::shared_ptr<const std::function<void()>>;
  void Listen(const Listener& listener);
  // The listener may still be running, or be called once more, when this returns.
  void Unlisten(const Listener& listener);
  void Notify();

 private:
  // Encoded, in a third of the memory: without its revision, its namespace, and a client's name that is its id.
  struct Held {
    const std::string* name_space;  // of names_
    std::string bytes;
  };

  const uint64_t count_max_;
  const Clock* const clock_;
  std::atomic<uint64_t> revision_;
  std::atomic<uint64_t> notified_{0};
  mutable Mutex mu_;  // a leaf: nothing is locked under it
  CircularBuffer<Held> held_ ABSL_GUARDED_BY(mu_);
  // Of all namespaces that there have been: no more than there are objects of them.
  std::set<std::string> names_ ABSL_GUARDED_BY(mu_);
  std::vector<Listener> listeners_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_PRESENCE_CHANGES_H_
