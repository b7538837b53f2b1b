#include "server/rpc/subscribe_stream.h"

#include <utility>

#include "server/base/errors.h"
#include "server/rpc/frames.h"
#include "server/rpc/status.h"

namespace nmq::rpc {
namespace {

// Positions in a heartbeat; those of further queues come with the next ones.
constexpr int kProgressMax = 100;

constexpr absl::Duration kDrainRetry = absl::Seconds(1);

void SetDuration(absl::Duration duration, google::protobuf::Duration* proto) {
  const int64_t nanos = absl::ToInt64Nanoseconds(duration);
  proto->set_seconds(nanos / 1000000000);
  proto->set_nanos(static_cast<int32_t>(nanos % 1000000000));
}

}  // namespace

void SubscribeStream::Serve(MessageQueueService* service, broker::Broker* broker, Loop* loop, int count) {
  for (int i = 0; i < count; ++i) new SubscribeStream(service, broker, loop);
}

SubscribeStream::SubscribeStream(MessageQueueService* service, broker::Broker* broker, Loop* loop)
    : service_(service),
      broker_(broker),
      loop_(loop),
      writer_(&context_),
      heartbeat_([this] { OnHeartbeat(); }),
      stalled_([this] { OnStalled(); }) {
  context_.AsyncNotifyWhenDone(&done_);
  pending_ = 1;
  service->RequestSubscribe(&context_, &request_, &writer_, loop->queue(), loop->queue(), &started_);
}

void SubscribeStream::Started(bool ok) {
  if (!ok) {
    delete this;  // the server shuts down; done_ does not come for a call that never was
    return;
  }
  new SubscribeStream(service_, broker_, loop_);
  loop_->AddStream(this);
  Open();
}

void SubscribeStream::Open() {
  v1::SubscribeRequest request;
  v1::SubscribeResponse frame;
  absl::Status status = Decode(request_, &request);
  request_.Clear();
  if (status.ok()) {
    auto subscription = broker_->Subscribe(request, context_.peer(), loop_->lane(), this, frame.mutable_ready());
    status = subscription.status();
    if (status.ok()) subscription_ = *std::move(subscription);
  }
  if (!status.ok()) {
    End(status);
    return;
  }
  last_write_ = loop_->clock().Monotonic();
  loop_->SetTimer(&heartbeat_, last_write_ + broker_->limits().heartbeat);
  WriteFrame(frame);
}

void SubscribeStream::OnReady() {
  if (ending_) return;
  if (!writing_) {
    Pump();
    return;
  }
  // The subscriber does not take what it was given. That is its own affair unless the subscription is to end.
  if (!stalled_.set() && (subscription_->ended() || !subscription_->CheckOverflow().ok())) {
    loop_->SetTimer(&stalled_, loop_->clock().Monotonic() + broker_->limits().stall);
  }
}

void SubscribeStream::OnStalled() {
  // There is no way to tell the reason to who does not read.
  if (writing_) context_.TryCancel();
}

void SubscribeStream::Pump() {
  if (drain_grace_ > absl::ZeroDuration()) {
    v1::SubscribeResponse frame;
    SetDuration(drain_grace_, frame.mutable_drain()->mutable_deadline());
    SetDuration(drain_grace_ / 2, frame.mutable_drain()->mutable_jitter());
    drain_grace_ = absl::ZeroDuration();
    WriteFrame(frame);
    return;
  }
  broker::Delivery delivery;
  const absl::Status status = subscription_->Read(broker_->limits().in_flight_bytes, &delivery);
  if (!status.ok() || subscription_->ended()) {
    End(status);
  } else if (!delivery.empty()) {
    WriteDelivery(&delivery);
  } else if (subscription_->has_ready() && !again_) {
    // It has looked at a lot in vain: others first.
    again_ = true;
    ++pending_;
    loop_->Again([this] { PumpAgain(); });
  }
}

void SubscribeStream::PumpAgain() {
  again_ = false;
  if (!ending_ && !writing_) Pump();
  Release();
}

void SubscribeStream::WriteDelivery(broker::Delivery* delivery) {
  if (delivery->has_gap) {
    v1::SubscribeResponse frame;
    *frame.mutable_gap() = std::move(delivery->gap);
    WriteFrame(frame);
    return;
  }
  subscription_->in_flight_bytes().store(delivery->bytes, std::memory_order_relaxed);
  Write(EncodeBatch(delivery));
}

void SubscribeStream::WriteFrame(const v1::SubscribeResponse& frame) { Write(Encode(frame)); }

void SubscribeStream::Write(grpc::ByteBuffer frame) {
  writing_ = true;
  ++pending_;
  last_write_ = loop_->clock().Monotonic();
  writer_.Write(frame, &written_);
}

void SubscribeStream::Written(bool ok) {
  writing_ = false;
  loop_->CancelTimer(&stalled_);
  if (!ok) {
    End(absl::CancelledError("the subscriber is gone"));
  } else if (ending_) {
    Finish();
  } else {
    subscription_->in_flight_bytes().store(0, std::memory_order_relaxed);
    Pump();
  }
  Release();
}

void SubscribeStream::OnHeartbeat() {
  const absl::Duration interval = broker_->limits().heartbeat;
  const absl::Duration now = loop_->clock().Monotonic();
  if (!writing_ && last_write_ + interval <= now) {
    v1::SubscribeResponse frame;
    const int64_t nanos = absl::ToUnixNanos(loop_->clock().Now());
    frame.mutable_heartbeat()->mutable_time()->set_seconds(nanos / 1000000000);
    frame.mutable_heartbeat()->mutable_time()->set_nanos(static_cast<int32_t>(nanos % 1000000000));
    subscription_->TakeProgress(kProgressMax, frame.mutable_heartbeat()->mutable_positions());
    WriteFrame(frame);
  }
  // Not set anew at each write, so that a busy stream costs no timers.
  loop_->SetTimer(&heartbeat_, writing_ ? now + interval : last_write_ + interval);
}

void SubscribeStream::Drain(absl::Duration grace) {
  if (ending_) return;
  drain_grace_ = grace;
  if (!writing_) Pump();
}

void SubscribeStream::End(const absl::Status& status) {
  if (ending_) return;
  ending_ = true;
  status_ = status;
  loop_->CancelTimer(&heartbeat_);
  if (subscription_ != nullptr) {
    std::string reason = ReasonOf(status);
    if (reason.empty()) reason = status.ok() ? "DISCONNECTED" : absl::StatusCodeToString(status.code());
    broker_->Unsubscribe(subscription_.get(), reason);
    subscription_ = nullptr;
  }
  if (!writing_) Finish();
}

void SubscribeStream::Finish() {
  if (finishing_) return;
  finishing_ = true;
  ++pending_;
  writer_.Finish(ToGrpc(status_), &finished_);
}

void SubscribeStream::Finished(bool) { Release(); }

void SubscribeStream::Done(bool) {
  if (context_.IsCancelled()) End(absl::CancelledError("the subscriber is gone"));
  Release();
}

void SubscribeStream::Release() {
  if (--pending_ > 0) return;
  loop_->CancelTimer(&stalled_);
  loop_->RemoveStream(this);
  delete this;
}

}  // namespace nmq::rpc
