#include "tests/bench/nmq/publish_call.h"

#include <grpcpp/client_context.h>

#include <chrono>
#include <memory>
#include <utility>

#include "tests/bench/harness/client.h"
#include "tests/bench/nmq/connection.h"
#include "tests/bench/nmq/methods.h"
#include "tests/bench/nmq/poller.h"

namespace nmq::bench {
namespace {

constexpr std::chrono::seconds kPatience(20);

// Deletes itself with its answer.
class PublishCall final : public Tag {
 public:
  explicit PublishCall(std::function<void(const absl::Status&, int64_t)> on_answer)
      : sent_(Now()), on_answer_(std::move(on_answer)) {}

  void Start(grpc::GenericStub* stub, grpc::CompletionQueue* queue, const grpc::ByteBuffer& request) {
    context_.set_deadline(std::chrono::system_clock::now() + kPatience);
    reader_ = stub->PrepareUnaryCall(&context_, kPublishMethod, request, queue);
    reader_->StartCall();
    reader_->Finish(&response_, &status_, this);
  }

  void Run(bool) override {
    const std::unique_ptr<PublishCall> self(this);
    on_answer_(FromGrpc(status_), sent_);
  }

 private:
  const int64_t sent_;
  const std::function<void(const absl::Status&, int64_t)> on_answer_;
  grpc::ClientContext context_;
  grpc::ByteBuffer response_;
  grpc::Status status_;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader_;
};

}  // namespace

void CallPublish(grpc::GenericStub* stub, grpc::CompletionQueue* queue, const grpc::ByteBuffer& request,
                 std::function<void(const absl::Status&, int64_t)> on_answer) {
  (new PublishCall(std::move(on_answer)))->Start(stub, queue, request);
}

}  // namespace nmq::bench
