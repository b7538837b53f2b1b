#include "server/http2/call.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq::http2 {
namespace {

// After its deadline, a call that cannot be given its status is reset so much later. A caller whose clock is a little
// behind takes the reset for a cancellation; until then it has ended the call by itself.
constexpr absl::Duration kResetDelay = absl::Milliseconds(250);

// A message that is no longer counts as written when it is in the gather, and the next one may go out with it.
constexpr size_t kEarlyBytesMax = 4 << 10;

// Of a request's headers; so much takes no more than the call itself.
constexpr size_t kFreeHeaderBytes = 1 << 10;

const Headers& AnswerHeaders() {
  static const Headers* const headers = new Headers{
      {":status", "200"}, {"content-type", "application/grpc"}, {"grpc-accept-encoding", kAcceptedEncodings}};
  return *headers;
}

Headers OnlyTrailers(const absl::Status& status) {
  Headers headers = AnswerHeaders();
  for (auto& trailer : StatusTrailers(status)) headers.push_back(std::move(trailer));
  return headers;
}

}  // namespace

Call* Call::Begin(CallHost* host, Connection* connection, int32_t stream, HeaderList headers) {
  const auto refuse = [&](const Headers& answer) {
    connection->Answer(stream, answer, /*body=*/false);
    return nullptr;
  };
  if (headers.Find(":method") != "POST") return refuse({{":status", "405"}, {"allow", "POST"}});
  if (!IsGrpc(headers.Find("content-type"))) return refuse({{":status", "415"}});
  if (const absl::Status status = host->CheckRoomForCall(); !status.ok()) {
    host->OnRefused(status);
    return refuse(OnlyTrailers(status));
  }
  const absl::StatusOr<Encoding> encoding = ParseEncoding(headers.Find("grpc-encoding"));
  if (!encoding.ok()) return refuse(OnlyTrailers(encoding.status()));
  const std::string timeout(headers.Find("grpc-timeout"));
  const std::optional<absl::Duration> time = ParseTimeout(timeout);
  if (!timeout.empty() && !time) {
    return refuse(OnlyTrailers(absl::InternalError(
        absl::StrCat("grpc-timeout: ", Quote(timeout), " is not up to 8 digits and one of H, M, S, m, u, n"))));
  }
  auto* const call = new Call(host, connection, stream, std::move(headers), *encoding);
  if (time) call->SetDeadline(*time);
  call->handler_ = host->table().Serve(call->request_->headers.Find(":path"), call);
  call->request_->incoming.set_handler(call->handler_);
  return call;
}

Call::Request::Request(Call* call, HeaderList list, Encoding encoding)
    : headers(std::move(list)),
      incoming(call, call->connection_, call->stream_, encoding, call->host_->message_bytes_max()),
      stall(call) {}

Call::Call(CallHost* host, Connection* connection, int32_t stream, HeaderList headers, Encoding encoding)
    : host_(host),
      connection_(connection),
      stream_(stream),
      request_(std::make_unique<Request>(this, std::move(headers), encoding)) {
  host_->OnCallBegun();
  if (request_->headers.bytes() <= kFreeHeaderBytes) return;
  request_->headers_held = request_->headers.bytes() - kFreeHeaderBytes;
  connection_->CountHeld(static_cast<int64_t>(request_->headers_held));
}

Call::~Call() {
  if (deadline_ != nullptr) host_->timers().Cancel(deadline_.get());
  if (request_ != nullptr) host_->stalling().Remove(&request_->stall);
  host_->OnCallOver();
}

void Call::SetDeadline(absl::Duration timeout) {
  // The turn may have begun before the caller's time: a caller whose time is not over is not told that it was
  // cancelled.
  deadline_time_ = host_->exact_now() + timeout;
  deadline_ = std::make_unique<Timer>([this] { OnDeadline(); });
  host_->timers().Set(deadline_.get(), deadline_time_);
}

void Call::OnDeadline() {
  if (connection_ == nullptr) return;
  if (left() > 0 && !std::exchange(late_, true)) {
    host_->timers().Set(deadline_.get(), host_->now() + kResetDelay);
    return OnGone();
  }
  EndEarly(absl::DeadlineExceededError("the call's deadline is over"));
}

void Call::EndEarly(const absl::Status& status) {
  if (left() > 0) {
    connection_->Reset(stream_, NGHTTP2_CANCEL);  // the caller does not take what is before the trailers
  } else {
    EndWith(status);
  }
  OnGone();
}

void Call::EndStalled(absl::Duration time) {
  host_->stalling().Remove(&request_->stall);
  const absl::Status status =
      ResourceExhausted("REQUEST_STALLED",
                        absl::StrCat("a message of the request is not whole, and nothing of it has come for ",
                                     absl::FormatDuration(time), "; send each message in one go, and this one again"),
                        absl::ZeroDuration(), {{"bound", absl::FormatDuration(time)}});
  host_->OnRefused(status);
  EndEarly(status);
}

void Call::OnData(absl::string_view bytes) {
  if (request_ == nullptr) return;
  request_->incoming.OnData(bytes);
  NoteStall(/*heard=*/true);
}

void Call::OnEnd() {
  if (request_ != nullptr) request_->incoming.OnEnd();
}

