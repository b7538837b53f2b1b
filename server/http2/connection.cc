#include "server/http2/connection.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/http2/connection_callbacks.h"

namespace nmq::http2 {
namespace {

// The peer may send as much to all streams together; it is room in the network only, for what comes counts in the
// windows of streams.
constexpr int32_t kConnectionWindow = 4 << 20;
constexpr uint32_t kFrameBytesMax = 64 << 10;
// Of frames that wait to be sent besides those of its streams.
constexpr size_t kFramesWaitingMax = 1'000;
constexpr int64_t kControlsPerData = 4;
// For the peer to read what was said last.
constexpr absl::Duration kLastWords = absl::Seconds(1);
// For the peer to learn that no more requests are taken, and for those that it has sent before it knew to arrive.
constexpr absl::Duration kNotice = absl::Seconds(1);

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
      control_(limits->control_burst, limits->control_per_second, host->now()),
      resets_(limits->reset_burst, limits->reset_per_second, host->now()),
      begun_(host->now()),
      heard_(begun_),
      idle_since_(begun_) {
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
  while (first_ != nullptr) {
    Stream* const stream = first_;
    Remove(stream);
    stream->OnClosed(/*whole=*/false);
  }
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
  if (closed_) Over();
  if (over_ || ending_) return;
  char* const buffer = host_->read_buffer();
  const ssize_t size = bytes_->Read(buffer, kReadBytes);
  if (size == ByteStream::kBlocked) return;
  if (size == ByteStream::kEnded) return Over();
  heard_ = host_->now();
  pinging_ = false;
  const ssize_t used =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(buffer), static_cast<size_t>(size));
  if (used == NGHTTP2_ERR_FLOODED) {
    Abuse(NGHTTP2_ENHANCE_YOUR_CALM, "more answers to pings and settings wait than the peer takes");
  } else if (used == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS) {
    Abuse(NGHTTP2_ENHANCE_YOUR_CALM, "the headers of a request come in too many frames");
  } else if (used < 0) {
    Abuse(NGHTTP2_PROTOCOL_ERROR, "what comes is not HTTP/2");
  }
  // Each stream may have a few frames that wait, whatever its peer takes.
  if (nghttp2_session_get_outbound_queue_size(session_) > kFramesWaitingMax + 4 * size_t{limits_.streams}) {
    Abuse(NGHTTP2_ENHANCE_YOUR_CALM, "more frames wait than the peer takes");
  }
  EndIfAbused();
  CloseIfDone();
}

void Connection::OnWritable() {
  if (over_ || unsent_.empty()) return;
  if (!unsent_.Send(bytes_.get())) return Over();
  if (!unsent_.empty()) return;
  TellSent();
  Await();
  Mark();  // more may have gathered meanwhile
}

void Connection::Flush() {
  marked_ = false;
  if (over_ || closed_ || !unsent_.empty()) return;
  Gather& gather = host_->gather();
  if (nghttp2_session_send(session_) != 0) {
    gather.Clear();
    return Over();
  }
  const bool full = gather.full();
  if (!gather.empty() && !gather.Send(bytes_.get(), &unsent_)) return Over();
  if (!unsent_.empty()) return Await();
  TellSent();
  EndIfAbused();
  if (full) return Mark();
  CloseIfDone();
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
  if (!std::exchange(ending_, true)) ending_since_ = host_->now();
  closed_ = true;
  bytes_->CloseWrite();
  Await();
}

void Connection::Await() {
  if (over_) return;
  const bool read = !ending_;
  const bool write = !unsent_.empty();
  if (read == awaits_read_ && write == awaits_write_) return;
  awaits_read_ = read;
  awaits_write_ = write;
  host_->Await(this, read, write);
}

void Connection::Over() {
  if (std::exchange(over_, true)) return;
  host_->OnOver(this);
}

void Connection::Abuse(uint32_t error, const char* what) {
  if (abuse_ != nullptr) return;
  abuse_ = what;
  abuse_error_ = error;
}

void Connection::EndIfAbused() {
  if (abuse_ == nullptr || over_ || std::exchange(ending_, true)) return;
  ending_since_ = host_->now();
  host_->OnAbuse(*this, abuse_);
  nghttp2_session_terminate_session(session_, abuse_error_);
  Await();
  Mark();
}

void Connection::OnTick() {
  if (over_) return;
  const absl::Duration now = host_->now();
  if (ending_) {
    if (now - ending_since_ >= kLastWords) Over();
    return;
  }
  if (!greeted_ && now - begun_ >= limits_.handshake) {
    Abuse(NGHTTP2_SETTINGS_TIMEOUT, "the preface and the first settings have not come");
  } else if (in_header_block_ && now - header_block_since_ >= limits_.handshake) {
    Abuse(NGHTTP2_ENHANCE_YOUR_CALM, "the headers of a request do not end");
  }
  EndIfAbused();
  if (ending_) return;
  KeepAlive(now);
  if (streams_ == 0 && now - idle_since_ >= limits_.idle) Drain();
  if (leave_ != Leave::kNoticed || now - noticed_ < kNotice) return;
  leave_ = Leave::kToldLast;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
  Mark();
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
  Mark();
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

void Connection::Consume(int32_t stream, size_t bytes) {
  if (bytes == 0) return;
  nghttp2_session_consume_stream(session_, stream, bytes);
  if (nghttp2_session_want_write(session_) != 0) Mark();
}

void Connection::Reset(int32_t stream, uint32_t error) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, error);
  Mark();
}

