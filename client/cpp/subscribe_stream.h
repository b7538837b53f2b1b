// One Subscribe call, with reads that can time out. Frames come as they are on the wire.
#ifndef NMQ_CLIENT_CPP_SUBSCRIBE_STREAM_H_
#define NMQ_CLIENT_CPP_SUBSCRIBE_STREAM_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq {
inline namespace client {
namespace internal {

// Used by one thread, except for Cancel(). The destructor ends the call.
class SubscribeStream {
 public:
  enum class Result {
    kFrame,
    // No frame will come any more: see Finish().
    kEnded,
    // Nothing came in time. The read goes on: neither Read() again nor touch the frame.
    kSilent,
  };

  SubscribeStream() = default;
  ~SubscribeStream();
  SubscribeStream(const SubscribeStream&) = delete;
  SubscribeStream& operator=(const SubscribeStream&) = delete;

  void Start(const std::shared_ptr<grpc::Channel>& channel, const v1::SubscribeRequest& request);

  Result Read(absl::Duration timeout);

  // What Read() read.
  grpc::ByteBuffer* frame() { return &frame_; }

  // Ends the call if it is not over, and says how it ended.
  absl::Status Finish();

  // Lets Read() return kEnded soon. Thread-safe, also before Start().
  void Cancel() { context_.TryCancel(); }

 private:
  // Waits for the one operation that is under way; false if it did not end in time.
  bool Await(absl::Duration timeout, bool* ok);

  grpc::ClientContext context_;
  grpc::CompletionQueue completions_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::ByteBuffer frame_;
  bool starting_ = false;
  bool reading_ = false;
  // Read() said kEnded.
  bool ended_ = false;
  bool finished_ = false;
};

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_SUBSCRIBE_STREAM_H_
