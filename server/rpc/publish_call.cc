#include "server/rpc/publish_call.h"

#include <algorithm>
#include <utility>

#include "server/rpc/call_of.h"
#include "server/rpc/frames.h"

namespace nmq::rpc {
namespace {

// Answers that may wait. A publisher that does not read them is not read from either.
constexpr size_t kAnswersMax = 64;
// A batch is thought to be about as large as the largest lately, and no less than this: gRPC takes that much in anyhow.
constexpr uint64_t kExpectedMin = 64 << 10;
// The guess falls by this part with each batch that is smaller.
constexpr uint64_t kForgetPart = 8;

}  // namespace

void PublishCall::Serve(MessageQueueService* service, broker::Broker* broker, GrpcLoop* loop, int count) {
  for (int i = 0; i < count; ++i) new PublishCall(service, broker, loop);
}

PublishCall::PublishCall(MessageQueueService* service, broker::Broker* broker, GrpcLoop* loop)
    : StreamCall(loop),
      service_(service),
      broker_(broker),
      stream_(context()),
      expected_(broker->limits().batch_bytes) {
  service->RequestPublishStream(context(), &stream_, loop->queue(), loop->queue(), &started_);
}

void PublishCall::Started(bool ok) {
  if (!ok) {
    delete this;  // the server shuts down
    return;
  }
  new PublishCall(service_, broker_, loop());
  Begin();
  publish_.emplace(broker_, CallOf<v1::PublishStreamRequest>(*context(), loop()->clock()));
  WantRead();
}

void PublishCall::WantRead() {
  if (reading_ || ending() || answers_.size() >= kAnswersMax) return;
  reading_ = true;
  loop()->intake().Want(this, expected_);
}

void PublishCall::Receive() {
  Owe();
  stream_.Read(&request_, &read_);
}

void PublishCall::Read(bool ok) {
  reading_ = false;
  if (!ok) {
    End(absl::OkStatus());  // the publisher has nothing more to say
  } else if (!ending()) {
    const uint64_t size = request_.Length();
    loop()->intake().Received(this, size);
    const uint64_t lately = std::max(expected_ - expected_ / kForgetPart, kExpectedMin);
    expected_ = std::min(std::max(size + size / kForgetPart, lately), broker_->limits().batch_bytes);
    if (absl::Status status = PublishBatch(size); !status.ok()) {
      loop()->intake().GiveBack(size);
      End(status);
    }
    WantRead();
  }
  Release();
}

absl::Status PublishCall::PublishBatch(uint64_t size) {
  const grpc::Slice bytes = InOnePiece(request_);
  request_.Clear();
  const absl::string_view view(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
  auto answer = std::make_shared<Answer>();
  answers_.push_back(answer);
  Owe();
  const absl::Status status =
      publish_->Publish(view, &arena_, [this, answer, size](const v1::PublishStreamResponse& response) {
        loop()->intake().GiveBack(size);
        grpc::ByteBuffer encoded = ToByteBuffer(Frame(response));
        if (loop()->IsCurrent()) {
          Answered(answer.get(), std::move(encoded));
        } else {
          loop()->Post([this, answer, encoded] { Answered(answer.get(), encoded); });
        }
      });
  arena_.Reset();
  if (!status.ok()) {
    answers_.pop_back();
    Release();
  }
  return status;
}

void PublishCall::Answered(Answer* answer, grpc::ByteBuffer bytes) {
  answer->bytes = std::move(bytes);
  answer->ready = true;
  WriteNext();
  Release();
}

void PublishCall::WriteNext() {
  if (writing() || answers_.empty() || !answers_.front()->ready) return;
  WriteStarted();
  stream_.Write(answers_.front()->bytes, &written_);
}

void PublishCall::Written(bool ok) {
  answers_.pop_front();
  if (WriteEnded(ok)) {
    WriteNext();
    WantRead();
  }
  Release();
}

// At once, since nothing is taken any more.
void PublishCall::Drain(const DrainPlan&) { End(broker_->CheckNotDraining()); }

}  // namespace nmq::rpc
