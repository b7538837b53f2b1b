#include "server/http2/connection.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/http2/connection_callbacks.h"

namespace nmq::http2 {
namespace {

// The peer may send as much to all streams together; it is room in the network only, for what comes counts in the
// windows of streams.
constexpr int32_t kConnectionWindow = 4 << 20;
constexpr uint32_t kFrameBytesMax = 64 << 10;
// What a peer may make the server do in a turn; more waits for the next one. So much at a time is taken in unseen.
constexpr size_t kWorkMax = 128;
constexpr size_t kTakenInBytes = 4 << 10;
// For a peer that did what it may not to read why its connection ends.
constexpr absl::Duration kLastWords = absl::Seconds(1);
// For any other to close its side, too, when all is said.
constexpr absl::Duration kFarewell = absl::Milliseconds(250);
// For the peer to learn that no more requests are taken, and for those that it has sent before it knew to arrive.
constexpr absl::Duration kNotice = absl::Milliseconds(250);
constexpr uint8_t kNoticePing[] = {'n', 'o', 't', 'i', 'c', 'e', 'd', 0};

nghttp2_nv Field(const std::string& name, const std::string& value) {
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

std::vector<nghttp2_nv> Fields(const Headers& headers) {
  std::vector<nghttp2_nv> fields;
  fields.reserve(headers.size());
  for (const auto& [name, value] : headers) fields.push_back(Field(name, value));
  return fields;
}

}  // namespace

Connection::Connection(ConnectionHost* host, const ConnectionLimits* limits, std::unique_ptr<ByteStream> bytes,
                       std::string peer)
    : host_(host),
      limits_(*limits),
      bytes_(std::move(bytes)),
      peer_(std::move(peer)),
      windows_(limits->wide_bytes, &host->windows()),
      receive_share_(limits->receive_bytes),
      conduct_(limits, host->now()),
      heard_(host->now()),
      idle_since_(heard_) {
  host_->greeting().Add(&greeting_, heard_);
  session_ = ConnectionCallbacks::NewSession(this);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits_.streams},
                                             {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits_.window_bytes},
                                             {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, kFrameBytesMax},
                                             {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits_.header_bytes},
                                             {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
  Mark();
}

Connection::~Connection() {
  over_ = true;
  host_->greeting().Remove(&greeting_);
  while (first_ != nullptr) {
    Stream* const stream = first_;
    Remove(stream);
    stream->OnClosed(/*whole=*/false);
  }
  host_->OnUnsent(-unsent_counted_);
  nghttp2_session_del(session_);
}

Stream* Connection::Find(int32_t stream) const {
  return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_, stream));
}

void Connection::Add(Stream* stream, int32_t number) {
  nghttp2_session_set_stream_user_data(session_, number, stream);
  stream->next_ = first_;
  if (first_ != nullptr) first_->before_ = stream;
  first_ = stream;
  used_ = true;
  ++streams_;
}

void Connection::Remove(Stream* stream) {
  (stream->before_ == nullptr ? first_ : stream->before_->next_) = stream->next_;
  if (stream->next_ != nullptr) stream->next_->before_ = stream->before_;
  stream->before_ = stream->next_ = nullptr;
  if (--streams_ == 0) idle_since_ = host_->now();
}

void Connection::Mark() {
  if (over_ || std::exchange(marked_, true)) return;
  host_->Mark(this);
}

void Connection::OnReadable() {
  if (closed_) return Discard();
  if (over_ || ending_ || paused_ || !unread_.empty()) return;
  char* const buffer = host_->read_buffer();
  const ssize_t size = bytes_->Read(buffer, kReadBytes);
  if (size == ByteStream::kBlocked) return Await();
  if (size == ByteStream::kEnded) return OnBytesEnded();
  heard_ = host_->now();
  pinging_ = false;
  TakeIn({buffer, static_cast<size_t>(size)});
  Await();
}

void Connection::ReadOn() {
  if (over_ || ending_) return;
  const std::string bytes = std::exchange(unread_, {});
  TakeIn(bytes);
  Await();
}

