#include "client/cpp/shared_subscription.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/deadline.h"
#include "client/cpp/status.h"
#include "client/cpp/subscribe_stream.h"
#include "client/cpp/subscription_thread.h"
#include "client/cpp/wire.h"

namespace nmq {
inline namespace client {
namespace internal {

SharedSubscription::SharedSubscription(std::shared_ptr<Session> session, SubscribeOptions options,
                                       SubscriptionHandler handler)
    : SubscriptionCore(std::move(session), std::move(options), std::move(handler)),
      events_(options_.thread->events()) {}

absl::Status SharedSubscription::Start() {
  absl::Status may_wait = InSharedCallback::CheckMayWait();
  if (!may_wait.ok()) return may_wait;
  give_up_first_at_ = Deadline::In(session_->options().wait_for_server);
  // The first one connects if nobody has, on the caller's thread, which waits anyway.
  absl::StatusOr<Session::Handle> handle = session_->Ensure(Deadline::Never(), &stopped_);
  started_ = true;
  events_->Post([self = self(), handle = std::move(handle)] {
    self->owned_ = self;
    if (handle.ok()) return self->OnSession(self->turn_, handle);
    self->EndHere(handle.status());
  });
  return WaitUntilLive();
}

void SharedSubscription::Stop() {
  stopped_ = true;
  session_->Wake();
  events_->Post([self = self()] { self->OnStop(); });
}

void SharedSubscription::Join() {
  // In a callback of the thread: the thread owns this until it is through.
  if (!started_ || InSharedCallback::Now()) return;
  WaitUntilOver();
}

void SharedSubscription::OnSession(uint64_t turn, absl::StatusOr<Session::Handle> handle) {
  if (turn != turn_ || stage_ != Stage::kWaiting) return;
  if (stopped_) return EndHere(absl::OkStatus());
  attempt_ = Attempt();
  if (!handle.ok()) return TryAgain(/*had_session=*/false, handle.status());
  generation_ = std::max(generation_, handle->generation);
  StartStream(handle->session);
}

void SharedSubscription::AskForSession() {
  // The session's thread must not be the last to hold this, and with it the session.
  session_->RenewThen(generation_, [events = events_, weak = std::weak_ptr<SharedSubscription>(self()),
                                    turn = ++turn_](absl::StatusOr<Session::Handle> handle) {
    events->Post([weak, turn, handle = std::move(handle)] {
      if (const std::shared_ptr<SharedSubscription> self = weak.lock()) self->OnSession(turn, handle);
    });
  });
}

void SharedSubscription::StartStream(const std::string& session) {
  stage_ = Stage::kStreaming;
  abandoned_ = absl::OkStatus();
  started_at_ = last_frame_at_ = RealClock().Monotonic();
  context_.emplace();
  call_ = grpc::GenericStub(session_->channel()).PrepareCall(&*context_, kSubscribeMethod, events_->queue());
  events_->Starting();
  // All that starts the call goes in one step.
  context_->set_initial_metadata_corked(true);
  call_->StartCall(nullptr);
  call_->WriteLast(Encode(MakeRequest(session)), grpc::WriteOptions(), &on_start_);
  SetStreamTimer();
}

void SharedSubscription::OnStart(bool ok) { ok ? ReadOn() : FinishStream(); }

void SharedSubscription::ReadOn() {
  events_->Starting();
  call_->Read(&frame_, &on_read_);
}

void SharedSubscription::OnRead(bool ok) {
  if (!ok || stage_ == Stage::kFinishing) return FinishStream();
  last_frame_at_ = RealClock().Monotonic();
  const bool was_live = attempt_.live;
  const Deadline leave_at = attempt_.leave_at;
  absl::Status status;
  {
    const InSharedCallback shared;
    status = OnFrame(&frame_, &attempt_);
  }
  frame_.Clear();
  if (stopped_ || !status.ok()) {
    Abandon(std::move(status));
    return FinishStream();
  }
  if (attempt_.live != was_live || !(attempt_.leave_at == leave_at)) SetStreamTimer();
  ReadOn();
}

void SharedSubscription::Abandon(absl::Status why) {
  if (stage_ != Stage::kStreaming) return;
  stage_ = Stage::kFinishing;
  abandoned_ = std::move(why);
  context_->TryCancel();
}

void SharedSubscription::FinishStream() {
  stage_ = Stage::kFinishing;
  events_->CancelTimer(&timer_);
  events_->Starting();
  call_->Finish(&status_, &on_finish_);
}

void SharedSubscription::OnFinish() {
  if (attempt_.live) {
    session_->RemoveLiveStream();
    attempt_.lived = RealClock().Monotonic() - started_at_;
  }
  call_ = nullptr;
  context_.reset();
  if (stopped_) return EndHere(absl::OkStatus());
  TryAgain(/*had_session=*/true, abandoned_.ok() ? FromGrpc(status_) : abandoned_);
}

void SharedSubscription::SetStreamTimer() {
  events_->CancelTimer(&timer_);
  const absl::Duration quiet = RealClock().Monotonic() - last_frame_at_;
  const Deadline at = std::min(attempt_.leave_at, Deadline::In(SilenceOf(attempt_) - quiet));
  timer_ = events_->SetTimer(at, [self = self()] { self->OnStreamTimer(); });
}

void SharedSubscription::OnStreamTimer() {
  timer_ = 0;
  if (stage_ != Stage::kStreaming) return;
  if (attempt_.leave_at.IsOver()) {
    attempt_.left = true;
    return Abandon(Left());
  }
  const absl::Duration silence = SilenceOf(attempt_);
  if (RealClock().Monotonic() - last_frame_at_ >= silence) return Abandon(Silent(attempt_, silence));
  SetStreamTimer();
}

void SharedSubscription::OnStop() {
  if (stage_ == Stage::kStreaming) Abandon(absl::OkStatus());
  if (stage_ == Stage::kWaiting && owned_ != nullptr) EndHere(absl::OkStatus());
}

void SharedSubscription::TryAgain(bool had_session, const absl::Status& status) {
  stage_ = Stage::kWaiting;
  std::optional<absl::Duration> delay;
  {
    const InSharedCallback shared;
    delay = NextAttempt(had_session, status, attempt_);
  }
  if (!delay.has_value()) return EndHere(status);
  timer_ = events_->SetTimer(Deadline::In(*delay), [self = self()] {
    self->timer_ = 0;
    self->AskForSession();
  });
}

void SharedSubscription::EndHere(absl::Status status) {
  stage_ = Stage::kOver;
  events_->CancelTimer(&timer_);
  {
    const InSharedCallback shared;
    End(std::move(status));
  }
  // This may be the end of it, which may be in the middle of one of its tags.
  events_->Post([last = std::move(owned_)] {});
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
