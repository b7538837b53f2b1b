#ifndef NMQ_SERVER_LIMITS_RATE_LIMIT_H_
#define NMQ_SERVER_LIMITS_RATE_LIMIT_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "server/limits/token_bucket.h"

namespace nmq {

// A row of Limits that says how much may be done in a second. Without a bound, taking costs one look at a number.
// Thread-safe.
class RateLimit {
 public:
  // `limit` is the row's name, `what` what is counted, such as "messages".
  RateLimit(const char* limit, const char* what) : limit_(limit), what_(what) {}

  // 0: no bound.
  void Set(uint64_t per_second, absl::Duration burst) ABSL_LOCKS_EXCLUDED(mu_);

  // Takes `amount`. RESOURCE_EXHAUSTED, with the limit and RetryInfo, if that is more than there is: then nothing is
  // taken. `whose` is for the message, such as `namespace "shop"`.
  absl::Status Take(uint64_t amount, const Clock& clock, absl::string_view whose, absl::string_view name) {
    if (per_second_.load(std::memory_order_relaxed) == 0) return absl::OkStatus();
    return TakeLimited(amount, clock.Monotonic(), whose, name);
  }
  // What was taken is not used.
  void GiveBack(uint64_t amount) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  absl::Status TakeLimited(uint64_t amount, absl::Duration now, absl::string_view whose, absl::string_view name)
      ABSL_LOCKS_EXCLUDED(mu_);

  const char* const limit_;
  const char* const what_;
  std::atomic<uint64_t> per_second_{0};
  Mutex mu_;  // a leaf
  TokenBucket bucket_ ABSL_GUARDED_BY(mu_){1, absl::ZeroDuration()};
};

// How fast somebody may publish. Thread-safe.
class PublishRate {
 public:
  // The names of the rows.
  PublishRate(const char* messages, const char* bytes) : messages_(messages, "messages"), bytes_(bytes, "bytes") {}

  void Set(uint64_t messages_per_second, uint64_t bytes_per_second, absl::Duration burst) {
    messages_.Set(messages_per_second, burst);
    bytes_.Set(bytes_per_second, burst);
  }
  // Takes both or nothing, as RateLimit does.
  absl::Status Take(uint64_t messages, uint64_t bytes, const Clock& clock, absl::string_view whose,
                    absl::string_view name) {
    absl::Status status = messages_.Take(messages, clock, whose, name);
    if (!status.ok()) return status;
    status = bytes_.Take(bytes, clock, whose, name);
    if (!status.ok()) messages_.GiveBack(messages);
    return status;
  }
  void GiveBack(uint64_t messages, uint64_t bytes) {
    messages_.GiveBack(messages);
    bytes_.GiveBack(bytes);
  }

 private:
  RateLimit messages_;
  RateLimit bytes_;
};

}  // namespace nmq

#endif  // NMQ_SERVER_LIMITS_RATE_LIMIT_H_
