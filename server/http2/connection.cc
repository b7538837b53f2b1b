#include "server/http2/connection.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/http2/connection_callbacks.h"

namespace nmq::http2 {
namespace {

// What a peer may make the server do in a turn; more waits for the next one. So much at a time is taken in unseen.
constexpr size_t kWorkMax = 128;
constexpr size_t kTakenInBytes = 4 << 10;
// Behind so much there may be more at once: half of what a record of TLS, and so a read, can have.
constexpr size_t kMuchBytes = 8 << 10;
// For a peer that did what it may not to read why its connection ends.
constexpr absl::Duration kLastWords = absl::Seconds(1);
// For any other to close its side, too, when all is said.
constexpr absl::Duration kFarewell = absl::Milliseconds(250);

}  // namespace

Connection::Connection(ConnectionHost* host, const ConnectionLimits* limits, std::unique_ptr<ByteStream> bytes,
                       std::string peer)
    : host_(host),
      limits_(*limits),
      bytes_(std::move(bytes)),
      peer_(std::move(peer)),
      framing_(ConnectionCallbacks::NewSession(this), *limits),
      windows_(limits->wide_bytes, &host->windows()),
      receive_share_(limits->receive_bytes),
      conduct_(limits, host->now()),
      keepalive_(limits, host->now()),
      streams_(host->now()) {
  host_->greeting().Add(&greeting_, host_->now());
  Mark();
}

Connection::~Connection() {
  over_ = true;
  host_->greeting().Remove(&greeting_);
  while (Stream* const stream = streams_.first()) {
    streams_.Remove(stream, host_->now());
    stream->OnClosed(/*whole=*/false);
  }
  host_->OnUnsent(-unsent_counted_);
}

void Connection::Mark() {
  if (over_ || std::exchange(marked_, true)) return;
  host_->Mark(this);
}

void Connection::OnReadable() {
  if (closed_) return Discard();
  if (over_ || ending_ || paused_ || !unread_.empty() || !toilers_.empty()) return;
  char* const buffer = host_->read_buffer();
  const ssize_t size = bytes_->Read(buffer, kReadBytes);
  if (size == ByteStream::kBlocked) return Await();
  if (size == ByteStream::kEnded) return OnBytesEnded();
  keepalive_.OnHeard(host_->now());
  TakeIn({buffer, static_cast<size_t>(size)}, /*toils=*/false);
  Await();
  if (static_cast<size_t>(size) >= kMuchBytes && unread_.empty() && toilers_.empty() && !over_ && !ending_ && !paused_)
    host_->MayReadMore(this);
}

void Connection::GoOn() {
  if (over_ || ending_) return;
  const std::string bytes = std::exchange(unread_, {});
  TakeIn(bytes, /*toils=*/true);
  Await();
}

void Connection::TakeIn(absl::string_view bytes, bool toils) {
  work_ = 0;
  in_turn_ = true;
  while (work_ < kWorkMax && conduct_.offence() == nullptr) {
    if (!toilers_.empty()) {
      if (!toils || toiler_waits_) break;
      Toil();
      continue;
    }
    if (bytes.empty() && !paused_) break;
    paused_ = false;
    const absl::string_view part = bytes.substr(0, kTakenInBytes);
    const ssize_t used = framing_.Receive(part);
    bytes.remove_prefix(used < 0 ? part.size() : static_cast<size_t>(used));
    conduct_.OnRead(used, framing_.waiting(), host_->now());
  }
  in_turn_ = false;
  EndIfAbused();
  CloseIfDone();
  if ((bytes.empty() && !paused_ && toilers_.empty()) || over_ || ending_) return;
  unread_ = std::string(bytes);
  if (!toiler_waits_) host_->GoOnLater(this);
}

void Connection::Toil() {
  Toiler* const toiler = toilers_.front();
  const Toiler::Left left = toiler->Toil();
  if (left == Toiler::Left::kNothing) std::erase(toilers_, toiler);
  toiler_waits_ = left == Toiler::Left::kWaits;
}

void Connection::AwaitTurn(Toiler* toiler) {
  toilers_.push_back(toiler);
  if (!in_turn_) host_->GoOnLater(this);
}

void Connection::LeaveTurns(Toiler* toiler) {
  std::erase(toilers_, toiler);
  GoOnToiling();
}

void Connection::GoOnToiling() {
  if (std::exchange(toiler_waits_, false) && !over_ && !in_turn_) host_->GoOnLater(this);
}

void Connection::OnBytesEnded() {
  if (bytes_->failure() != nullptr) host_->OnAbuse(*this, absl::StrCat("TLS: ", bytes_->failure()));
  Over();
}

void Connection::OnWritable() {
  if (over_) return;
  if (unsent_.empty()) {
    if (bytes_->wants_write()) OnReadable();
    return;
  }
  if (!unsent_.Send(bytes_.get())) return OnBytesEnded();
  if (!unsent_.empty()) return Await();
  CountUnsent();
  sending_.Tell(framing_);
  Await();
  Mark();  // more may have gathered meanwhile
}

void Connection::Flush() {
  marked_ = false;
  if (over_ || closed_ || !unsent_.empty()) return;
  Gather& gather = host_->gather();
  // Right before it is sent: a request that came after it was written would be served, and be sent elsewhere, too.
  if (leaving_.TellLast()) framing_.TellLast();
  if (!framing_.Send()) {
    gather.Clear();
    return Over();
  }
  const bool full = gather.full();
  if (!gather.empty() && !gather.Send(bytes_.get(), &unsent_)) return Over();
  if (!unsent_.empty()) {
    CountUnsent();
    return Await();
  }
  sending_.Tell(framing_);
  EndIfAbused();
  if (full) return Mark();
  CloseIfDone();
}

void Connection::CountUnsent() {
  const auto bytes = static_cast<int64_t>(unsent_.copied());
  host_->OnUnsent(bytes - std::exchange(unsent_counted_, bytes));
}

void Connection::CloseIfDone() {
  if (over_ || closed_ || !unsent_.empty()) return;
  if (framing_.wants_send()) return Mark();
  if (framing_.wants_receive() && !ending_) return;
  if (!ending_) ending_since_ = host_->now();
  closed_ = true;
  bytes_->CloseWrite();
  Await();
}

void Connection::Discard() {
  if (ending_ || bytes_->Read(host_->read_buffer(), kReadBytes) == ByteStream::kEnded) return Over();
  Await();
}

void Connection::End() {
  if (over_) return;
  if (!closed_) bytes_->CloseWrite();
  Discard();
  Over();
}

void Connection::Await() {
  if (over_) return;
  const bool read = !ending_ && !toiler_waits_;
  const bool write = (!unsent_.empty() && !bytes_->write_awaits_read()) || (read && bytes_->wants_write());
  if (read == awaits_read_ && write == awaits_write_) return;
  awaits_read_ = read;
  awaits_write_ = write;
  host_->Await(this, read, write);
}

void Connection::Over() {
  if (std::exchange(over_, true)) return;
  host_->greeting().Remove(&greeting_);
  host_->OnOver(this);
}

void Connection::EndIfAbused() {
  if (conduct_.offence() == nullptr || over_ || std::exchange(ending_, true)) return;
  ending_since_ = host_->now();
  host_->OnAbuse(*this, conduct_.offence());
  if (bytes_->write_awaits_read()) return Over();  // so nothing can be said
  framing_.Terminate(conduct_.error());
  Await();
  Mark();
}

void Connection::OnTick() {
  if (over_) return;
  const absl::Duration now = host_->now();
  if (ending_ || closed_) {
    if (now - ending_since_ >= (ending_ ? kLastWords : kFarewell)) Over();
    return;
  }
  conduct_.OnTick(now);
  EndIfAbused();
  if (ending_) return;
  KeepAlive(now);
  if (streams_.IdleFor(now) >= limits_.idle) Drain();
  if (leaving_.OnTick(now)) Mark();
}

void Connection::KeepAlive(absl::Duration now) {
  switch (keepalive_.OnTick(now)) {
    case Keepalive::Act::kNone:
      return;
    case Keepalive::Act::kPing:
      framing_.Ping();
      return Mark();
    case Keepalive::Act::kEnd:
      return Over();
  }
}

void Connection::Drain() {
  if (over_ || ending_ || !leaving_.Begin(host_->now())) return;
  framing_.Notice();
  Mark();
}

void Connection::Dismiss() {
  if (!over_ && !ending_ && !closed_ && leaving_.Hurry()) Mark();
}

bool Connection::IsSpare() const {
  if (over_ || ending_ || closed_ || leaving_.leaves() || streams_.size() > 0) return false;
  return streams_.IdleFor(host_->now()) >= (streams_.used() ? limits_.spare_used : limits_.spare_unused);
}

void Connection::EndGreeting() { EndAtOnce("too many connections have not sent the preface and the first settings"); }

void Connection::EndForMemory() { EndAtOnce("memory is short, and it has sent most of what nobody takes yet"); }

void Connection::EndAtOnce(const char* offence) {
  conduct_.Blame(NGHTTP2_ENHANCE_YOUR_CALM, offence);
  EndIfAbused();
  Flush();
  End();
}

void Connection::Answer(int32_t stream, const Headers& headers, bool body) {
  framing_.Answer(stream, headers, body);
  Mark();
}

void Connection::Resume(int32_t stream) {
  framing_.Resume(stream);
  Mark();
}

void Connection::OpenWindow(int32_t stream, uint64_t bytes) {
  if (bytes == 0) return;
  framing_.OpenWindow(stream, bytes);
  Mark();
}

void Connection::Reset(int32_t stream, uint32_t error) {
  framing_.Reset(stream, error);
  Mark();
}

void Connection::CountHeld(int64_t bytes) {
  held_ += bytes;
  host_->OnHeld(bytes);
  if (held_ > limits_.held_bytes)
    conduct_.Blame(NGHTTP2_ENHANCE_YOUR_CALM, "too much of requests that nobody takes yet");
}

void Connection::OnHeader(absl::string_view name, absl::string_view value) {
  if (!headers_too_large_ && !headers_.Add(name, value, limits_.header_bytes)) headers_too_large_ = true;
}

bool Connection::OnFrame(const nghttp2_frame& frame) {
  const bool end = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_SETTINGS:
      host_->greeting().Remove(&greeting_);
      conduct_.OnGreeted();
      return true;
    case NGHTTP2_PING:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0 && Framing::IsNoticed(frame.ping) && leaving_.OnNoticed()) Mark();
      return true;
    case NGHTTP2_HEADERS:
      if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
        OnRequestHeaders(frame);
      } else {
        headers_.Clear();
      }
      break;
    case NGHTTP2_DATA:
      if (frame.data.padlen > 0 && frame.data.padlen == frame.hd.length && !end) {
        return conduct_.OnPaddingAlone(host_->now());
      }
      break;
    default:
      return true;
  }
  if (!end) return true;
  if (Stream* const stream = framing_.Find(frame.hd.stream_id)) stream->OnEnd();
  return true;
}

