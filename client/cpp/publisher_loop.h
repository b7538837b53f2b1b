// The batches and the stream behind a Publisher.
#ifndef NMQ_CLIENT_CPP_PUBLISHER_LOOP_H_
#define NMQ_CLIENT_CPP_PUBLISHER_LOOP_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "client/cpp/encoded_messages.h"
#include "client/cpp/options.h"
#include "client/cpp/publisher.h"
#include "client/cpp/session.h"
#include "grpcpp/alarm.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq {
inline namespace client {
namespace internal {

// Thread-safe. Always owned by a shared_ptr: its thread owns it, too.
//
// Callers write to the stream themselves when it is free, so that a lone message waits for no thread; the thread takes
// the answers, writes what has gathered meanwhile, and opens the stream again when it broke. An answer to several
// messages often frees several callers: the next batch waits a little for as many messages, since those that come after
// a lone one has left wait for its answer, too.
class PublisherLoop final : public Attachment, public std::enable_shared_from_this<PublisherLoop> {
 public:
  PublisherLoop(std::shared_ptr<Session> session, PublisherOptions options);

  void Start();
  // Ends it, without waiting. What is unanswered becomes unknown, what is unsent refused.
  void Stop() override;
  // Waits until the thread is through, unless called on it.
  void Join();

  // `done` may be null.
  absl::Status Add(const Message& message, PublishCallback done);
  FlushResult Flush(absl::Duration timeout);

 private:
  // Who is told what became of a message: the place of that in its batch.
  struct Asker {
    size_t index;
    PublishCallback done;
  };

  struct Batch {
    explicit Batch(size_t expected_bytes) : messages(expected_bytes) {}

    EncodedMessages messages;
    std::vector<Asker> askers;
    // What the request carries; given when it is full.
    uint64_t number = 0;
    uint64_t first_message = 0;
    absl::Duration written;  // by the monotonic clock
    // What the request took.
    uint64_t sent_bytes = 0;
    // Was refused once because the session was lost.
    bool again = false;
  };
  using BatchPtr = std::unique_ptr<Batch>;

  // One call of PublishStream.
  struct Stream {
    grpc::ClientContext context;
    grpc::CompletionQueue completions;
    std::unique_ptr<grpc::GenericClientAsyncReaderWriter> calls;
    grpc::ByteBuffer answer;
    std::string session;
    // It takes writes, but for the one under way.
    bool open = false;
    bool writing = false;
    // The thread is on its way to wait for more, and to write what has gathered then.
    bool waking = false;
    grpc::Alarm alarm;
    bool first_write = true;
    // Nothing more goes out; a new session and stream are needed.
    bool session_lost = false;
    uint64_t answers = 0;
    // Why this side ended it, if it did because of what the server sent.
    absl::Status broken;
  };

  struct StreamEnd {
    absl::Status status;
    uint64_t answers = 0;
    bool session_lost = false;
  };

  void Run();
  // Waits for something to send; false if stopped.
  bool AwaitWork();
  // Keeps a stream while there is something to send. The error if that is impossible, at least for
  // options.give_up_after.
  absl::Status OpenAndRun();
  absl::Status Connect(bool renew, Session::Handle* handle);
  StreamEnd RunStream(const Session::Handle& handle);
  // Until the stream is over.
  void TakeCompletions(Stream* stream);
  void OnAnswer(Stream* stream);
  // Takes the batch that an answer is for off the stream; null if there is nothing to settle.
  BatchPtr TakeAnswered(Stream* stream, uint64_t number, const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  // Does not believe what came. What is unanswered remains unknown.
  void Break(Stream* stream, absl::string_view why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What the end of a stream means for the batches that were on it.
  void SettleInFlight(const absl::Status& status);
  void RefuseUnsent(const absl::Status& status);
  void Settle(BatchPtr batch, BatchResult result) ABSL_LOCKS_EXCLUDED(mu_);
  static void TellAskers(const Batch& batch, const BatchResult& result);

  // Writes a batch if there is one to write and the stream takes it.
  void Pump() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Lets the thread do so when as many messages have come as the last answer was for, or a part of its time is over.
  void PumpSoon() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool MoreMayCome() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void PumpWhenGathered() ABSL_LOCKS_EXCLUDED(mu_);
  void Write(BatchPtr batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsFull() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Fits(size_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Nothing of the first so many messages is unsent or unanswered.
  bool AreSettled(uint64_t messages) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasUnsent() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Closed() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Takes what was gathered, to gather anew.
  BatchPtr TakeGathered() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::shared_ptr<Session> session_;
  const PublisherOptions options_;
  std::thread thread_;
  CancelFlag stopped_ = false;

  Mutex mu_;
  CondVar changed_;
  size_t max_messages_ ABSL_GUARDED_BY(mu_);
  size_t max_bytes_ ABSL_GUARDED_BY(mu_);
  Stream* stream_ ABSL_GUARDED_BY(mu_) = nullptr;
  BatchPtr gathering_ ABSL_GUARDED_BY(mu_);
  // To be written before `gathering_`, with a new session.
  std::deque<BatchPtr> again_ ABSL_GUARDED_BY(mu_);
  std::deque<BatchPtr> in_flight_ ABSL_GUARDED_BY(mu_);
  // Of batches whose results are on their way to the callback and the counts: their first messages.
  std::vector<uint64_t> settling_ ABSL_GUARDED_BY(mu_);
  // Callers that wait for `gathering_` to leave.
  int pressing_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t messages_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t batches_ ABSL_GUARDED_BY(mu_) = 0;
  // Of the last answer: how many messages it was for, and how long it took.
  size_t answered_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Duration answer_time_ ABSL_GUARDED_BY(mu_) = {};
  FlushResult since_flush_ ABSL_GUARDED_BY(mu_);
  // The server ended the stream for good.
  absl::Status refused_ ABSL_GUARDED_BY(mu_);
};

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_PUBLISHER_LOOP_H_
