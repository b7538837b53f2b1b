#ifndef NMQ_SERVER_RPC_UNARY_CALL_H_
#define NMQ_SERVER_RPC_UNARY_CALL_H_

#include <atomic>
#include <functional>

#include "absl/status/status.h"
#include "base/worker.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_unary_call.h"
#include "server/rpc/grpc_loop.h"
#include "server/rpc/status.h"

namespace nmq::rpc {

// Serves a method with one request and one response: `count` calls at a time on a loop, each replaced by the next one
// when it has been answered. `handle` runs on the loop, or on `worker` if that is not null, and must not block. It sets
// the response and then calls `done`, once, there or later on any thread; both live until then. A call that is answered
// later must be answered before the loop shuts down.
template <typename Service, typename Request, typename Response>
class UnaryCall final : public Event {
 public:
  using RequestMethod = void (Service::*)(grpc::ServerContext*, Request*, grpc::ServerAsyncResponseWriter<Response>*,
                                          grpc::CompletionQueue*, grpc::ServerCompletionQueue*, void*);
  using Done = std::function<void(const absl::Status&)>;
  using Handle = std::function<void(const grpc::ServerContext&, Request*, Response*, const Done& done)>;
  struct Method {
    Service* service;
    RequestMethod request;
    Handle handle;
    Worker* worker = nullptr;
  };

  // `method` must outlive the loop.
  static void Serve(const Method* method, GrpcLoop* loop, int count) {
    for (int i = 0; i < count; ++i) new UnaryCall(method, loop);
  }

  void Proceed(bool ok) override {
    const bool answered = answered_.load(std::memory_order_acquire);
    if (answered || !ok) {
      // Not ok before an answer: the server shuts down.
      if (answered && loop_->accepting()) new UnaryCall(method_, loop_);
      delete this;
      return;
    }
    if (method_->worker == nullptr) {
      Begin();
    } else {
      method_->worker->Post([this] { Begin(); });
    }
  }

 private:
  UnaryCall(const Method* method, GrpcLoop* loop) : method_(method), loop_(loop), writer_(&context_) {
    (method->service->*method->request)(&context_, &request_, &writer_, loop->queue(), loop->queue(), this);
  }

  void Begin() {
    method_->handle(context_, &request_, &response_, [this](const absl::Status& status) { Answer(status); });
  }

  void Answer(const absl::Status& status) {
    // gRPC's queue hands over what the worker's thread wrote, too, but ThreadSanitizer does not see that.
    answered_.store(true, std::memory_order_release);
    if (status.ok()) {
      writer_.Finish(response_, grpc::Status::OK, this);
    } else {
      writer_.FinishWithError(ToGrpc(status), this);
    }
  }

  const Method* const method_;
  GrpcLoop* const loop_;
  grpc::ServerContext context_;
  Request request_;
  Response response_;
  grpc::ServerAsyncResponseWriter<Response> writer_;
  std::atomic<bool> answered_{false};
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_UNARY_CALL_H_
