#include "server/service/services.h"

namespace nmq {
namespace {

constexpr absl::Duration kWaitStep = absl::Milliseconds(5);

}  // namespace

Services::~Services() { StopStarted(); }

absl::Status Services::Start() {
  for (Service* service : services_) {
    absl::Status status = service->Start();
    if (!status.ok()) {
      StopStarted();
      return status;
    }
    ++started_;
  }
  return absl::OkStatus();
}

size_t Services::streams() const {
  size_t count = 0;
  for (const Service* service : services_) count += service->streams();
  return count;
}

void Services::WaitForStreams(absl::Duration grace) {
  const absl::Duration end = clock_->Monotonic() + grace;
  MutexLock lock(&mu_);
  while (streams() > 0 && !hurry_ && clock_->Monotonic() < end) hurried_.WaitWithTimeout(&mu_, kWaitStep);
}

void Services::StopStarted() {
  while (started_ > 0) services_[--started_]->Stop();
}

void Services::Stop(absl::Duration grace) {
  for (size_t i = 0; i < started_; ++i) services_[i]->Drain(grace);
  WaitForStreams(grace);
  StopStarted();
}

void Services::Hurry() {
  MutexLock lock(&mu_);
  hurry_ = true;
  hurried_.SignalAll();
}

}  // namespace nmq
