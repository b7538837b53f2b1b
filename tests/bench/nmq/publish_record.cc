#include "tests/bench/nmq/publish_record.h"

#include "absl/strings/str_cat.h"
#include "tests/bench/harness/client.h"

namespace nmq::bench {

bool PublishRecord::Send(uint64_t messages) {
  absl::MutexLock lock(&mutex_);
  if (stopped_ || !verdict_.ok()) return false;
  sent_ += messages;
  return true;
}

void PublishRecord::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
}

void PublishRecord::Answered(const absl::StatusOr<uint64_t>& accepted, int64_t sent) {
  absl::MutexLock lock(&mutex_);
  if (!accepted.ok()) {
    if (verdict_.ok()) verdict_ = accepted.status();
    return;
  }
  accepted_ += *accepted;
  if (sent >= record_from_) answers_.Add(Now() - sent);
}

void PublishRecord::RecordAnswers() {
  absl::MutexLock lock(&mutex_);
  record_from_ = Now();
}

bool PublishRecord::stopped() const {
  absl::MutexLock lock(&mutex_);
  return stopped_ || !verdict_.ok();
}

uint64_t PublishRecord::accepted() const {
  absl::MutexLock lock(&mutex_);
  return accepted_;
}

uint64_t PublishRecord::sent() const {
  absl::MutexLock lock(&mutex_);
  return sent_;
}

absl::Status PublishRecord::verdict() const {
  absl::MutexLock lock(&mutex_);
  return verdict_;
}

Histogram PublishRecord::answers() const {
  absl::MutexLock lock(&mutex_);
  return answers_;
}

absl::Status PublishRecord::AwaitAnswers(absl::Duration patience) {
  const auto settled = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return accepted_ >= sent_ || !verdict_.ok(); };
  absl::MutexLock lock(&mutex_);
  if (mutex_.AwaitWithTimeout(absl::Condition(&settled), patience)) return verdict_;
  return absl::DeadlineExceededError(absl::StrCat(sent_ - accepted_, " unanswered messages"));
}

}  // namespace nmq::bench
