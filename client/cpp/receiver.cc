#include "client/cpp/receiver.h"

#include <algorithm>

#include "base/grpc_deadline.h"

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

void Receiver::Wait(Waiter* waiter, Deadline deadline) {
  MutexLock lock(&mu_);
  while (!waiter->notified && !deadline.IsOver()) {
    if (polling_) {
      waiting_.push_back(waiter);
      waiter->changed.WaitWithTimeout(&mu_, deadline.Left());
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

bool Receiver::RunNext(Deadline deadline) {
  void* tag;
  bool ok;
  if (queue_.AsyncNext(&tag, &ok, ToGrpc(deadline)) != grpc::CompletionQueue::GOT_EVENT) return false;
#ifdef NMQ_THREAD_SANITIZER
  __tsan_acquire(this);
#endif
  (*static_cast<Tag*>(tag))(ok);
  return true;
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
