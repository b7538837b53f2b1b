#ifndef NMQ_TESTS_BENCH_NMQ_BATCH_STREAM_H_
#define NMQ_TESTS_BENCH_NMQ_BATCH_STREAM_H_

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "tests/bench/nmq/poller.h"

namespace nmq::bench {

// One PublishStream of raw frames. Thread-safe. Its callbacks come on the thread that polls the completion queue. To be
// destroyed after Stop(), when that thread has ended.
class BatchStream {
 public:
  struct Callbacks {
    // The stream is open, and from now on takes batches.
    std::function<void()> on_open;
    // How many messages of the oldest unanswered batch were accepted, and when it was written, by Now(). A refusal
    // ends the stream.
    std::function<void(absl::StatusOr<uint64_t>, int64_t)> on_answer;
  };
  enum class Way {
    // Batches go as they are, however many are unanswered.
    kEach,
    // While several are unanswered the others wait, and then go as one.
    kGathered,
  };

  BatchStream(const std::shared_ptr<grpc::Channel>& channel, grpc::CompletionQueue* queue, Callbacks callbacks,
              Way way = Way::kEach);
  BatchStream(const BatchStream&) = delete;
  BatchStream& operator=(const BatchStream&) = delete;

  // Opens the stream. Once, and before anything else.
  void Start();
  // Writes an encoded PublishStreamRequest, after those that wait.
  void Send(const grpc::ByteBuffer& batch);
  // No more batches will come. The server answers all of them and ends the stream.
  void Close();
  // Waits until the stream is over. OK if it ended as it should, with every batch accepted.
  absl::Status AwaitEnd(absl::Duration patience);
  // Cancels the stream if it is not over, and waits for its end.
  void Stop();
  bool over() const { return over_.HasBeenNotified(); }

 private:
  void OnStart(bool ok);
  void OnWrite(bool ok);
  void OnClose(bool) {}
  void OnRead(bool ok);
  void OnFinish(bool ok);
  void End();
  // Starts to write what waits, if it may go.
  void WriteNext() ABSL_LOCKS_EXCLUDED(mutex_);
  // What goes next; not valid if nothing does.
  grpc::ByteBuffer TakeNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Callbacks callbacks_;
  const Way way_;
  absl::Notification over_;
  absl::Mutex mutex_;
  std::deque<grpc::ByteBuffer> waiting_ ABSL_GUARDED_BY(mutex_);
  // When each unanswered batch was sent.
  std::deque<int64_t> sent_ ABSL_GUARDED_BY(mutex_);
  // An operation that writes is running, or none can run any more.
  bool writing_ ABSL_GUARDED_BY(mutex_) = true;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status verdict_ ABSL_GUARDED_BY(mutex_);

  MemberTag<BatchStream, &BatchStream::OnStart> on_start_{this};
  MemberTag<BatchStream, &BatchStream::OnWrite> on_write_{this};
  MemberTag<BatchStream, &BatchStream::OnClose> on_close_{this};
  MemberTag<BatchStream, &BatchStream::OnRead> on_read_{this};
  MemberTag<BatchStream, &BatchStream::OnFinish> on_finish_{this};
  grpc::Status status_;
  grpc::ByteBuffer answer_;
  grpc::ClientContext context_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_BATCH_STREAM_H_
