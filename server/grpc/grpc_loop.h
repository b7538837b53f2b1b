#ifndef NMQ_SERVER_GRPC_GRPC_LOOP_H_
#define NMQ_SERVER_GRPC_GRPC_LOOP_H_

#include <atomic>
#include <memory>

#include "grpcpp/alarm.h"
#include "grpcpp/completion_queue.h"
#include "server/grpc/connections.h"
#include "server/rpc/loop.h"

namespace nmq::rpc {

// What a completion queue hands back.
class Event {
 public:
  virtual ~Event() = default;
  // On the loop's thread. `ok` as in grpc::CompletionQueue::Next.
  virtual void Proceed(bool ok) = 0;
};

// An event that calls a member function.
template <typename T>
class MemberEvent final : public Event {
 public:
  MemberEvent(T* self, void (T::*proceed)(bool)) : self_(self), proceed_(proceed) {}
  void Proceed(bool ok) override { (self_->*proceed_)(ok); }

 private:
  T* const self_;
  void (T::*const proceed_)(bool);
};

// A loop on one completion queue of gRPC and the calls that came in through it. Threads as Loop.
class GrpcLoop final : public Loop {
 public:
  GrpcLoop(std::unique_ptr<grpc::ServerCompletionQueue> queue, broker::Lane* lane, const Clock* clock, Metrics* metrics,
           const Memory& memory);
  ~GrpcLoop() override { Join(); }

  grpc::ServerCompletionQueue* queue() const { return queue_.get(); }
  Connections& connections() { return connections_; }

  // Shuts the queue down, after the server; the loop ends when it is empty.
  void Shutdown() override;
  // False once the loop shuts down: nothing new may be asked of the queue.
  bool accepting() const { return accepting_; }

  bool HoldAsleep() override;
  void Release() override;

 private:
  bool TakeEvents() override;
  void Interrupt() override;
  void EndTurn() override { connections_.EndTurn(); }
  gpr_timespec Deadline() const;
  void Woken(bool ok);

  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  MemberEvent<GrpcLoop> woken_event_{this, &GrpcLoop::Woken};
  grpc::Alarm alarm_;
  std::atomic<bool> asleep_{false};  // it may wake at any time
  // Whoever holds counts itself and then looks whether the loop closes; the loop closes and then looks who holds.
  std::atomic<int> holds_{0};
  std::atomic<bool> closing_{false};

  // For the loop's thread only.
  bool accepting_ = true;
  int looks_ = 1;  // for further events that a turn takes in vain
  Connections connections_;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_GRPC_GRPC_LOOP_H_
