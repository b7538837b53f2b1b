#include "server/rpc/subscribe_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_time.h"
#include "server/rpc/call_of.h"
#include "server/rpc/stream_age.h"

namespace nmq::rpc {
namespace {

// Positions in a heartbeat; those of further queues come with the next ones.
constexpr int kProgressMax = 100;

// A frame is at most this part of the memory that is left for all, but no less than this: so much is copied, and keeps
// nothing else in memory.
constexpr uint64_t kFramePart = 32;
constexpr uint64_t kFrameBytesMin = 4 << 10;
// Who has not read for so long is ended when hardly any memory is left.
constexpr absl::Duration kUnreadTime = absl::Seconds(1);

}  // namespace

SubscribeStream::SubscribeStream(broker::Broker* broker, Exchange* exchange)
    : StreamCall(exchange),
      broker_(broker),
      heartbeat_([this] { OnHeartbeat(); }),
      stalled_([this] { OnStalled(); }),
      age_([this] { OnAge(); }) {
  exchange->ReadRequest();
}

void SubscribeStream::OnNoMore() { End(InvalidArgument("request", "is missing")); }

void SubscribeStream::OnMessage(const RequestBytes& bytes) {
  if (!MessageCame()) return;
  auto search = std::make_shared<Search>();
  absl::Status status = bytes.Decode(&search->request);
  if (status.ok()) {
    const Call call = CallOf<v1::SubscribeRequest>(*exchange());
    auto wish = broker_->CheckSubscribe(call, search->request, loop()->lane(), this);
    status = wish.status();
    if (status.ok()) search->wish = *std::move(wish);
  }
  if (!status.ok()) {
    End(status);
    return;
  }
  if (!broker::Broker::MayTakeLong(search->wish)) {
    Subscribe(std::move(search->wish));
    return;
  }
  search->stream = this;
  search_ = search;
  status = broker_->PrepareSubscribe(&search->wish, &search->stop,
                                     [search, loop = loop()->shared_from_this()](const absl::Status& found) {
                                       loop->Post([search, found] {
                                         if (search->stream != nullptr) search->stream->Found(found);
                                       });
                                     });
  if (!status.ok()) End(status);
}

void SubscribeStream::Found(const absl::Status& status) {
  const std::shared_ptr<Search> search = std::exchange(search_, nullptr);
  if (status.ok()) {
    Subscribe(std::move(search->wish));
  } else {
    End(status);
  }
}

void SubscribeStream::Subscribe(broker::Broker::Wish wish) {
  name_space_ = wish.name_space;
  client_ = wish.options.client;
  CheckAccess();  // which may have changed while the start was looked for
  if (ending()) return;
  v1::SubscribeResponse frame;
  auto subscription = broker_->Subscribe(std::move(wish), frame.mutable_ready());
  if (!subscription.ok()) {
    End(subscription.status());
    return;
  }
  subscription_ = *std::move(subscription);
  const absl::Duration now = loop()->clock().Monotonic();
  loop()->SetTimer(&heartbeat_, now + broker_->limits().heartbeat);
  loop()->SetTimer(&age_, now + StreamLife(broker_->limits().stream_age, broker_->random()));
  WriteFrame(frame);
}

void SubscribeStream::OnReady() {
  if (ending()) return;
  if (!writing()) {
    Pump();
    return;
  }
  // The subscriber does not take what it was given. That is its own affair unless the subscription is to end.
  if (!stalled_.set() && (subscription_->ended() || !subscription_->CheckOverflow().ok())) {
    loop()->SetTimer(&stalled_, loop()->clock().Monotonic() + broker_->limits().stall);
  }
}

void SubscribeStream::CheckAccess() {
  if (name_space_ == nullptr || ending()) return;
  Call call = LaterCallOf<v1::SubscribeRequest>(*exchange());
  absl::Status status = broker_->AdmitAgain(&call, client_.get(), name_space_->name());
  if (status.ok() && subscription_ != nullptr) {
    status = broker_->CheckSubscription(call, *name_space_, *subscription_);
  }
  if (status.ok()) {
    GoOnFor(call.principal);
  } else {
    End(status);
  }
}

void SubscribeStream::OnStalled() {
  if (!writing()) return;
  // Who does not read cannot be told why; who watches can.
  if (!ending()) End(subscription_->ended() ? subscription_->end_status() : subscription_->CheckOverflow());
  exchange()->Cancel();
}

void SubscribeStream::OnMemoryCritical() {
  if (!writing() || loop()->clock().Monotonic() < last_write() + kUnreadTime) return;
  const absl::Status why =
      ResourceExhausted("MEMORY_SHORT",
                        absl::StrCat("the server's memory is short, and this subscriber has not read for ",
                                     absl::FormatDuration(kUnreadTime), "; subscribe again from the last position"),
                        kUnreadTime);
  if (!ending()) broker_->metrics().CountRefusal(why);
  End(why);
  exchange()->Cancel();
}

// Each takes a part of what is left, so that those who read go on beside any number of those who do not.
uint64_t SubscribeStream::FrameBytes() const {
  const MemoryBudget& outgoing = loop()->outgoing();
  const uint64_t taken = std::min(outgoing.taken(), outgoing.bytes_max());
  return std::clamp((outgoing.bytes_max() - taken) / kFramePart, kFrameBytesMin, broker_->limits().in_flight_bytes);
}

void SubscribeStream::Pump() {
  if (ask_ && WriteNotice()) return;
  broker::Delivery delivery;
  absl::Status status = subscription_->Read(FrameBytes(), &delivery);
  // Another thread may have ended it meanwhile.
  const bool ended = subscription_->ended();
  if (ended) status = subscription_->end_status();
  if (ended || !status.ok()) {
    End(status);
  } else if (!delivery.empty()) {
    WriteDelivery(&delivery);
  } else if (subscription_->has_ready() && !again_) {
    // It has looked at a lot in vain: others first.
    again_ = true;
    Owe();
    loop()->Again([this] { PumpAgain(); });
  }
}

void SubscribeStream::PumpAgain() {
  again_ = false;
  if (!ending() && !writing()) Pump();
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
  outgoing_bytes_ = delivery->bytes;
  loop()->outgoing().Take(outgoing_bytes_);
  Write(Frame(std::move(delivery->ranges), delivery->bytes));
}

void SubscribeStream::WriteFrame(const v1::SubscribeResponse& frame) { Write(Frame(frame)); }

void SubscribeStream::OnWritten(bool ok) {
  loop()->CancelTimer(&stalled_);
  if (outgoing_bytes_ > 0) loop()->outgoing().GiveBack(std::exchange(outgoing_bytes_, 0));
  if (WriteEnded(ok)) {
    subscription_->in_flight_bytes().store(0, std::memory_order_relaxed);
    Pump();
  }
}

void SubscribeStream::OnHeartbeat() {
  const absl::Duration interval = broker_->limits().heartbeat;
  const absl::Duration now = loop()->clock().Monotonic();
  if (!writing() && last_write() + interval <= now) {
    WriteHeartbeat();
    exchange()->Pulse();
  }
  // Not set anew at each write, so that a busy stream costs no timers.
  loop()->SetTimer(&heartbeat_, writing() ? now + interval : last_write() + interval);
}

void SubscribeStream::OnPulse() {
  const absl::Duration interval = broker_->limits().heartbeat;
  if (ending() || writing() || !heartbeat_.set() || !IsNearHeartbeat(interval)) return;
  WriteHeartbeat();
  loop()->SetTimer(&heartbeat_, last_write() + interval);
}

void SubscribeStream::WriteHeartbeat() {
  v1::SubscribeResponse frame;
  SetTime(loop()->clock().Now(), frame.mutable_heartbeat()->mutable_time());
  subscription_->TakeProgress(kProgressMax, frame.mutable_heartbeat()->mutable_positions());
  WriteFrame(frame);
}

void SubscribeStream::Drain(const DrainPlan& plan) {
  if (ending()) return;
  if (subscription_ == nullptr) {
    End(broker_->CheckNotDraining());
    return;
  }
  // It will not grow older than the plan; if it has been asked, it leaves for that.
  if (!aged_) loop()->CancelTimer(&age_);
  loop()->SetTimer(&DepartureAt(plan.end(), plan.spread()).ask, plan.PickTime(broker_->random()));
}

SubscribeStream::Departure& SubscribeStream::DepartureAt(absl::Duration end, absl::Duration jitter) {
  if (departure_ == nullptr) departure_ = std::make_unique<Departure>(this);
  departure_->end = end;
  departure_->jitter = jitter;
  return *departure_;
}

void SubscribeStream::AskToLeave() {
  ask_ = true;
  if (!writing()) Pump();
}

bool SubscribeStream::WriteNotice() {
  ask_ = false;
  // What is left now: the frame may have waited for what was being written.
  const absl::Duration left = departure_->end - loop()->clock().Monotonic();
  if (left <= absl::ZeroDuration()) return false;
  v1::SubscribeResponse frame;
  SetDuration(left, frame.mutable_drain()->mutable_deadline());
  SetDuration(std::min(departure_->jitter, left / 2), frame.mutable_drain()->mutable_jitter());
  WriteFrame(frame);
  return true;
}

void SubscribeStream::OnAge() {
  const absl::Duration now = loop()->clock().Monotonic();
  if (!std::exchange(aged_, true)) {
    loop()->SetTimer(&age_, now + kAgeGrace);
    DepartureAt(now + kAgeGrace, kAgeGrace / 2);
    AskToLeave();
    return;
  }
  End(StreamAged());
  // Who does not read shall not stay either.
  if (writing() && !stalled_.set()) loop()->SetTimer(&stalled_, now + broker_->limits().stall);
}

void SubscribeStream::OnEnd(const absl::Status& status) {
  loop()->CancelTimer(&heartbeat_);
  loop()->CancelTimer(&age_);
  if (departure_ != nullptr) loop()->CancelTimer(&departure_->ask);
  if (search_ != nullptr) {
    search_->stop = true;
    search_->stream = nullptr;
    search_ = nullptr;
  }
  if (subscription_ == nullptr) return;
  std::string reason = ReasonOf(status);
  if (reason.empty()) reason = status.ok() ? "DISCONNECTED" : absl::StatusCodeToString(status.code());
  name_space_->Unsubscribe(subscription_.get(), reason);
  subscription_ = nullptr;
}

}  // namespace nmq::rpc
