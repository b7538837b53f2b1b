// One Subscribe call, with reads that can time out. Frames come as they are on the wire.
#ifndef NMQ_CLIENT_CPP_SUBSCRIBE_STREAM_H_
#define NMQ_CLIENT_CPP_SUBSCRIBE_STREAM_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/deadline.h"
#include "base/mutex.h"
#include "client/cpp/receiver.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq {
inline namespace client {
namespace internal {

inline constexpr char kSubscribeMethod[] = "/nmq.v1.MessageQueue/Subscribe";

// Used by one thread, except for Cancel(). The destructor ends the call.
//
// Whoever polls takes frames in, a few of them ahead of Read(): so a thread that is busy with one is not woken up for
// the next. With a Taker, whoever polls also does what is to be done with a frame, as long as the thread has nothing
// left to do but to wait in Read().
class SubscribeStream {
 public:
  enum class Result {
    kFrame,
    // No frame will come any more: see Finish().
    kEnded,
    // Nothing came in time.
    kSilent,
  };

  // Called on the thread that polls, never at the same time as the thread that reads does anything but wait. False if
  // that one is to read the frame instead. Must not block.
  using Taker = std::function<bool(grpc::ByteBuffer* frame)>;

  // `receiver` must outlive this. `take` may be null.
  SubscribeStream(Receiver* receiver, Taker take) : receiver_(receiver), take_(std::move(take)) {}
  ~SubscribeStream();
  SubscribeStream(const SubscribeStream&) = delete;
  SubscribeStream& operator=(const SubscribeStream&) = delete;

  void Start(const std::shared_ptr<grpc::Channel>& channel, const v1::SubscribeRequest& request);

  // kSilent if nothing came for `silence`, not even to the Taker, or when it is `until`.
  Result Read(absl::Duration silence, Deadline until) ABSL_LOCKS_EXCLUDED(mu_);

  // What Read() read.
  grpc::ByteBuffer* frame() { return &frame_; }

  // Ends the call if it is not over, and says how it ended.
  absl::Status Finish() ABSL_LOCKS_EXCLUDED(mu_);

  // Lets Read() return kEnded soon. Thread-safe, also before Start().
  void Cancel() { context_.TryCancel(); }

 private:
  void OnStart(bool ok) ABSL_LOCKS_EXCLUDED(mu_);
  void OnRead(bool ok) ABSL_LOCKS_EXCLUDED(mu_);
  void OnFinish() ABSL_LOCKS_EXCLUDED(mu_);
  // kSilent if there is none yet; then whoever polls may give frames to take_.
  Result TakeFrame() ABSL_LOCKS_EXCLUDED(mu_);
  // True if the frame that came is for take_. The thread that reads waits until it has been taken.
  bool StartTaking() ABSL_LOCKS_EXCLUDED(mu_);
  void StopTaking() ABSL_LOCKS_EXCLUDED(mu_);
  Deadline LastTaken() const ABSL_LOCKS_EXCLUDED(mu_);
  bool ended() const ABSL_LOCKS_EXCLUDED(mu_);
  bool running() const ABSL_LOCKS_EXCLUDED(mu_);
  bool finished() const ABSL_LOCKS_EXCLUDED(mu_);
  // Starts to read the next frame; once at a time.
  void ReadAhead() {
    receiver_->Starting();
    call_->Read(&incoming_, &on_read_);
  }
  bool IsFarAhead() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Receiver* const receiver_;
  const Taker take_;
  Receiver::Tag on_start_ = [this](bool ok) { OnStart(ok); };
  Receiver::Tag on_read_ = [this](bool ok) { OnRead(ok); };
  Receiver::Tag on_finish_ = [this](bool) { OnFinish(); };
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  // For the one that reads.
  grpc::ByteBuffer frame_;
  // For the operation that is under way.
  grpc::ByteBuffer incoming_;
  grpc::Status status_;

  Receiver::Waiter waiter_;

  // Held while waiter_ is notified, so that this is not destroyed meanwhile.
  mutable Mutex mu_;
  // Frames that came and were not read.
  std::deque<grpc::ByteBuffer> frames_ ABSL_GUARDED_BY(mu_);
  size_t frames_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  // The thread that reads waits for a frame.
  bool idle_ ABSL_GUARDED_BY(mu_) = false;
  // take_ is running; and who waits for its end.
  bool taking_ ABSL_GUARDED_BY(mu_) = false;
  CondVar taken_;
  Deadline last_taken_ ABSL_GUARDED_BY(mu_) = Deadline::Over();
  // An operation is under way.
  bool running_ ABSL_GUARDED_BY(mu_) = false;
  // None but those in frames_ will come.
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_SUBSCRIBE_STREAM_H_
