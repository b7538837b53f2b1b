#ifndef NMQ_SERVER_SESSION_LEASES_H_
#define NMQ_SERVER_SESSION_LEASES_H_

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "base/mutex.h"
#include "server/session/sessions.h"

namespace nmq::broker {

// When to look next whether the lease of a client has run out. Times are microseconds of the monotonic clock.
// Thread-safe.
class Leases {
 public:
  // Look at the lease at `due_us`, and no longer at the time that was set before.
  void Watch(const Session& session, int64_t due_us) ABSL_LOCKS_EXCLUDED(mu_);
  // Look at it no more, if it was to be looked at.
  void Forget(const Client* client) ABSL_LOCKS_EXCLUDED(mu_);
  // The lease that was due first of those that are due at `now_us`; it is not watched any more. None if none is due.
  std::optional<Session> TakeDue(int64_t now_us) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void ForgetLocked(const Client* client) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Mutex mu_;  // a leaf: nothing is locked under it
  // Both have one entry for each client; the sessions keep the clients alive.
  absl::btree_map<std::pair<int64_t, const Client*>, Session> by_time_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<const Client*, int64_t> due_us_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_SESSION_LEASES_H_
