#ifndef NMQ_SERVER_LIMITS_IDENTITIES_H_
#define NMQ_SERVER_LIMITS_IDENTITIES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "server/call/call.h"
#include "server/call/quota.h"
#include "server/limits/limits.h"
#include "server/limits/rate_limit.h"
#include "server/limits/share.h"
#include "server/limits/use_table.h"

namespace nmq {

// What one identity has and does. Thread-safe.
class IdentityUse {
 public:
  IdentityUse(const Limits* limits, std::string name) : limits_(*limits), name_(std::move(name)) {}

  // What it may, from now on; what it has stays.
  void SetQuota(const Quota& quota) ABSL_LOCKS_EXCLUDED(mu_);

  // One more of these, which `share` stands for. RESOURCE_EXHAUSTED, with the limit, if there may not be.
  static absl::Status AddConnection(const std::shared_ptr<IdentityUse>& use, Share* share);
  static absl::Status AddClient(const std::shared_ptr<IdentityUse>& use, Share* share);
  static absl::Status AddSubscription(const std::shared_ptr<IdentityUse>& use, Share* share);

  // It publishes, or calls Registry or Admin. RESOURCE_EXHAUSTED, with the limit and RetryInfo, if it has done too much
  // lately.
  absl::Status Publish(uint64_t messages, uint64_t bytes, const Clock& clock) {
    return publishing_.Take(messages, bytes, clock, kWhose, name_);
  }
  // It has not published what it was to.
  void TakeBack(uint64_t messages, uint64_t bytes) { publishing_.GiveBack(messages, bytes); }
  absl::Status CallControl(const Clock& clock) { return control_calls_.Take(1, clock, kWhose, name_); }

 private:
  friend class Identities;

  static constexpr char kWhose[] = "identity";

  struct Counted {
    const char* limit;
    std::atomic<uint64_t> max{0};  // 0: no bound
    std::atomic<uint64_t> count{0};
  };
  static absl::Status Add(const std::shared_ptr<IdentityUse>& use, Counted IdentityUse::*counted, Share* share);

  const Limits& limits_;
  const std::string name_;
  Counted connections_{"connections_per_identity"};
  Counted clients_{"clients_per_identity"};
  Counted subscriptions_{"subscriptions_per_identity"};
  PublishRate publishing_{"messages_per_second_per_identity", "bytes_per_second_per_identity"};
  RateLimit control_calls_{"control_calls_per_second_per_identity", "calls"};
  Mutex mu_;  // a leaf, but for those of the rates
  Quota quota_ ABSL_GUARDED_BY(mu_);
  bool quota_set_ ABSL_GUARDED_BY(mu_) = false;
};

// What each identity has and does: of those that have something, and of those that called lately. Thread-safe.
class Identities {
 public:
  // Of those that have nothing; each takes about half a kilobyte.
  static constexpr size_t kIdleMax = 20'000;

  // `limits` must outlive this and all that it gives.
  explicit Identities(const Limits* limits) : limits_(limits) {}

  // That of the caller; null where callers are not asked who they are.
  std::shared_ptr<IdentityUse> Of(const Principal* caller);

  size_t size() const { return uses_.size(); }

 private:
  const Limits* const limits_;
  UseTable<IdentityUse> uses_{kIdleMax};
};

}  // namespace nmq

#endif  // NMQ_SERVER_LIMITS_IDENTITIES_H_