void Connection::TakeIn(absl::string_view bytes) {
  work_ = 0;
  while ((!bytes.empty() || paused_) && work_ < kWorkMax && conduct_.offence() == nullptr) {
    paused_ = false;
    const absl::string_view part = bytes.substr(0, kTakenInBytes);
    const ssize_t used = nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(part.data()), part.size());
    bytes.remove_prefix(used < 0 ? part.size() : static_cast<size_t>(used));
    conduct_.OnRead(used, nghttp2_session_get_outbound_queue_size(session_));
  }
  EndIfAbused();
  CloseIfDone();
  if ((bytes.empty() && !paused_) || over_ || ending_) return;
  unread_ = std::string(bytes);
  host_->ReadOnNext(this);
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
  TellSent();
  Await();
  Mark();  // more may have gathered meanwhile
}

void Connection::Flush() {
  marked_ = false;
  if (over_ || closed_ || !unsent_.empty()) return;
  Gather& gather = host_->gather();
  if (leave_ == Leave::kTellLast) TellLast();
  if (nghttp2_session_send(session_) != 0) {
    gather.Clear();
    return Over();
  }
  const bool full = gather.full();
  if (!gather.empty() && !gather.Send(bytes_.get(), &unsent_)) return Over();
  if (!unsent_.empty()) {
    CountUnsent();
    return Await();
  }
  TellSent();
  EndIfAbused();
  if (full) return Mark();
  CloseIfDone();
}

void Connection::CountUnsent() {
  const auto bytes = static_cast<int64_t>(unsent_.copied());
  host_->OnUnsent(bytes - std::exchange(unsent_counted_, bytes));
}

void Connection::TellSent() {
  std::vector<int32_t> sent;
  sent.swap(sending_);
  for (const int32_t number : sent) {
    Stream* const stream = Find(number);
    if (stream == nullptr || !std::exchange(stream->unsent_, false)) continue;
    stream->OnSent();
  }
  if (!sending_.empty()) return;
  sent.clear();
  sending_.swap(sent);  // with its memory
}

void Connection::CloseIfDone() {
  if (over_ || closed_ || !unsent_.empty()) return;
  if (nghttp2_session_want_write(session_) != 0) return Mark();
  if (nghttp2_session_want_read(session_) != 0 && !ending_) return;
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
  const bool read = !ending_;
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
  nghttp2_session_terminate_session(session_, conduct_.error());
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
  if (streams_ == 0 && now - idle_since_ >= limits_.idle) Drain();
  if (leave_ != Leave::kNoticed || now - noticed_ < kNotice) return;
  leave_ = Leave::kTellLast;
  Mark();
}

void Connection::OnPingAnswered(const nghttp2_ping& ping) {
  if (leave_ != Leave::kNoticed || std::memcmp(ping.opaque_data, kNoticePing, sizeof(kNoticePing)) != 0) return;
  leave_ = Leave::kTellLast;
  Mark();
}

// Right before it is sent: a request that came after it was written would be served, and be sent elsewhere, too.
void Connection::TellLast() {
  leave_ = Leave::kToldLast;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
}

void Connection::KeepAlive(absl::Duration now) {
  if (pinging_) {
    if (now - pinged_ >= limits_.keepalive_timeout) Over();
  } else if (now - heard_ >= limits_.keepalive) {
    pinging_ = true;
    pinged_ = now;
    nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
    Mark();
  }
}

void Connection::Drain() {
  if (over_ || ending_ || leave_ != Leave::kNo) return;
  leave_ = Leave::kNoticed;
  noticed_ = host_->now();
  nghttp2_submit_shutdown_notice(session_);
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, kNoticePing);
  Mark();
}

void Connection::Dismiss() {
  if (over_ || ending_ || closed_ || leave_ == Leave::kToldLast) return;
  leave_ = Leave::kTellLast;
  Mark();
}

bool Connection::IsSpare() const {
  if (over_ || ending_ || closed_ || leave_ != Leave::kNo || streams_ > 0) return false;
  return host_->now() - idle_since_ >= (used_ ? limits_.spare_used : limits_.spare_unused);
}

bool Connection::IsMoreSpareThan(const Connection& other) const {
  return used_ != other.used_ ? other.used_ : idle_since_ < other.idle_since_;
}

void Connection::EndGreeting() {
  conduct_.Blame(NGHTTP2_ENHANCE_YOUR_CALM, "too many connections have not sent the preface and the first settings");
  EndIfAbused();
  Flush();
  End();
}

