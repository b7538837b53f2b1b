// One Subscribe call, with reads that can time out.
#ifndef NMQ_CLIENT_CPP_SUBSCRIBE_STREAM_H_
#define NMQ_CLIENT_CPP_SUBSCRIBE_STREAM_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "nmq/v1/message_queue.grpc.pb.h"

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
    // Nothing came in time. The read goes on: neither Read() again nor touch the frame before Finish().
    kSilent,
  };

  SubscribeStream() = default;
  ~SubscribeStream();
  SubscribeStream(const SubscribeStream&) = delete;
  SubscribeStream& operator=(const SubscribeStream&) = delete;

  void Start(v1::MessageQueue::Stub* stub, const v1::SubscribeRequest& request);

  // `frame` must live until the result is another one than kSilent, or until Finish().
  Result Read(v1::SubscribeResponse* frame, absl::Duration timeout);

  // Ends the call if it is not over, and says how it ended.
  absl::Status Finish();

  // Lets Read() return kEnded soon. Thread-safe, also before Start().
  void Cancel() { context_.TryCancel(); }

 private:
  // Waits for the one operation that is under way; false if it did not end in time.
  bool Await(absl::Duration timeout, bool* ok);

  grpc::ClientContext context_;
  grpc::CompletionQueue completions_;
  std::unique_ptr<grpc::ClientAsyncReader<v1::SubscribeResponse>> reader_;
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
