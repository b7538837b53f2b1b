#include "tests/bench/stream_publisher.h"

#include <grpcpp/alarm.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "nmq/v1/message_queue.pb.h"
#include "tests/bench/poller.h"
#include "tests/bench/publish_answers.h"
#include "tests/bench/stamped_template.h"

namespace nmq::bench {
namespace {

// How often a pausing publisher looks whether the subscribers have caught up.
constexpr std::chrono::milliseconds kPause(1);
constexpr absl::Duration kPatience = absl::Seconds(20);

nmq::v1::PublishStreamRequest MakeBatch(const PublisherSpec& spec) {
  nmq::v1::PublishStreamRequest request;
  for (int i = 0; i < spec.batch; ++i) {
    nmq::v1::Message* message = request.add_messages();
    message->set_queue(spec.queue);
    message->set_event("tick");
    message->set_payload(StampablePayload(spec.payload_bytes));
  }
  return request;
}

class StreamPublisher final : public Publisher {
 public:
  StreamPublisher(std::shared_ptr<grpc::Channel> channel, const PublisherSpec& spec)
      : spec_(spec), batch_(MakeBatch(spec)), stub_(std::move(channel)) {
    stream_ = stub_.PrepareCall(&context_, kPublishStreamMethod, poller_.queue());
    stream_->StartCall(&on_start_);
  }

  ~StreamPublisher() override {
    if (!over_.HasBeenNotified()) context_.TryCancel();
    over_.WaitForNotification();
  }

  uint64_t accepted() const override { return accepted_.load(std::memory_order_relaxed); }
  bool done() const override { return over_.HasBeenNotified(); }

  absl::Status Finish() override {
    stopping_.store(true);
    if (over_.WaitForNotificationWithTimeout(kPatience)) return verdict_;
    context_.TryCancel();
    over_.WaitForNotification();
    return absl::DeadlineExceededError("batches stay unanswered");
  }

 private:
  // All that follows runs on the poller's thread.
  void OnStart(bool ok) {
    if (!ok) return End();
    stream_->Read(&answer_, &on_read_);
    Advance();
  }

  void OnWrite(bool ok) {
    writing_ = false;
    if (ok) Advance();
  }

  void OnRead(bool ok) {
    if (!ok) return End();
    const absl::StatusOr<uint64_t> messages = ReadStreamAnswer(answer_);
    if (!messages.ok()) {
      verdict_ = messages.status();
      context_.TryCancel();
    } else {
      --unanswered_;
      accepted_.store(accepted() + *messages, std::memory_order_relaxed);
    }
    stream_->Read(&answer_, &on_read_);
    Advance();
  }

  void OnPause(bool) {
    pausing_ = false;
    Advance();
  }

  void OnFinish(bool) {
    if (verdict_.ok()) verdict_ = FromGrpc(status_);
    if (verdict_.ok() && unanswered_ != 0)
      verdict_ = absl::DataLossError(absl::StrCat(unanswered_, " unanswered batches"));
    over_.Notify();
  }

  // Does whatever is next: write, pause, or say that it was all.
  void Advance() {
    if (writing_ || pausing_ || closed_ || ended_) return;
    if (stopping_.load(std::memory_order_relaxed) || (spec_.max_messages != 0 && written_ >= spec_.max_messages)) {
      return Close();
    }
    if (unanswered_ >= spec_.window) return;
    if (written_ >= spec_.slowest() + spec_.lag) {
      pausing_ = true;
      alarm_.Set(poller_.queue(), std::chrono::system_clock::now() + kPause, &on_pause_);
      return;
    }
    writing_ = true;
    ++unanswered_;
    written_ += static_cast<uint64_t>(spec_.batch);
    stream_->Write(batch_.Stamp(Now()), &on_write_);
  }

  void Close() {
    closed_ = true;
    writing_ = true;
    stream_->WritesDone(&on_write_);
  }

  void End() {
    ended_ = true;
    stream_->Finish(&status_, &on_finish_);
  }

  const PublisherSpec spec_;
  const StampedTemplate batch_;
  std::atomic<uint64_t> accepted_{0};
  std::atomic<bool> stopping_{false};
  absl::Notification over_;
  absl::Status verdict_;

  bool writing_ = false;
  bool pausing_ = false;
  bool closed_ = false;
  bool ended_ = false;
  int unanswered_ = 0;
  uint64_t written_ = 0;

  MemberTag<StreamPublisher, &StreamPublisher::OnStart> on_start_{this};
  MemberTag<StreamPublisher, &StreamPublisher::OnWrite> on_write_{this};
  MemberTag<StreamPublisher, &StreamPublisher::OnRead> on_read_{this};
  MemberTag<StreamPublisher, &StreamPublisher::OnPause> on_pause_{this};
  MemberTag<StreamPublisher, &StreamPublisher::OnFinish> on_finish_{this};
  grpc::Alarm alarm_;
  grpc::Status status_;
  grpc::ByteBuffer answer_;
  grpc::ClientContext context_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  // Last, so that its thread has ended before what its tags use goes.
  Poller poller_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Publisher>> PublishRaw(const Endpoint& endpoint, const PublisherSpec& spec) {
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = OpenChannel(endpoint);
  if (!channel.ok()) return channel.status();
  return std::make_unique<StreamPublisher>(*std::move(channel), spec);
}

}  // namespace nmq::bench
