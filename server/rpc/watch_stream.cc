#include "server/rpc/watch_stream.h"

#include <atomic>
#include <utility>

#include "server/rpc/status.h"

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

void WatchStream::Serve(RegistryService* service, broker::Broker* broker, Loop* loop, int count) {
  for (int i = 0; i < count; ++i) new WatchStream(service, broker, loop);
}

WatchStream::WatchStream(RegistryService* service, broker::Broker* broker, Loop* loop)
    : service_(service), broker_(broker), loop_(loop), writer_(&context_), heartbeat_([this] { OnHeartbeat(); }) {
  context_.AsyncNotifyWhenDone(&done_);
  pending_ = 1;
  service->RequestWatch(&context_, &request_, &writer_, loop->queue(), loop->queue(), &started_);
}

void WatchStream::Started(bool ok) {
  if (!ok) {
    delete this;  // the server shuts down; done_ does not come for a call that never was
    return;
  }
  new WatchStream(service_, broker_, loop_);
  loop_->AddStream(this);
  const absl::Status status = Open();
  if (!status.ok()) End(status);
}

absl::Status WatchStream::Open() {
  absl::Status status = broker_->CheckNotDraining();
  if (status.ok() && !request_.namespace_().empty()) status = broker_->FindNamespace(request_.namespace_()).status();
  if (!status.ok()) return status;
  revision_ = request_.has_after_revision() ? request_.after_revision() : broker_->changes().revision();
  uint64_t upto;
  status = broker_->changes().Read(revision_, request_.namespace_(), 0, &upto).status();
  if (!status.ok()) return status;
  bell_ = std::make_shared<Bell>(loop_, this);
  listener_ = std::make_shared<const std::function<void()>>([bell = bell_] { bell->Ring(); });
  broker_->changes().Listen(listener_);
  v1::WatchResponse response;
  response.set_revision(revision_);
  Write(response);
  loop_->SetTimer(&heartbeat_, last_write_ + broker_->limits().heartbeat);
  return absl::OkStatus();
}

void WatchStream::Pump() {
  if (writing_ || ending_) return;
  while (revision_ < broker_->changes().revision()) {
    auto changes = broker_->changes().Read(revision_, request_.namespace_(), kChangesMax, &revision_);
    if (!changes.ok()) {
      End(changes.status());
      return;
    }
    if (changes->empty()) continue;
    v1::WatchResponse response;
    response.set_revision(revision_);
    for (const auto& change : *changes) *response.add_changes() = *change;
    Write(response);
    return;
  }
}

void WatchStream::OnHeartbeat() {
  const absl::Duration interval = broker_->limits().heartbeat;
  const absl::Duration now = loop_->clock().Monotonic();
  if (!writing_ && last_write_ + interval <= now) {
    v1::WatchResponse response;
    response.set_revision(revision_);
    Write(response);
  }
  loop_->SetTimer(&heartbeat_, writing_ ? now + interval : last_write_ + interval);
}

void WatchStream::Write(const v1::WatchResponse& response) {
  writing_ = true;
  ++pending_;
  last_write_ = loop_->clock().Monotonic();
  writer_.Write(response, &written_);
}

void WatchStream::Written(bool ok) {
  writing_ = false;
  if (!ok) {
    End(absl::CancelledError("the watcher is gone"));
  } else if (ending_) {
    Finish();
  } else {
    Pump();
  }
  Release();
}

void WatchStream::Drain(absl::Duration) { End(broker_->CheckNotDraining()); }

void WatchStream::End(const absl::Status& status) {
  if (ending_) return;
  ending_ = true;
  status_ = status;
  loop_->CancelTimer(&heartbeat_);
  if (bell_ != nullptr) {
    broker_->changes().Unlisten(listener_);
    bell_->stream = nullptr;
  }
  if (!writing_) Finish();
}

void WatchStream::Finish() {
  if (finishing_) return;
  finishing_ = true;
  ++pending_;
  writer_.Finish(ToGrpc(status_), &finished_);
}

void WatchStream::Finished(bool) { Release(); }

void WatchStream::Done(bool) {
  if (context_.IsCancelled()) End(absl::CancelledError("the watcher is gone"));
  Release();
}

void WatchStream::Release() {
  if (--pending_ > 0) return;
  loop_->RemoveStream(this);
  delete this;
}

}  // namespace nmq::rpc
