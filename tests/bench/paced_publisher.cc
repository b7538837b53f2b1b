#include "tests/bench/paced_publisher.h"

#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "nmq/v1/message_queue.pb.h"
#include "tests/bench/pacer.h"
#include "tests/bench/poller.h"
#include "tests/bench/publish_answers.h"
#include "tests/bench/stamped_template.h"

namespace nmq::bench {
namespace {

constexpr int kPatienceSeconds = 20;

void FillMessage(const PaceSpec& spec, nmq::v1::Message* message) {
  message->set_queue(spec.queue);
  message->set_event("tick");
  message->set_payload(StampablePayload(spec.payload_bytes));
}

nmq::v1::PublishStreamRequest MakeBatch(const PaceSpec& spec) {
  nmq::v1::PublishStreamRequest request;
  FillMessage(spec, request.add_messages());
  return request;
}

nmq::v1::PublishRequest MakeRequest(const PaceSpec& spec) {
  nmq::v1::PublishRequest request;
  FillMessage(spec, request.mutable_message());
  return request;
}

// What both modes share: the pace, and the count of answers. A subclass stops the pacer before it goes.
class PacedPublisher : public Publisher {
 public:
  uint64_t accepted() const override { return accepted_.load(std::memory_order_relaxed); }

  bool done() const override {
    absl::MutexLock lock(&answers_mutex_);
    return !verdict_.ok() || (spec_.max_messages != 0 && answered_ >= spec_.max_messages);
  }

  // Waits for an answer to everything that was sent, or for the first failure.
  absl::Status Finish() override {
    StopPacing();
    const uint64_t sent = pacer_->calls();
    const auto settled = [this, sent]()
                             ABSL_SHARED_LOCKS_REQUIRED(answers_mutex_) { return answered_ >= sent || !verdict_.ok(); };
    absl::MutexLock lock(&answers_mutex_);
    if (!answers_mutex_.AwaitWithTimeout(absl::Condition(&settled), absl::Seconds(kPatienceSeconds))) {
      return absl::DeadlineExceededError(absl::StrCat(sent - answered_, " unanswered messages"));
    }
    return verdict_;
  }

 protected:
  explicit PacedPublisher(const PaceSpec& spec) : spec_(spec) {}

  void StartPacing(std::function<void()> call) {
    pacer_ = std::make_unique<Pacer>(spec_.per_second, spec_.max_messages, std::move(call));
  }

  void StopPacing() { pacer_->Stop(); }

  // One message has its answer, or all that are left have the same.
  void Answered(const absl::Status& status) {
    absl::MutexLock lock(&answers_mutex_);
    ++answered_;
    if (status.ok()) {
      accepted_.store(accepted() + 1, std::memory_order_relaxed);
    } else if (verdict_.ok()) {
      verdict_ = status;
    }
  }

 private:
  const PaceSpec spec_;
  std::atomic<uint64_t> accepted_{0};
  mutable absl::Mutex answers_mutex_;
  uint64_t answered_ ABSL_GUARDED_BY(answers_mutex_) = 0;
  absl::Status verdict_ ABSL_GUARDED_BY(answers_mutex_);
  std::unique_ptr<Pacer> pacer_;
};

// Batches of one on a PublishStream. A stream takes one write at a time; what comes meanwhile waits here.
class PacedStream final : public PacedPublisher {
 public:
  PacedStream(std::shared_ptr<grpc::Channel> channel, const PaceSpec& spec)
      : PacedPublisher(spec), batch_(MakeBatch(spec)), stub_(std::move(channel)) {
    stream_ = stub_.PrepareCall(&context_, kPublishStreamMethod, poller_.queue());
    stream_->StartCall(&on_start_);
    started_.WaitForNotification();
    StartPacing([this] { Send(); });
  }

  ~PacedStream() override {
    StopPacing();
    context_.TryCancel();
    over_.WaitForNotification();
  }

 private:
  void Send() {
    const int64_t now = Now();
    absl::MutexLock lock(&mutex_);
    waiting_.push_back(now);
    WriteNext();
  }

  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (writing_ || ended_ || waiting_.empty()) return;
    writing_ = true;
    stream_->Write(batch_.Stamp(waiting_.front()), &on_write_);
    waiting_.pop_front();
  }

  // The rest runs on the poller's thread.
  void OnStart(bool ok) {
    started_.Notify();
    if (ok) {
      stream_->Read(&answer_, &on_read_);
    } else {
      End();
    }
  }

  void OnWrite(bool ok) {
    if (!ok) return;
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    WriteNext();
  }

  void OnRead(bool ok) {
    if (!ok) return End();
    Answered(ReadStreamAnswer(answer_).status());
    stream_->Read(&answer_, &on_read_);
  }

  void End() {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
    stream_->Finish(&status_, &on_finish_);
  }

  void OnFinish(bool) {
    Answered(status_.ok() ? absl::InternalError("the stream ended with OK") : FromGrpc(status_));
    over_.Notify();
  }

  const StampedTemplate batch_;
  absl::Notification started_;
  absl::Notification over_;
  absl::Mutex mutex_;
  std::deque<int64_t> waiting_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;

  MemberTag<PacedStream, &PacedStream::OnStart> on_start_{this};
  MemberTag<PacedStream, &PacedStream::OnWrite> on_write_{this};
  MemberTag<PacedStream, &PacedStream::OnRead> on_read_{this};
  MemberTag<PacedStream, &PacedStream::OnFinish> on_finish_{this};
  grpc::Status status_;
  grpc::ByteBuffer answer_;
  grpc::ClientContext context_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  // Last, so that its thread has ended before what its tags use goes.
  Poller poller_;
};

// One Publish call for each message, however many are on their way.
class PacedUnary final : public PacedPublisher {
 public:
  PacedUnary(std::shared_ptr<grpc::Channel> channel, const PaceSpec& spec)
      : PacedPublisher(spec), request_(MakeRequest(spec)), stub_(std::move(channel)) {
    StartPacing([this] { Send(); });
  }

  ~PacedUnary() override { StopPacing(); }

 private:
  // Deletes itself with its answer.
  class Call final : public Tag {
   public:
    explicit Call(PacedUnary* owner) : owner_(owner) {
      context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(kPatienceSeconds));
      reader_ = owner_->stub_.PrepareUnaryCall(&context_, kPublishMethod, owner_->request_.Stamp(Now()),
                                               owner_->poller_.queue());
      reader_->StartCall();
      reader_->Finish(&response_, &status_, this);
    }

    void Run(bool) override {
      owner_->Answered(FromGrpc(status_));
      delete this;
    }

   private:
    PacedUnary* const owner_;
    grpc::ClientContext context_;
    grpc::ByteBuffer response_;
    grpc::Status status_;
    std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader_;
  };

  void Send() { new Call(this); }

  const StampedTemplate request_;
  grpc::GenericStub stub_;
  Poller poller_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Publisher>> PublishRawPaced(const Endpoint& endpoint, const PaceSpec& spec) {
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = OpenChannel(endpoint);
  if (!channel.ok()) return channel.status();
  if (spec.mode == PaceMode::kUnary) return std::make_unique<PacedUnary>(*std::move(channel), spec);
  return std::make_unique<PacedStream>(*std::move(channel), spec);
}

}  // namespace nmq::bench
