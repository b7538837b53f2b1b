#include "client/cpp/session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/grpc_deadline.h"
#include "base/proto_time.h"
#include "client/cpp/backoff.h"
#include "client/cpp/status.h"
#include "client/cpp/token.h"
#include "grpcpp/channel.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/support/channel_arguments.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

// How long leaving may take.
constexpr absl::Duration kDisconnectTimeout = absl::Seconds(1);

// Of waiting for the channel, so that Disconnect() does not wait for a server that is not there.
constexpr absl::Duration kStep = absl::Milliseconds(100);

int Milliseconds(absl::Duration duration) { return static_cast<int>(absl::ToInt64Milliseconds(duration)); }

std::shared_ptr<grpc::Channel> MakeChannel(const ClientOptions& options) {
  grpc::ChannelArguments arguments;
  // One connection for each client, not one for all clients of the program.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, Milliseconds(options.backoff.initial));
  // Despite its name the bound of one attempt to connect.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, Milliseconds(options.connect_timeout));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, Milliseconds(options.backoff.max));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(options.keepalive.time));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(options.keepalive.timeout));
  // An idle stream is pinged as long as it lives.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // The server decides how large messages are.
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  return grpc::experimental::CreateCustomChannelWithInterceptors(
      options.server, options.credentials != nullptr ? options.credentials : grpc::InsecureChannelCredentials(),
      arguments, internal::ShowToken(options));
}

absl::Status Stopped() { return absl::CancelledError("the client has disconnected"); }

}  // namespace

Session::Session(ClientOptions options)
    : options_(std::move(options)), channel_(MakeChannel(options_)), stub_(v1::MessageQueue::NewStub(channel_)) {}

