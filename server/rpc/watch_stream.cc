#include "server/rpc/watch_stream.h"

#include <atomic>
#include <utility>

#include "base/errors.h"
#include "server/frame/frame.h"
#include "server/registry/sight.h"
#include "server/rpc/call_of.h"
#include "server/rpc/stream_age.h"

namespace nmq::rpc {
namespace {

constexpr size_t kChangesMax = 500;  // in one response; each is at most about 1 KiB

}  // namespace

// Rings once, however many changes there are until the loop looks. `stream` is for the loop's thread only, and null
// once the stream is gone.
struct WatchStream::Bell : std::enable_shared_from_this<Bell> {
  Bell(Loop* bell_loop, WatchStream* bell_stream) : loop(bell_loop), stream(bell_stream) {}

  void Ring() {
    if (rung.exchange(true, std::memory_order_acq_rel)) return;
    loop->Post([self = shared_from_this()] {
      self->rung.store(false, std::memory_order_release);
      if (self->stream != nullptr) self->stream->Pump();
    });
  }

  Loop* const loop;
  WatchStream* stream;
  std::atomic<bool> rung{false};
};

WatchStream::WatchStream(broker::Broker* broker, Exchange* exchange)
    : StreamCall(exchange),
      broker_(broker),
      heartbeat_([this] { OnHeartbeat(); }),
      age_([this] { End(StreamAged()); }),
      drain_([this] { End(broker_->CheckNotDraining()); }) {
  exchange->ReadRequest();
}

void WatchStream::OnNoMore() { End(InvalidArgument("request", "is missing")); }

void WatchStream::OnMessage(const RequestBytes& bytes) {
  if (!MessageCame()) return;
  const absl::Status status = Open(bytes);
  if (!status.ok()) End(status);
}

absl::Status WatchStream::Open(const RequestBytes& bytes) {
  absl::Status status = bytes.Decode(&request_);
  if (status.ok()) status = broker_->CheckNotDraining();
  if (!status.ok()) return status;
  status = Admit(CallOf<v1::WatchRequest>(*exchange()));
  if (!status.ok()) return status;
  revision_ = request_.has_after_revision() ? request_.after_revision() : broker_->changes().revision();
  uint64_t upto;
  status = broker_->changes().Read(revision_, request_.namespace_(), 0, &upto).status();
  if (!status.ok()) return status;
  bell_ = std::make_shared<Bell>(loop(), this);
  listener_ = std::make_shared<const std::function<void()>>([bell = bell_] { bell->Ring(); });
  broker_->changes().Listen(listener_);
  v1::WatchResponse response;
  response.set_revision(revision_);
  Write(Frame(response));
  loop()->SetTimer(&heartbeat_, last_write() + broker_->limits().heartbeat);
  loop()->SetTimer(&age_, last_write() + StreamLife(broker_->limits().stream_age, broker_->random()));
  return absl::OkStatus();
}

absl::Status WatchStream::Admit(const Call& call) const {
  if (request_.namespace_().empty()) return broker_->Admit(call, Named("", kAllOfThem, kAllOfThem));
  return broker_->FindNamespace(call, request_).status();
}

void WatchStream::CheckAccess() {
  if (listener_ == nullptr || ending()) return;
  // Without a session, nothing newer is known of the caller.
  const absl::Status status = Admit(LaterCallOf<v1::WatchRequest>(*exchange()));
  if (status.ok()) {
    GoOnFor(exchange()->principal());
  } else {
    End(status);
  }
}

void WatchStream::Pump() {
  if (writing() || ending()) return;
  if (revision_ >= broker_->changes().revision()) return;
  auto changes = broker_->changes().Read(revision_, request_.namespace_(), kChangesMax, &revision_);
  if (!changes.ok()) {
    End(changes.status());
    return;
  }
  v1::WatchResponse response;
  response.set_revision(revision_);
  AddSeen(&*changes, &response);
  if (!response.changes().empty()) {
    Write(Frame(response));
  } else if (revision_ < broker_->changes().revision()) {
    // Others on the loop come first.
    bell_->Ring();
  }
}

void WatchStream::AddSeen(std::vector<v1::Change>* changes, v1::WatchResponse* response) const {
  if (changes->empty()) return;
  const Call call = LaterCallOf<v1::WatchRequest>(*exchange());
  // Who may watch all namespaces may see all.
  const broker::Sight sight(*broker_, call, request_.namespace_());
  for (v1::Change& change : *changes) {
    if (sight.Change(change)) *response->add_changes() = std::move(change);
  }
}

void WatchStream::OnHeartbeat() {
  const absl::Duration interval = broker_->limits().heartbeat;
  const absl::Duration now = loop()->clock().Monotonic();
  if (!writing() && last_write() + interval <= now) {
    WriteHeartbeat();
    exchange()->Pulse();
  }
  loop()->SetTimer(&heartbeat_, writing() ? now + interval : last_write() + interval);
}

void WatchStream::OnPulse() {
  const absl::Duration interval = broker_->limits().heartbeat;
  if (ending() || writing() || !heartbeat_.set() || !IsNearHeartbeat(interval)) return;
  WriteHeartbeat();
  loop()->SetTimer(&heartbeat_, last_write() + interval);
}

void WatchStream::WriteHeartbeat() {
  v1::WatchResponse response;
  response.set_revision(revision_);
  Write(Frame(response));
}

void WatchStream::OnWritten(bool ok) {
  if (WriteEnded(ok)) Pump();
}

void WatchStream::Drain(const DrainPlan& plan) {
  if (!ending()) loop()->SetTimer(&drain_, plan.PickTime(broker_->random()));
}

void WatchStream::OnEnd(const absl::Status&) {
  loop()->CancelTimer(&heartbeat_);
  loop()->CancelTimer(&age_);
  loop()->CancelTimer(&drain_);
  if (bell_ == nullptr) return;
  broker_->changes().Unlisten(listener_);
  bell_->stream = nullptr;
}

}  // namespace nmq::rpc
