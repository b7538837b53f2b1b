#include "server/limits/rate_limit.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq {

void RateLimit::Set(uint64_t per_second, absl::Duration burst) {
  if (per_second_.exchange(per_second) == 0 && per_second == 0) return;
  MutexLock lock(&mu_);
  if (per_second != 0) bucket_.Set(per_second, burst);
}

absl::Status RateLimit::TakeLimited(uint64_t amount, absl::Duration now, absl::string_view whose,
                                    absl::string_view name) {
  absl::Duration wait;
  {
    MutexLock lock(&mu_);
    wait = bucket_.WaitFor(amount, now);
    if (wait == absl::ZeroDuration()) {
      bucket_.Take(amount);
      return absl::OkStatus();
    }
  }
  const std::string value = absl::StrCat(amount);
  const std::string bound = absl::StrCat(per_second_.load(std::memory_order_relaxed));
  return ResourceExhausted(
      kReasonLimitExceeded,
      absl::StrCat(limit_, ": ", value, " ", what_, " now exceed the limit of ", bound, " a second",
                   whose.empty()
                       ? ""
                       : absl::StrCat(" of the ", whose, name.empty() ? "" : " ", name.empty() ? "" : Quote(name)),
                   "; try again in ", absl::FormatDuration(wait), ", or do less, or have the limit raised"),
      wait, {{"limit", limit_}, {"value", value}, {"bound", bound}});
}

void RateLimit::GiveBack(uint64_t amount) {
  if (per_second_.load(std::memory_order_relaxed) == 0) return;
  MutexLock lock(&mu_);
  bucket_.GiveBack(amount);
}

}  // namespace nmq