Session::~Session() {
  std::string session;
  Stop(&session).IgnoreError();
  std::thread thread;
  {
    MutexLock lock(&mu_);
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
}

absl::StatusOr<Session::Handle> Session::Ensure(Deadline deadline, const CancelFlag* cancelled) {
  {
    MutexLock lock(&mu_);
    if (stopped_) return Stopped();
    if (generation_ > 0) return Handle{connected_.session(), generation_};
  }
  const Deadline until = std::min(deadline, Deadline::In(options_.wait_for_server));
  Backoff backoff(options_.backoff);
  while (true) {
    absl::StatusOr<Handle> handle = Renew(0, deadline, cancelled);
    if (handle.ok() || !absl::IsUnavailable(handle.status())) return handle;
    if (until.IsOver() || !Sleep(std::min(backoff.Next(), until.Left()), cancelled)) return handle;
  }
}

absl::StatusOr<Session::Handle> Session::Renew(uint64_t seen, Deadline deadline, const CancelFlag* cancelled) {
  MutexLock lock(&mu_);
  if (stopped_) return Stopped();
  if (generation_ > seen) return Handle{connected_.session(), generation_};
  StartThread();
  wanted_ = true;
  changed_.SignalAll();
  const uint64_t attempts = attempts_;
  while (true) {
    if (stopped_ || (cancelled != nullptr && *cancelled)) return Stopped();
    if (generation_ > seen) return Handle{connected_.session(), generation_};
    if (attempts_ > attempts) return last_attempt_;
    if (deadline.IsOver()) return absl::DeadlineExceededError(absl::StrCat("no answer from ", options_.server));
    changed_.WaitWithTimeout(&mu_, deadline.Left());
  }
}

void Session::RenewThen(uint64_t seen, Renewal done) {
  absl::StatusOr<Handle> now = Stopped();
  {
    MutexLock lock(&mu_);
    if (!stopped_ && generation_ <= seen) {
      StartThread();
      wanted_ = true;
      renewals_.push_back(std::move(done));
      changed_.SignalAll();
      return;
    }
    if (!stopped_) now = Handle{connected_.session(), generation_};
  }
  done(std::move(now));
}

absl::Status Session::CallWithSession(Deadline deadline, SessionRpc rpc) {
  const Deadline until = std::min(deadline, Deadline::In(options_.wait_for_server));
  Backoff backoff(options_.backoff);
  bool renewed = false;
  while (true) {
    absl::StatusOr<Handle> handle = Ensure(deadline);
    if (!handle.ok()) return handle.status();
    absl::Status status =
        Run(deadline, [&rpc, &handle](grpc::ClientContext* context) { return rpc(context, handle->session); });
    if (IsSessionLost(status) && !renewed) {
      renewed = true;
      absl::StatusOr<Handle> fresh = Renew(handle->generation, deadline);
      if (!fresh.ok()) return fresh.status();
      continue;
    }
    if (!absl::IsUnavailable(status)) return status;
    const absl::Duration delay = std::max(backoff.Next(), RetryDelay(status));
    if (until.IsOver() || !Sleep(std::min(delay, until.Left()), nullptr)) return status;
  }
}

absl::Status Session::CallOnce(Deadline deadline, SessionRpc rpc, bool known) {
  const Deadline until = std::min(deadline, Deadline::In(options_.wait_for_server));
  Backoff backoff(options_.backoff);
  bool renewed = false;
  while (true) {
    Handle handle;
    if (options_.publish_with_session) {
      absl::StatusOr<Handle> ensured = Ensure(deadline);
      if (!ensured.ok()) return ensured.status();
      handle = *std::move(ensured);
    }
    WaitForConnection(until);
    absl::Status status =
        Run(deadline, [&rpc, &handle](grpc::ClientContext* context) { return rpc(context, handle.session); });
    if (IsSessionLost(status) && !renewed && handle.generation > 0) {
      renewed = true;
      absl::StatusOr<Handle> fresh = Renew(handle.generation, deadline);
      if (!fresh.ok()) return fresh.status();
      continue;
    }
    if (!IsRefusedForNow(status) && !(known && absl::IsUnavailable(status))) return status;
    const absl::Duration delay = std::max(backoff.Next(), RetryDelay(status));
    if (until.IsOver() || !Sleep(std::min(delay, until.Left()), nullptr)) return status;
  }
}

absl::Status Session::Call(Deadline deadline, absl::FunctionRef<grpc::Status(grpc::ClientContext*)> rpc,
                           bool repeatable) {
  const Deadline until = std::min(deadline, Deadline::In(options_.wait_for_server));
  Backoff backoff(options_.backoff);
  while (true) {
    WaitForConnection(until);
    absl::Status status = Run(deadline, rpc);
    if (!IsRefusedForNow(status) && !(repeatable && absl::IsUnavailable(status))) return status;
    const absl::Duration delay = std::max(backoff.Next(), RetryDelay(status));
    if (until.IsOver() || !Sleep(std::min(delay, until.Left()), nullptr)) return status;
  }
}

void Session::WaitForConnection(Deadline until) {
  if (until.IsOver() || channel_->GetState(true) == GRPC_CHANNEL_READY) return;
  while (!until.IsOver() && !stopped()) {
    if (channel_->WaitForConnected(ToGrpc(std::min(until, Deadline::In(kStep))))) return;
  }
}

void Session::TryConnection(const CancelFlag* cancelled) {
  const Deadline until = Deadline::In(options_.connect_timeout);
  // A try that fails at once may not be seen.
  const Deadline failed_at = Deadline::In(2 * kStep);
  bool tried = false;
  grpc::experimental::ChannelResetConnectionBackoff(channel_.get());
  while (!until.IsOver() && !stopped() && (cancelled == nullptr || !*cancelled)) {
    const grpc_connectivity_state state = channel_->GetState(true);
    if (state == GRPC_CHANNEL_READY) return;
    tried = tried || state == GRPC_CHANNEL_CONNECTING || failed_at.IsOver();
    if (tried && state == GRPC_CHANNEL_TRANSIENT_FAILURE) return;
    channel_->WaitForStateChange(state, ToGrpc(std::min(until, Deadline::In(kStep))));
  }
}

bool Session::stopped() const {
  MutexLock lock(&mu_);
  return stopped_;
}

absl::Status Session::Run(Deadline deadline, absl::FunctionRef<grpc::Status(grpc::ClientContext*)> rpc) {
  grpc::ClientContext context;
  if (!deadline.never()) context.set_deadline(ToGrpc(deadline));
  {
    MutexLock lock(&mu_);
    if (stopped_) return Stopped();
    running_.insert(&context);
  }
  const grpc::Status status = rpc(&context);
  MutexLock lock(&mu_);
  running_.erase(&context);
  if (!status.ok() && stopped_) return Stopped();
  return FromGrpc(status);
}

void Session::StartThread() {
  if (!thread_.joinable()) thread_ = std::thread([this] { KeepConnected(); });
}

void Session::KeepConnected() {
  MutexLock lock(&mu_);
  while (!stopped_) {
    Deadline renew_at = Deadline::Never();
    if (generation_ > 0) {
      const absl::Duration third = ToDuration(connected_.lease()) / 3;
      renew_at = Deadline::In(last_attempt_.ok() ? third : std::min(third, options_.backoff.max));
    }
    while (!stopped_ && !wanted_ && !renew_at.IsOver()) changed_.WaitWithTimeout(&mu_, renew_at.Left());
    if (stopped_) return;
    if (!wanted_ && live_streams_ > 0) continue;
    mu_.Unlock();
    absl::Status status = ConnectNow();
    mu_.Lock();
    ++attempts_;
    if (status.ok() && (wanted_ || fresh_)) {
      ++generation_;
      fresh_ = false;
    }
    wanted_ = false;
    last_attempt_ = std::move(status);
    changed_.SignalAll();
    if (renewals_.empty() || stopped_) continue;
    std::vector<Renewal> renewals = std::move(renewals_);
    renewals_.clear();
    absl::StatusOr<Handle> handle = Handle{connected_.session(), generation_};
    if (!last_attempt_.ok()) handle = last_attempt_;
    mu_.Unlock();
    for (const Renewal& renewal : renewals) renewal(handle);
    mu_.Lock();
  }
}

absl::Status Session::ConnectNow() {
  v1::ConnectRequest request;
  bool again;
  {
    MutexLock lock(&mu_);
    request = MakeConnectRequest();
    again = attempts_ > 0;
  }
  if (again) TryConnection();
  v1::ConnectResponse response;
  absl::Status status =
      Run(Deadline::In(options_.connect_timeout), [this, &request, &response](grpc::ClientContext* context) {
        return stub_->Connect(context, request, &response);
      });
  if (absl::IsDeadlineExceeded(status) && !IsServersAnswer(status)) {
    return absl::UnavailableError(
        absl::StrCat("no answer from ", options_.server, " in ", absl::FormatDuration(options_.connect_timeout)));
  }
  if (!status.ok()) return status;
  {
    MutexLock lock(&mu_);
    Adopt(response);
    if (!rejoin_) return absl::OkStatus();
  }
  return JoinAgain();
}

v1::ConnectRequest Session::MakeConnectRequest() const {
  v1::ConnectRequest request;
  request.set_namespace_(options_.namespace_name);
  request.set_name(options_.name);
  for (const auto& [name, value] : options_.labels) (*request.mutable_labels())[name] = value;
  if (options_.lease > absl::ZeroDuration()) {
    absl::Duration rest;
    request.mutable_lease()->set_seconds(absl::IDivDuration(options_.lease, absl::Seconds(1), &rest));
    request.mutable_lease()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  }
  request.set_session(connected_.session());
  return request;
}

void Session::Adopt(const v1::ConnectResponse& response) {
  connected_ = response;
  if (!response.resumed()) {
    fresh_ = true;
    rejoin_ = !rooms_.empty();
  }
  // An operator may have moved the client meanwhile.
  if (response.resumed() && !rejoin_) rooms_ = std::set<std::string>(response.rooms().begin(), response.rooms().end());
}

absl::Status Session::JoinAgain() {
  v1::JoinRequest request;
  {
    MutexLock lock(&mu_);
    request.set_session(connected_.session());
    request.mutable_rooms()->Add(rooms_.begin(), rooms_.end());
  }
  v1::JoinResponse response;
  absl::Status status = Run(
      Deadline::In(options_.connect_timeout),
      [this, &request, &response](grpc::ClientContext* context) { return stub_->Join(context, request, &response); });
  MutexLock lock(&mu_);
  if (status.ok()) rejoin_ = false;
  return status;
}

void Session::AddRooms(const google::protobuf::RepeatedPtrField<std::string>& rooms) {
  MutexLock lock(&mu_);
  rooms_.insert(rooms.begin(), rooms.end());
}

void Session::RemoveRooms(const google::protobuf::RepeatedPtrField<std::string>& rooms) {
  MutexLock lock(&mu_);
  for (const std::string& room : rooms) rooms_.erase(room);
}

void Session::Attach(const std::shared_ptr<Attachment>& attachment) {
  {
    MutexLock lock(&mu_);
    if (!stopped_) {
      attachments_.erase(std::remove_if(attachments_.begin(), attachments_.end(),
                                        [](const std::weak_ptr<Attachment>& other) { return other.expired(); }),
                         attachments_.end());
      attachments_.push_back(attachment);
      return;
    }
  }
  attachment->Stop();
}

void Session::BeforeAcknowledging(v1::AcknowledgeRequest* request) {
  std::vector<std::weak_ptr<Attachment>> attachments;
  {
    MutexLock lock(&mu_);
    attachments = attachments_;
  }
  for (const std::weak_ptr<Attachment>& weak : attachments) {
    if (const std::shared_ptr<Attachment> attachment = weak.lock()) attachment->BeforeAcknowledging(request);
  }
}

bool Session::Sleep(absl::Duration duration, const CancelFlag* cancelled) {
  const Deadline until = Deadline::In(duration);
  MutexLock lock(&mu_);
  while (true) {
    if (stopped_ || (cancelled != nullptr && *cancelled)) return false;
    if (until.IsOver()) return true;
    changed_.WaitWithTimeout(&mu_, until.Left());
  }
}

void Session::Wake() {
  MutexLock lock(&mu_);
  changed_.SignalAll();
}

absl::Status Session::Stop(std::string* session) {
  std::vector<std::weak_ptr<Attachment>> attachments;
  std::vector<Renewal> renewals;
  {
    MutexLock lock(&mu_);
    if (stopped_) return Stopped();
    stopped_ = true;
    renewals = std::move(renewals_);
    renewals_.clear();
    *session = connected_.session();
    attachments = std::move(attachments_);
    for (grpc::ClientContext* context : running_) context->TryCancel();
    changed_.SignalAll();
  }
  for (const std::weak_ptr<Attachment>& weak : attachments) {
    if (const std::shared_ptr<Attachment> attachment = weak.lock()) attachment->Stop();
  }
  for (const Renewal& renewal : renewals) renewal(Stopped());
  return absl::OkStatus();
}

absl::Status Session::Disconnect() {
  v1::DisconnectRequest request;
  if (!Stop(request.mutable_session()).ok() || request.session().empty()) return absl::OkStatus();
  grpc::ClientContext context;
  context.set_deadline(ToGrpc(Deadline::In(kDisconnectTimeout)));
  v1::DisconnectResponse response;
  absl::Status status = FromGrpc(stub_->Disconnect(&context, request, &response));
  return IsSessionLost(status) ? absl::OkStatus() : status;
}

std::string Session::client_id() const {
  MutexLock lock(&mu_);
  return connected_.client_id();
}

std::string Session::session() const {
  MutexLock lock(&mu_);
  return connected_.session();
}

v1::Limits Session::limits() const {
  MutexLock lock(&mu_);
  return connected_.limits();
}

std::vector<std::string> Session::rooms() const {
  MutexLock lock(&mu_);
  return {rooms_.begin(), rooms_.end()};
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
