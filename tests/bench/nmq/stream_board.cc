#include "tests/bench/nmq/stream_board.h"

#include "absl/strings/str_cat.h"

namespace nmq::bench {

void StreamBoard::Ready(absl::Duration heartbeat) {
  absl::MutexLock lock(&mutex_);
  ++ready_;
  heartbeat_ = heartbeat;
}

void StreamBoard::Ended(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  ++ended_;
  if (ends_expected_ || !health_.ok()) return;
  health_ = status.ok() ? absl::InternalError("a stream ended with OK") : status;
}

void StreamBoard::ExpectEnds() {
  absl::MutexLock lock(&mutex_);
  ends_expected_ = true;
}

absl::Status StreamBoard::AwaitReady(absl::Duration patience) {
  const auto settled = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return ready_ == streams_ || !health_.ok(); };
  absl::MutexLock lock(&mutex_);
  if (!mutex_.AwaitWithTimeout(absl::Condition(&settled), patience)) {
    return absl::DeadlineExceededError(absl::StrCat("only ", ready_, " of ", streams_, " subscriptions are live"));
  }
  return health_;
}

void StreamBoard::AwaitEnds() {
  const auto all_ended = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return ended_ == streams_; };
  absl::MutexLock lock(&mutex_, absl::Condition(&all_ended));
}

absl::Status StreamBoard::health() const {
  absl::MutexLock lock(&mutex_);
  return health_;
}

absl::Duration StreamBoard::heartbeat() const {
  absl::MutexLock lock(&mutex_);
  return heartbeat_;
}

}  // namespace nmq::bench