void Connection::OnRequestHeaders(const nghttp2_frame& frame) {
  CountWork(1);
  HeaderList headers = std::exchange(headers_, {});
  if (std::exchange(headers_too_large_, false)) return RefuseHeaders(frame.hd.stream_id);
  headers.ShrinkToFit();
  if (Stream* const stream = host_->OnRequest(this, frame.hd.stream_id, std::move(headers))) {
    framing_.SetUser(frame.hd.stream_id, stream);
    streams_.Add(stream);
  }
}

void Connection::RefuseHeaders(int32_t stream) {
  Answer(stream, HeadersTooLarge(limits_.header_bytes), /*body=*/false);
  conduct_.CountReset(host_->now());
}

bool Connection::HasWorkedEnough() {
  if (work_ >= kWorkMax) paused_ = true;
  return paused_;
}

void Connection::OnBody(int32_t stream, absl::string_view bytes) {
  framing_.Consume(bytes.size());
  if (Stream* const user = framing_.Find(stream)) {
    user->OnData(bytes);
  } else {
    framing_.ConsumeStream(stream, bytes.size());
  }
}

// nghttp2 refuses the request, or ends the connection if the peer had been told how many it may have.
void Connection::OnInvalid(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_HEADERS || streams_.size() < limits_.streams) return;
  host_->OnRefused(LimitExceeded("streams_per_connection", streams_.size() + 1, limits_.streams));
}