void Connection::CountHeld(int64_t bytes) {
  held_ += bytes;
  host_->OnHeld(bytes);
  if (held_ > limits_.held_bytes) Abuse(NGHTTP2_ENHANCE_YOUR_CALM, "too much of requests that nobody takes yet");
}

void Connection::EndForMemory() {
  Abuse(NGHTTP2_ENHANCE_YOUR_CALM, "memory is short, and it has sent most of what nobody takes yet");
  EndIfAbused();
}

bool Connection::CountControl() {
  if (control_.Take(host_->now())) return true;
  Abuse(NGHTTP2_ENHANCE_YOUR_CALM, "too many frames that carry no request");
  return false;
}

bool Connection::CountReset() {
  if (resets_.Take(host_->now())) return true;
  Abuse(NGHTTP2_ENHANCE_YOUR_CALM, "too many requests that are reset");
  return false;
}

bool Connection::CountHeaderBlock(const nghttp2_frame_hd& frame) {
  if (frame.type == NGHTTP2_HEADERS) {
    header_block_bytes_ = 0;
    header_block_since_ = host_->now();
  }
  in_header_block_ = (frame.flags & NGHTTP2_FLAG_END_HEADERS) == 0;
  header_block_bytes_ += frame.length;
  if (header_block_bytes_ > 2 * uint64_t{limits_.header_bytes}) {
    Abuse(NGHTTP2_ENHANCE_YOUR_CALM, "the headers of a request are too large");
    return false;
  }
  return frame.length > 0 || CountControl();
}

bool Connection::OnFrameBegin(const nghttp2_frame_hd& frame) {
  switch (frame.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
      return CountHeaderBlock(frame);
    case NGHTTP2_RST_STREAM:
      return CountReset();
    case NGHTTP2_DATA:
      return frame.length > 0 || (frame.flags & NGHTTP2_FLAG_END_STREAM) != 0 || CountControl();
    default:
      return CountControl();
  }
}

void Connection::OnHeader(absl::string_view name, absl::string_view value) {
  if (!headers_too_large_ && !headers_.Add(name, value, limits_.header_bytes)) headers_too_large_ = true;
}

void Connection::OnFrame(const nghttp2_frame& frame) {
  const bool end = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_SETTINGS:
      greeted_ = true;
      return;
    case NGHTTP2_HEADERS:
      if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) OnRequestHeaders(frame);
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
  CountReset();
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
      return control_.Credit(kControlsPerData);
    case NGHTTP2_HEADERS:
      if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
      resets_.Credit(1);
      // Who has its answer need not send the rest.
      if (nghttp2_session_get_stream_remote_close(session_, stream) == 0) Reset(stream, NGHTTP2_NO_ERROR);
      return;
    case NGHTTP2_RST_STREAM:
      if (frame.rst_stream.error_code != NGHTTP2_NO_ERROR && frame.rst_stream.error_code != NGHTTP2_CANCEL)
        CountReset();
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
