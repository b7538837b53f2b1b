#include "client/cpp/receiver.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "client/cpp/deadline.h"
#include "grpc/support/time.h"

#ifdef NMQ_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

namespace nmq {
inline namespace client {
namespace internal {
namespace {

struct Present {
  Mutex mu;
  std::weak_ptr<Receiver> receiver ABSL_GUARDED_BY(mu);
};

gpr_timespec After(absl::Duration duration) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_micros(absl::ToInt64Microseconds(duration), GPR_TIMESPAN));
}

}  // namespace

void Receiver::Starting() {
#ifdef NMQ_THREAD_SANITIZER
  __tsan_release(this);
#endif
}

std::shared_ptr<Receiver> Receiver::Shared() {
  // Never destroyed: threads may outlive static objects.
  static auto* const present = new Present;
  MutexLock lock(&present->mu);
  std::shared_ptr<Receiver> receiver = present->receiver.lock();
  if (receiver == nullptr) {
    receiver = std::make_shared<Receiver>();
    present->receiver = receiver;
  }
  return receiver;
}

Receiver::~Receiver() {
  queue_.Shutdown();
  void* tag;
  bool ok;
  while (queue_.Next(&tag, &ok)) {
  }
}

void Receiver::Wait(Waiter* waiter, absl::Time deadline) {
  MutexLock lock(&mu_);
  while (!waiter->notified && absl::Now() < deadline) {
    if (polling_) {
      waiting_.push_back(waiter);
      waiter->changed.WaitWithTimeout(&mu_, TimeUntil(deadline));
      waiting_.erase(std::find(waiting_.begin(), waiting_.end(), waiter));
      continue;
    }
    polling_ = true;
    bool more = true;
    while (more && !waiter->notified) {
      mu_.Unlock();
      more = RunNext(deadline);
      mu_.Lock();
    }
    polling_ = false;
  }
  waiter->notified = false;
  // The one that came last is the most likely to be in the processor's caches.
  if (!polling_ && !waiting_.empty()) waiting_.back()->changed.Signal();
}

void Receiver::Notify(Waiter* waiter) {
  MutexLock lock(&mu_);
  waiter->notified = true;
  waiter->changed.Signal();
}

bool Receiver::RunNext(absl::Time deadline) {
  void* tag;
  bool ok;
  const absl::Duration timeout = std::max(TimeUntil(deadline), absl::ZeroDuration());
  if (queue_.AsyncNext(&tag, &ok, After(timeout)) != grpc::CompletionQueue::GOT_EVENT) return false;
#ifdef NMQ_THREAD_SANITIZER
  __tsan_acquire(this);
#endif
  (*static_cast<Tag*>(tag))(ok);
  return true;
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
