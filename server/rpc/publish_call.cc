#include "server/rpc/publish_call.h"

#include <utility>

#include "server/rpc/frames.h"
#include "server/rpc/status.h"

namespace nmq::rpc {
namespace {

// Answers that may wait. A publisher that does not read them is not read from either.
constexpr size_t kAnswersMax = 64;

}  // namespace

void PublishCall::Serve(MessageQueueService* service, broker::Broker* broker, Loop* loop, int count) {
  for (int i = 0; i < count; ++i) new PublishCall(service, broker, loop);
}

PublishCall::PublishCall(MessageQueueService* service, broker::Broker* broker, Loop* loop)
    : service_(service), broker_(broker), loop_(loop), stream_(&context_), publish_(broker) {
  context_.AsyncNotifyWhenDone(&done_);
  pending_ = 1;
  service->RequestPublishStream(&context_, &stream_, loop->queue(), loop->queue(), &started_);
}

void PublishCall::Started(bool ok) {
  if (!ok) {
    delete this;  // the server shuts down; done_ does not come for a call that never was
    return;
  }
  new PublishCall(service_, broker_, loop_);
  loop_->AddStream(this);
  StartRead();
}

void PublishCall::StartRead() {
  reading_ = true;
  ++pending_;
  stream_.Read(&request_, &read_);
}

void PublishCall::Read(bool ok) {
  reading_ = false;
  if (!ok) {
    End(absl::OkStatus());  // the publisher has nothing more to say
  } else if (!ending_) {
    const absl::Status status = PublishBatch();
    if (!status.ok()) {
      End(status);
    } else if (answers_.size() < kAnswersMax) {
      StartRead();
    }
  }
  Release();
}

absl::Status PublishCall::PublishBatch() {
  auto* request = google::protobuf::Arena::CreateMessage<v1::PublishStreamRequest>(&arena_);
  auto* response = google::protobuf::Arena::CreateMessage<v1::PublishStreamResponse>(&arena_);
  const size_t bytes = request_.Length();
  absl::Status status = Decode(request_, request);
  request_.Clear();
  if (status.ok()) status = publish_.Publish(request, bytes, response);
  if (status.ok()) {
    answers_.push_back(Encode(*response));
    if (!writing_) StartWrite();
  }
  arena_.Reset();
  return status;
}

void PublishCall::StartWrite() {
  writing_ = true;
  ++pending_;
  stream_.Write(answers_.front(), &written_);
}

void PublishCall::Written(bool ok) {
  writing_ = false;
  answers_.pop_front();
  if (!ok) cancelled_ = true;
  if (cancelled_) {
    End(absl::CancelledError("the publisher is gone"));
    if (ending_) Finish();
  } else if (!answers_.empty()) {
    StartWrite();
    if (!reading_ && !ending_ && answers_.size() < kAnswersMax) StartRead();
  } else if (ending_) {
    Finish();
  } else if (!reading_) {
    StartRead();
  }
  Release();
}

void PublishCall::Drain(absl::Duration) { End(broker_->CheckNotDraining()); }

void PublishCall::End(const absl::Status& status) {
  if (ending_) return;
  ending_ = true;
  status_ = status;
  if (!writing_) Finish();
}

void PublishCall::Finish() {
  if (finishing_) return;
  finishing_ = true;
  ++pending_;
  stream_.Finish(ToGrpc(status_), &finished_);
}

void PublishCall::Finished(bool) { Release(); }

void PublishCall::Done(bool) {
  if (context_.IsCancelled()) {
    cancelled_ = true;
    End(absl::CancelledError("the publisher is gone"));
  }
  Release();
}

void PublishCall::Release() {
  if (--pending_ > 0) return;
  loop_->RemoveStream(this);
  delete this;
}

}  // namespace nmq::rpc