void Connection::OnFrameSent(const nghttp2_frame& frame) {
  const int32_t stream = frame.hd.stream_id;
  switch (frame.hd.type) {
    case NGHTTP2_DATA:
      return conduct_.OnDataSent();
    case NGHTTP2_HEADERS:
      if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
      conduct_.OnAnswerSent();
      // Who has its answer need not send the rest.
      if (!framing_.IsWhole(stream)) Reset(stream, NGHTTP2_NO_ERROR);
      return;
    case NGHTTP2_RST_STREAM:
      if (frame.rst_stream.error_code != NGHTTP2_NO_ERROR && frame.rst_stream.error_code != NGHTTP2_CANCEL)
        conduct_.CountReset(host_->now());
      return;
    case NGHTTP2_GOAWAY:
      // nghttp2 has found by itself that the peer breaks a rule.
      if (frame.goaway.error_code == NGHTTP2_NO_ERROR || ending_) return;
      ending_ = true;
      ending_since_ = host_->now();
      host_->OnAbuse(*this, "the peer breaks a rule of HTTP/2");
      return;
    default:
      return;
  }
}

void Connection::OnStreamClosed(int32_t stream, uint32_t error) {
  Stream* const user = framing_.Find(stream);
  if (user == nullptr) return;
  streams_.Remove(user, host_->now());
  user->OnClosed(/*whole=*/error == NGHTTP2_NO_ERROR);
}

}  // namespace nmq::http2
