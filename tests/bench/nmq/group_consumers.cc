#include "tests/bench/nmq/group_consumers.h"

#include <grpcpp/client_context.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "nmq/v1/message_queue.grpc.pb.h"
#include "tests/bench/harness/tally.h"
#include "tests/bench/nmq/poller.h"

namespace nmq::bench {
namespace {

constexpr char kGroup[] = "workers";
// What a member may have unacknowledged: enough for several frames of 256 KiB.
constexpr uint64_t kCreditMessages = 10000;
constexpr uint64_t kCreditBytes = 16 << 20;
// What an Acknowledge may name, by the server's default limit.
constexpr int kEntriesMax = 1000;
constexpr absl::Duration kPatience = absl::Minutes(2);

// How far all members are. Thread-safe.
class Progress {
 public:
  explicit Progress(uint64_t messages) : expected_(messages) {}

  void Noted(const nmq::v1::AcknowledgeResponse& response) {
    absl::MutexLock lock(&mutex_);
    noted_ += response.noted();
    not_pending_ += response.not_pending();
  }

  // The first failure counts, unless all is done.
  void Failed(const absl::Status& status) {
    absl::MutexLock lock(&mutex_);
    if (noted_ < expected_ && failure_.ok()) failure_ = status;
  }

  // Waits until everything is noted, or something has failed.
  absl::Status Await() {
    const auto over = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return noted_ >= expected_ || !failure_.ok(); };
    absl::MutexLock lock(&mutex_);
    if (mutex_.AwaitWithTimeout(absl::Condition(&over), kPatience)) return failure_;
    return absl::DeadlineExceededError(absl::StrCat("of ", expected_, " messages ", noted_, " were acknowledged, ",
                                                    not_pending_, " acknowledgements were for others"));
  }

 private:
  const uint64_t expected_;
  absl::Mutex mutex_;
  uint64_t noted_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t not_pending_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

// One Acknowledge. Deletes itself with its answer.
class AcknowledgeCall final : public Tag {
 public:
  explicit AcknowledgeCall(Progress* progress) : progress_(progress) {}

  void Start(nmq::v1::MessageQueue::Stub* stub, grpc::CompletionQueue* queue,
             const nmq::v1::AcknowledgeRequest& request) {
    reader_ = stub->AsyncAcknowledge(&context_, request, queue);
    reader_->Finish(&response_, &status_, this);
  }

  void Run(bool) override {
    const std::unique_ptr<AcknowledgeCall> self(this);
    if (!status_.ok()) return progress_->Failed(FromGrpc(status_));
    progress_->Noted(response_);
  }

 private:
  Progress* const progress_;
  grpc::ClientContext context_;
  nmq::v1::AcknowledgeResponse response_;
  grpc::Status status_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<nmq::v1::AcknowledgeResponse>> reader_;
};

class Member {
 public:
  Member(const ConsumerSpec& spec, Tally* tally, Progress* progress)
      : spec_(spec), tally_(tally), progress_(progress) {}
  ~Member() { End(); }

  absl::Status Connect(const Endpoint& endpoint) {
    absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = OpenChannel(endpoint);
    if (!channel.ok()) return channel.status();
    absl::StatusOr<std::string> session = OpenSession(*channel);
    if (!session.ok()) return session.status();
    session_ = *std::move(session);
    stub_ = nmq::v1::MessageQueue::NewStub(*channel);
    return absl::OkStatus();
  }

  void Start() {
    thread_ = std::thread([this] { Run(); });
  }

  void End() {
    context_.TryCancel();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Run() {
    nmq::v1::SubscribeRequest request;
    request.set_session(session_);
    request.add_patterns()->set_queue(spec_.queue);
    request.mutable_start()->set_earliest(true);
    nmq::v1::GroupOptions* const group = request.mutable_group();
    group->set_name(kGroup);
    group->set_credit_messages(kCreditMessages);
    group->set_credit_bytes(kCreditBytes);
    const auto stream = stub_->Subscribe(&context_, request);
    nmq::v1::SubscribeResponse frame;
    while (stream->Read(&frame)) {
      if (frame.has_batch()) OnBatch(frame.batch());
    }
    const grpc::Status status = stream->Finish();
    progress_->Failed(status.ok() ? absl::InternalError("a stream ended with OK") : FromGrpc(status));
  }

  void OnBatch(const nmq::v1::Batch& batch) {
    nmq::v1::AcknowledgeRequest request;
    nmq::v1::Acknowledgement* run = nullptr;
    for (const nmq::v1::Message& message : batch.messages()) {
      tally_->Heard(message.payload());
      if (run != nullptr && message.sequence() == run->last() + 1 && message.delivery() == run->delivery()) {
        run->set_last(message.sequence());
        continue;
      }
      if (request.acknowledgements_size() == kEntriesMax) {
        Acknowledge(&request);
        request.clear_acknowledgements();
      }
      run = request.add_acknowledgements();
      run->set_first(message.sequence());
      run->set_last(message.sequence());
      run->set_delivery(message.delivery());
      run->set_done(true);
    }
    if (run != nullptr) Acknowledge(&request);
  }

  void Acknowledge(nmq::v1::AcknowledgeRequest* request) {
    request->set_session(session_);
    request->set_queue(spec_.queue);
    request->set_group(kGroup);
    (new AcknowledgeCall(progress_))->Start(stub_.get(), poller_.queue(), *request);
  }

  const ConsumerSpec spec_;
  Tally* const tally_;
  Progress* const progress_;
  std::string session_;
  std::unique_ptr<nmq::v1::MessageQueue::Stub> stub_;
  grpc::ClientContext context_;
  // Waits for its calls before what they use goes.
  Poller poller_;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<Consumption> ConsumeInGroup(const Endpoint& endpoint, const ConsumerSpec& spec) {
  Tally tally(spec.messages);
  Progress progress(spec.messages);
  std::vector<std::unique_ptr<Member>> members;
  for (int i = 0; i < spec.consumers; ++i) {
    members.push_back(std::make_unique<Member>(spec, &tally, &progress));
    if (absl::Status status = members.back()->Connect(endpoint); !status.ok()) return status;
  }
  const int64_t start = Now();
  for (const auto& member : members) member->Start();
  absl::Status status = progress.Await();
  const absl::Duration time = absl::Nanoseconds(Now() - start);
  for (const auto& member : members) member->End();
  if (!status.ok()) return status;
  return Consumption{time, tally.messages(), tally.wrong()};
}

}  // namespace nmq::bench
