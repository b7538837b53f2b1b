#ifndef NMQ_SERVER_RPC_DEFERRED_CALL_H_
#define NMQ_SERVER_RPC_DEFERRED_CALL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "base/mutex.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/frame/frame.h"
#include "server/rpc/frames.h"
#include "server/rpc/grpc_loop.h"
#include "server/rpc/intake.h"
#include "server/rpc/status.h"

namespace nmq::rpc {

// Serves a method with one request and one response that may be answered later, from any thread. A call that comes is
// replaced at once, so calls that wait keep no others from being served; whoever handles them bounds their number. Its
// request is received when the loop's intake has room for it.
//
// `handle` runs on the loop and must not block. The request and the context live until it returns. The `done` that it
// is given may be called there, or later on any thread, under no lock; the first call of it counts, and one that comes
// after the call's end does nothing. A call that waits is one of its loop's streams: when the server stops it may still
// be answered in the grace, and ends with UNAVAILABLE then.
template <typename Service, typename Request, typename Response>
class DeferredCall final : public Event, public Stream, private Intake::Receiver {
 public:
  using Done = std::function<void(absl::StatusOr<Response>)>;
  using Handle = std::function<void(const grpc::ServerContext&, Request*, Done)>;
  struct Method {
    Service* service;  // see received_methods.h
    int index;         // of the method in it
    Handle handle;
    uint64_t request_bytes;  // what a request is thought to have
    bool keeps = false;      // it keeps the request's bytes until it is answered
  };

  // Waits for `count` calls. `method` must outlive the loop.
  static void Serve(const Method* method, GrpcLoop* loop, int count) {
    for (int i = 0; i < count; ++i) new DeferredCall(method, loop);
  }

  // The call has come, or is finished.
  void Proceed(bool ok) override {
    if (stage_ == Stage::kAwaited && ok && loop_->accepting()) {
      Start();
    } else {
      // Not ok before the call: the server shuts down.
      Release();
    }
  }

  void Drain(const DrainPlan&) override {}
  void End(const absl::Status& status) override {
    if (stage_ == Stage::kReceiving) {
      Refuse(status);
    } else if (answer_ != nullptr && answer_->Claim() != nullptr) {
      FinishOnLoop(status);
    }
  }

 private:
  // What may outlive the call: the answer on its way to it. Whoever claims the call, once, may finish it.
  class Answer {
   public:
    explicit Answer(DeferredCall* call) : call_(call) {}

    // True if it is to be sent: it is the first, and the handler has returned.
    bool Set(absl::StatusOr<Response> response) ABSL_LOCKS_EXCLUDED(mu_) {
      MutexLock lock(&mu_);
      if (response_.has_value()) return false;
      response_.emplace(std::move(response));
      return handled_;
    }
    // The handler has returned; true if the answer is there already.
    bool Handled() ABSL_LOCKS_EXCLUDED(mu_) {
      MutexLock lock(&mu_);
      handled_ = true;
      return response_.has_value();
    }
    DeferredCall* Claim() ABSL_LOCKS_EXCLUDED(mu_) {
      MutexLock lock(&mu_);
      return std::exchange(call_, nullptr);
    }
    // On the loop's thread.
    void Deliver() {
      if (DeferredCall* call = Claim(); call != nullptr) call->FinishOnLoop(Take());
    }
    // On any thread, while the loop is held.
    void DeliverHere() {
      if (DeferredCall* call = Claim(); call != nullptr) call->Finish(Take());
    }

   private:
    absl::StatusOr<Response> Take() ABSL_LOCKS_EXCLUDED(mu_) {
      MutexLock lock(&mu_);
      return *std::move(response_);
    }

    Mutex mu_;  // a leaf: nothing is locked under it
    DeferredCall* call_ ABSL_GUARDED_BY(mu_);
    bool handled_ ABSL_GUARDED_BY(mu_) = false;
    std::optional<absl::StatusOr<Response>> response_ ABSL_GUARDED_BY(mu_);
  };

  enum class Stage { kAwaited, kReceiving, kReceived };

  DeferredCall(const Method* method, GrpcLoop* loop) : method_(method), loop_(loop), stream_(&context_) {
    method->service->RequestReceived(method->index, &context_, &stream_, loop->queue(), this);
  }
  ~DeferredCall() = default;

  void Start() {
    new DeferredCall(method_, loop_);
    stage_ = Stage::kReceiving;
    loop_->intake().Want(this, method_->request_bytes);
    // In line it owes gRPC nothing, so the server must end it.
    if (owed_ == 1) loop_->AddStream(this);
  }

  void Receive() override {
    ++owed_;
    stream_.Read(&bytes_, &read_);
  }

  void Read(bool ok) {
    if (stage_ == Stage::kReceiving) {
      stage_ = Stage::kReceived;
      HandleRequest(ok);
    }
    Release();
  }

  void HandleRequest(bool ok) {
    if (!ok) {
      loop_->intake().Leave(this);
      FinishOnLoop(InvalidArgument("request", "is missing"));
      return;
    }
    taken_ = bytes_.Length();
    loop_->intake().Received(this, taken_);
    Request request;
    if (absl::Status decoded = Decode(bytes_, &request); !decoded.ok()) {
      FinishOnLoop(decoded);
      return;
    }
    bytes_.Clear();
    if (!method_->keeps) GiveBack();
    answer_ = std::make_shared<Answer>(this);
    method_->handle(context_, &request,
                    [answer = answer_, loop = loop_->shared_from_this()](absl::StatusOr<Response> response) {
                      if (answer->Set(std::move(response))) Send(answer, loop.get());
                    });
    if (answer_->Handled()) {
      answer_->Deliver();
    } else {
      // It may be finished by now, but its event comes to this thread.
      loop_->AddStream(this);
    }
  }

  // Nobody waits for the request any more.
  void Refuse(const absl::Status& why) override {
    stage_ = Stage::kReceived;
    loop_->intake().Leave(this);
    FinishOnLoop(why);
  }

  void GiveBack() { loop_->intake().GiveBack(std::exchange(taken_, 0)); }

  // To wake a loop that sleeps takes longer than to send the answer here. One that is awake sends what has gathered.
  static void Send(const std::shared_ptr<Answer>& answer, Loop* loop) {
    if (loop->HoldAsleep()) {
      answer->DeliverHere();
      loop->Release();
    } else {
      loop->Post([answer] { answer->Deliver(); });
    }
  }

  // For whoever has claimed the call.
  void Finish(const absl::StatusOr<Response>& response) {
    GiveBack();
    if (response.ok()) {
      stream_.WriteAndFinish(ToByteBuffer(Frame(*response)), grpc::WriteOptions(), grpc::Status::OK, this);
    } else {
      stream_.Finish(ToGrpc(response.status()), this);
    }
  }
  void FinishOnLoop(const absl::StatusOr<Response>& response) {
    if (loop_->accepting()) {
      Finish(response);
    } else {
      // Nobody waits any more, and nothing may be asked of the queue.
      GiveBack();
      Release();
    }
  }
  // An event has come, or will not be asked for.
  void Release() {
    if (--owed_ > 0) return;
    loop_->RemoveStream(this);
    delete this;
  }

  const Method* const method_;
  GrpcLoop* const loop_;
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> stream_;
  MemberEvent<DeferredCall> read_{this, &DeferredCall::Read};
  Stage stage_ = Stage::kAwaited;
  int owed_ = 1;  // events to come: the call or its end, and a read
  grpc::ByteBuffer bytes_;
  uint64_t taken_ = 0;              // from the intake
  std::shared_ptr<Answer> answer_;  // null until the request is there
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_DEFERRED_CALL_H_
