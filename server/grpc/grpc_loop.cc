#include "server/grpc/grpc_loop.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "grpc/support/time.h"

namespace nmq::rpc {
namespace {

// Events taken in one turn before subscriptions get to write.
constexpr int kEventsMax = 256;
// Looks for further events that may be in vain.
constexpr int kLooksMax = 16;

}  // namespace

GrpcLoop::GrpcLoop(std::unique_ptr<grpc::ServerCompletionQueue> queue, broker::Lane* lane, const Clock* clock,
                   Metrics* metrics, const Memory& memory)
    : Loop(lane, clock, metrics, memory), queue_(std::move(queue)), connections_(clock) {}

void GrpcLoop::Interrupt() { alarm_.Set(queue_.get(), gpr_time_0(GPR_CLOCK_MONOTONIC), &woken_event_); }

void GrpcLoop::Woken(bool) {
  if (accepting_) {
    Interrupted();
  } else {
    queue_->Shutdown();
  }
}

void GrpcLoop::Shutdown() {
  // On the loop's thread, so that nobody asks anything of the queue in between.
  Post([this] {
    accepting_ = false;
    intake().Close();
    closing_ = true;
    // No longer than it takes to give an answer to gRPC.
    while (holds_ > 0) std::this_thread::yield();
    // From here on nobody sets the alarm. If somebody is about to, the queue must live until it has rung.
    if (!StopInterrupts()) queue_->Shutdown();
  });
}

bool GrpcLoop::HoldAsleep() {
  if (!asleep_.load(std::memory_order_relaxed)) return false;
  ++holds_;
  if (!closing_) return true;
  --holds_;
  return false;
}

void GrpcLoop::Release() { --holds_; }

gpr_timespec GrpcLoop::Deadline() const {
  const absl::Duration patience = Patience();
  if (patience == absl::ZeroDuration()) return gpr_time_0(GPR_CLOCK_MONOTONIC);
  if (patience == absl::InfiniteDuration()) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_micros(absl::ToInt64Microseconds(patience), GPR_TIMESPAN));
}

// False when the queue is shut down and empty.
//
// Each look without waiting, gRPC takes care of one socket, and one that brings no event, as a window update does,
// looks like the end. Where many publish, further looks mostly bring further events, and the more a turn takes in, the
// more messages go out in a frame. Where they bring none, there is only one of them.
bool GrpcLoop::TakeEvents() {
  void* tag;
  bool ok;
  int vain = 0;
  bool worth = false;  // an event came after a look in vain
  gpr_timespec deadline = Deadline();
  asleep_.store(gpr_time_cmp(deadline, gpr_time_0(GPR_CLOCK_MONOTONIC)) != 0, std::memory_order_relaxed);
  for (int events = 0; events < kEventsMax;) {
    const auto status = queue_->AsyncNext(&tag, &ok, deadline);
    asleep_.store(false, std::memory_order_relaxed);
    if (events + vain == 0) TurnBegins();
    if (status == grpc::CompletionQueue::SHUTDOWN) return false;
    if (status == grpc::CompletionQueue::GOT_EVENT) {
      static_cast<Event*>(tag)->Proceed(ok);
      ++events;
      worth = worth || vain > 0;
    } else if (events == 0 || ++vain > looks_) {
      break;
    }
    deadline = gpr_time_0(GPR_CLOCK_MONOTONIC);
  }
  if (worth) {
    looks_ = std::min(2 * looks_, kLooksMax);
  } else if (vain > looks_) {
    looks_ = std::max(looks_ / 2, 1);
  }
  return true;
}

}  // namespace nmq::rpc
