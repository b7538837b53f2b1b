#ifndef NMQ_SERVER_PRESENCE_CLIENT_H_
#define NMQ_SERVER_PRESENCE_CLIENT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "server/call/call.h"
#include "server/limits/identities.h"
#include "server/limits/share.h"
#include "server/metrics/counters.h"
#include "server/presence/memberships.h"

namespace nmq::broker {

// A client of a namespace, as long as it or a call of it lives. What may change under it (name, labels, rooms,
// subscriptions) is the namespace's to guard. Thread-safe.
class Client {
 public:
  // `identity` is empty where callers are not asked who they are.
  Client(uint64_t number, std::string id, std::string session, absl::Time connect_time, std::string identity = "")
      : number_(number),
        id_(std::move(id)),
        session_(std::move(session)),
        identity_(std::move(identity)),
        connect_time_(connect_time),
        memberships_(number) {}

  uint64_t number() const { return number_; }
  const std::string& id() const { return id_; }
  const std::string& session() const { return session_; }
  // Who has made it: its session is of no use to others.
  const std::string& identity() const { return identity_; }
  // What its identity has and does; null where callers are not asked who they are. It counts as one client of that
  // until it is gone. To be set before others know of it.
  const std::shared_ptr<IdentityUse>& use() const { return use_; }
  void set_use(std::shared_ptr<IdentityUse> use, Share share) {
    use_ = std::move(use);
    share_ = std::move(share);
  }
  // What the last call of its session has shown of who that is, which may be newer than what its streams have; null
  // where callers are not asked.
  std::shared_ptr<const Principal> principal() const ABSL_LOCKS_EXCLUDED(principal_mu_) {
    MutexLock lock(&principal_mu_);
    return principal_;
  }
  void Show(const std::shared_ptr<const Principal>& principal) ABSL_LOCKS_EXCLUDED(principal_mu_) {
    // Mostly it is the same.
    if (shown_.load(std::memory_order_relaxed) == principal.get()) return;
    MutexLock lock(&principal_mu_);
    principal_ = principal;
    shown_.store(principal.get(), std::memory_order_relaxed);
  }
  absl::Time connect_time() const { return connect_time_; }
  Memberships& memberships() { return memberships_; }
  const Memberships& memberships() const { return memberships_; }
  Counters& counters() { return counters_; }

  // True once the client has disconnected or its lease has run out.
  bool gone() const { return gone_.load(std::memory_order_acquire); }
  // Once only.
  void set_gone() {
    gone_.store(true, std::memory_order_release);
    share_.Release();
  }

  // The lease runs from the last call on, and not while a stream is open. Microseconds of the monotonic clock.
  int64_t last_active_us() const { return last_active_us_.load(std::memory_order_relaxed); }
  void Touch(int64_t now_us) { last_active_us_.store(now_us, std::memory_order_relaxed); }
  bool has_streams() const { return streams_.load(std::memory_order_acquire) > 0; }
  void StreamOpened() { streams_.fetch_add(1, std::memory_order_acq_rel); }
  void StreamClosed(int64_t now_us) {
    Touch(now_us);
    streams_.fetch_sub(1, std::memory_order_acq_rel);
  }

  // Subscriptions of it whose start is looked for on another thread.
  std::atomic<uint64_t>& searches() { return searches_; }

 private:
  const uint64_t number_;
  const std::string id_;
  const std::string session_;
  const std::string identity_;
  const absl::Time connect_time_;
  std::shared_ptr<IdentityUse> use_;
  Share share_;                 // of it
  mutable Mutex principal_mu_;  // a leaf
  std::shared_ptr<const Principal> principal_ ABSL_GUARDED_BY(principal_mu_);
  std::atomic<const Principal*> shown_{nullptr};  // principal_, for comparing
  Memberships memberships_;
  Counters counters_;
  std::atomic<bool> gone_{false};
  std::atomic<int64_t> last_active_us_{0};
  std::atomic<int> streams_{0};
  std::atomic<uint64_t> searches_{0};
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_PRESENCE_CLIENT_H_
