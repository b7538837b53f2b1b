#ifndef NMQ_SERVER_RPC_DEFERRED_CALL_H_
#define NMQ_SERVER_RPC_DEFERRED_CALL_H_

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_unary_call.h"
#include "server/rpc/loop.h"
#include "server/rpc/status.h"

namespace nmq::rpc {

// Serves a method with one request and one response that may be answered later, from any thread. A call that comes is
// replaced at once, so calls that wait keep no others from being served; whoever handles them bounds their number.
//
// `handle` runs on the loop and must not block. The request and the context live until it returns. The `done` that it
// is given may be called there, or later on any thread, under no lock; the first call of it counts, and one that comes
// after the call's end does nothing. A call that waits is one of its loop's streams: when the server stops it may still
// be answered in the grace, and ends with UNAVAILABLE then.
template <typename Service, typename Request, typename Response>
class DeferredCall final : public Event, public Stream {
 public:
  using RequestMethod = void (Service::*)(grpc::ServerContext*, Request*, grpc::ServerAsyncResponseWriter<Response>*,
                                          grpc::CompletionQueue*, grpc::ServerCompletionQueue*, void*);
  using Done = std::function<void(absl::StatusOr<Response>)>;
  using Handle = std::function<void(const grpc::ServerContext&, Request*, Done)>;
  struct Method {
    Service* service;
    RequestMethod request;
    Handle handle;
  };

  // Waits for `count` calls. `method` must outlive the loop.
  static void Serve(const Method* method, Loop* loop, int count) {
    for (int i = 0; i < count; ++i) new DeferredCall(method, loop);
  }

  void Proceed(bool ok) override {
    // Not ok before an answer: the server shuts down.
    if (answer_ != nullptr || !ok || !loop_->accepting()) {
      Forget();
      return;
    }
    new DeferredCall(method_, loop_);
    answer_ = std::make_shared<Answer>(this);
    method_->handle(context_, request_.get(),
                    [answer = answer_, loop = loop_->shared_from_this()](absl::StatusOr<Response> response) {
                      if (answer->Set(std::move(response))) Send(answer, loop.get());
                    });
    request_ = nullptr;  // it may wait for long
    if (answer_->Handled()) {
      answer_->Deliver();
    } else {
      // It may be finished by now, but its event comes to this thread.
      loop_->AddStream(this);
    }
  }

  void Drain(const DrainPlan&) override {}
  void End(const absl::Status& status) override {
    if (answer_->Claim() != nullptr) FinishOnLoop(status);
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

  DeferredCall(const Method* method, Loop* loop)
      : method_(method), loop_(loop), request_(std::make_unique<Request>()), writer_(&context_) {
    (method->service->*method->request)(&context_, request_.get(), &writer_, loop->queue(), loop->queue(), this);
  }
  ~DeferredCall() override = default;

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
    if (response.ok()) {
      writer_.Finish(*response, grpc::Status::OK, this);
    } else {
      writer_.FinishWithError(ToGrpc(response.status()), this);
    }
  }
  void FinishOnLoop(const absl::StatusOr<Response>& response) {
    if (loop_->accepting()) {
      Finish(response);
    } else {
      // Nobody waits any more, and nothing may be asked of the queue.
      Forget();
    }
  }
  void Forget() {
    loop_->RemoveStream(this);
    delete this;
  }

  const Method* const method_;
  Loop* const loop_;
  grpc::ServerContext context_;
  std::unique_ptr<Request> request_;  // until it is handled
  grpc::ServerAsyncResponseWriter<Response> writer_;
  std::shared_ptr<Answer> answer_;  // null until the call comes
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_DEFERRED_CALL_H_