void Call::NoteStall(bool heard) {
  AgeList<Call>::Entry* const stall = &request_->stall;
  if (deaf() || !request_->incoming.awaits_bytes()) return host_->stalling().Remove(stall);
  if (heard || !stall->in()) host_->stalling().Add(stall, host_->now());
}

void Call::DropHeaders() {
  request_->headers.Clear();
  if (request_->headers_held == 0) return;
  connection_->CountHeld(-static_cast<int64_t>(std::exchange(request_->headers_held, 0)));
}

nmq::Call Call::CallWith(Right right) const {
  nmq::Call call(right, Transport::kGrpc, connection_ == nullptr ? "" : connection_->peer());
  if (deadline_time_ != absl::InfiniteDuration()) call.deadline = deadline_time_ + host_->clock_shift();
  return call;
}

std::optional<absl::string_view> Call::Metadata(absl::string_view name) const {
  if (request_ == nullptr) return std::nullopt;
  std::optional<absl::string_view> found;
  request_->headers.Each([&](absl::string_view one, absl::string_view value) {
    if (one == name) found = value;
    return !found;
  });
  if (!found || !absl::EndsWith(name, "-bin")) return found;
  std::optional<std::string> bytes = DecodeBinary(*found);
  if (!bytes) return std::nullopt;
  return request_->decoded.emplace_front(*std::move(bytes));
}

void Call::SettleSoon() {
  if (!std::exchange(settling_, true)) host_->SettleSoon(this);
}

void Call::SettleRequest() {
  Incoming& incoming = request_->incoming;
  incoming.Settle();
  NoteStall(/*heard=*/false);
  if (connection_ != nullptr && (deaf() || incoming.has_given())) DropHeaders();
  if (incoming.over()) request_ = nullptr;
}

void Call::Settle() {
  settling_ = false;
  if (request_ != nullptr) SettleRequest();
  if (writing_ && (gone_ || connection_ == nullptr)) {
    writing_ = false;
    handler_->OnWritten(false);
  }
  if (std::exchange(tell_gone_, false)) handler_->OnCancelled();
  if (settling_ || connection_ != nullptr || !finished_ || writing_) return;
  if (request_ != nullptr && request_->incoming.reading()) return;
  handler_->OnDone();
  delete this;
}

void Call::OnBroken(const absl::Status& status) {
  broken_ = true;
  EndWith(status);
}

// The answer.

void Call::Write(Frame frame) {
  writing_ = true;
  if (connection_ == nullptr || ended_) return SettleSoon();
  written_early_ = frame.size() <= kEarlyBytesMax;
  Set(std::move(frame));
  Speak();
}

void Call::Set(Frame frame) {
  outgoing_ = host_->outgoings().Take();
  outgoing_->Set(std::move(frame));
}

void Call::DropOutgoing() {
  if (outgoing_ != nullptr) host_->outgoings().GiveBack(std::move(outgoing_));
}

void Call::Finish(const absl::Status& status) {
  finished_ = true;
  SettleSoon();
  EndWith(status);
}

void Call::FinishWith(Frame frame) {
  finished_ = true;
  SettleSoon();
  if (connection_ == nullptr || ended_) return;
  ended_ = true;
  Set(std::move(frame));
  Speak();
}

void Call::EndWith(const absl::Status& status) {
  if (connection_ == nullptr || std::exchange(ended_, true)) return;
  status_ = status;
  Speak();
}

void Call::Speak() {
  if (!answered_) {
    answered_ = true;
    if (left() > 0 || !ended_) {
      connection_->Answer(stream_, AnswerHeaders(), /*body=*/true);
    } else {
      connection_->Answer(stream_, OnlyTrailers(status_), /*body=*/false);
    }
  } else if (std::exchange(idle_, false)) {
    connection_->Resume(stream_);
  }
}

void Call::Cancel() {
  if (connection_ == nullptr) return;
  connection_->Reset(stream_, NGHTTP2_CANCEL);
  OnGone();
}

Stream::Offer Call::OfferBody(size_t bytes_max) {
  const size_t part = std::min(bytes_max, left());
  if (part == 0 && !ended_) idle_ = true;
  return {part, ended_ && part == left()};
}

void Call::GiveBody(size_t bytes, Gather* gather) {
  outgoing_->Give(bytes, gather);
  if (outgoing_->left() == 0) DropOutgoing();
  if (written_early_) OnSent();
}

Headers Call::Trailers() { return StatusTrailers(status_); }

void Call::OnSent() {
  if (left() > 0 || !std::exchange(writing_, false)) return;
  written_early_ = false;
  handler_->OnWritten(true);
}

void Call::OnGone() {
  if (std::exchange(gone_, true)) return;
  tell_gone_ = true;
  SettleSoon();
}

void Call::OnClosed(bool whole) {
  if (request_ != nullptr) {
    request_->incoming.OnClosed();
    DropHeaders();
  }
  connection_ = nullptr;
  if (deadline_ != nullptr) host_->timers().Cancel(deadline_.get());
  SettleSoon();
  if (whole && ended_) {
    if (writing_) OnSent();
  } else {
    OnGone();
  }
  DropOutgoing();
}

}  // namespace nmq::http2