void Connection::Answer(int32_t stream, const Headers& headers, bool body) {
  const std::vector<nghttp2_nv> fields = Fields(headers);
  const nghttp2_data_provider provider = {{.ptr = Find(stream)}, &ConnectionCallbacks::ReadBody};
  nghttp2_submit_response(session_, stream, fields.data(), fields.size(), body ? &provider : nullptr);
  Mark();
}

void Connection::Resume(int32_t stream) {
  nghttp2_session_resume_data(session_, stream);
  Mark();
}

void Connection::OpenWindow(int32_t stream, uint64_t bytes) {
  if (bytes == 0) return;
  nghttp2_submit_window_update(session_, NGHTTP2_FLAG_NONE, stream, static_cast<int32_t>(bytes));
  Mark();
}

void Connection::Reset(int32_t stream, uint32_t error) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, error);
  Mark();
}

void Connection::CountHeld(int64_t bytes) {
  held_ += bytes;
  host_->OnHeld(bytes);
  if (held_ > limits_.held_bytes)
    conduct_.Blame(NGHTTP2_ENHANCE_YOUR_CALM, "too much of requests that nobody takes yet");
}

void Connection::EndForMemory() {
  conduct_.Blame(NGHTTP2_ENHANCE_YOUR_CALM, "memory is short, and it has sent most of what nobody takes yet");
  EndIfAbused();
  Flush();
  End();
}

void Connection::OnHeader(absl::string_view name, absl::string_view value) {
  if (!headers_too_large_ && !headers_.Add(name, value, limits_.header_bytes)) headers_too_large_ = true;
}

void Connection::OnFrame(const nghttp2_frame& frame) {
  const bool end = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_SETTINGS:
      host_->greeting().Remove(&greeting_);
      return conduct_.OnGreeted();
    case NGHTTP2_PING:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) OnPingAnswered(frame.ping);
      return;
    case NGHTTP2_HEADERS:
      if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
        OnRequestHeaders(frame);
      } else {
        headers_.Clear();
      }
      break;
    case NGHTTP2_DATA:
      break;
    default:
      return;
  }
  if (!end) return;
  if (Stream* const stream = Find(frame.hd.stream_id)) stream->OnEnd();
}

void Connection::OnRequestHeaders(const nghttp2_frame& frame) {
  CountWork(1);
  HeaderList headers = std::exchange(headers_, {});
  if (std::exchange(headers_too_large_, false)) return RefuseHeaders(frame.hd.stream_id);
  headers.ShrinkToFit();
  if (Stream* const stream = host_->OnRequest(this, frame.hd.stream_id, std::move(headers))) {
    Add(stream, frame.hd.stream_id);
  }
}

// For who speaks gRPC and who does not.
void Connection::RefuseHeaders(int32_t stream) {
  const std::string why =
      absl::StrCat("the request's headers exceed the limit of ", limits_.header_bytes, " bytes; send fewer of them");
  Headers headers = {{":status", "431"}, {"content-type", "application/grpc"}};
  for (auto& trailer : StatusTrailers(absl::ResourceExhaustedError(why))) headers.push_back(std::move(trailer));
  Answer(stream, headers, /*body=*/false);
  conduct_.CountReset(host_->now());
}

bool Connection::HasWorkedEnough() {
  if (work_ >= kWorkMax) paused_ = true;
  return paused_;
}

void Connection::OnBody(int32_t stream, absl::string_view bytes) {
  nghttp2_session_consume_connection(session_, bytes.size());
  if (Stream* const user = Find(stream)) {
    user->OnData(bytes);
  } else {
    nghttp2_session_consume_stream(session_, stream, bytes.size());
  }
}

void Connection::OnBodyGiven(Stream* stream, int32_t number) {
  if (!std::exchange(stream->unsent_, true)) sending_.push_back(number);
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
      if (nghttp2_session_get_stream_remote_close(session_, stream) == 0) Reset(stream, NGHTTP2_NO_ERROR);
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
  Stream* const user = Find(stream);
  if (user == nullptr) return;
  Remove(user);
  user->OnClosed(/*whole=*/error == NGHTTP2_NO_ERROR);
}

}  // namespace nmq::http2
