#include "server/http2/conduct.h"

#include "server/http2/framing.h"

namespace nmq::http2 {
namespace {

// Of frames that wait to be sent besides those of its streams.
constexpr size_t kFramesWaitingMax = 1'000;
// Each stream may have a few that wait, whatever its peer takes.
constexpr size_t kFramesWaitingPerStream = 4;
constexpr int64_t kControlsPerData = 4;
// What a peer sends before it has heard of its answer is of no use any more.
constexpr int64_t kControlsPerAnswer = 4;
// So many bytes that are ignored count like a frame that carries nothing of a request.
constexpr uint64_t kIgnoredBytes = 4 << 10;

}  // namespace

Conduct::Conduct(const ConnectionLimits* limits, absl::Duration now)
    : limits_(*limits),
      control_(limits->control_burst, limits->control_per_second, now),
      resets_(limits->reset_burst, limits->reset_per_second, now),
      begun_(now) {}

void Conduct::Blame(uint32_t error, const char* offence) {
  if (offence_ != nullptr) return;
  offence_ = offence;
  error_ = error;
}

bool Conduct::OnFrameBegin(const nghttp2_frame_hd& frame, absl::Duration now) {
  frame_bytes_ += Framing::kHeadBytes + frame.length;
  switch (frame.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
      return CountHeaderBlock(frame, now);
    case NGHTTP2_RST_STREAM:
      return CountReset(now);
    case NGHTTP2_DATA:
      return frame.length > 0 || (frame.flags & NGHTTP2_FLAG_END_STREAM) != 0 || CountControl(now);
    default:
      return CountControl(now);
  }
}

bool Conduct::CountHeaderBlock(const nghttp2_frame_hd& frame, absl::Duration now) {
  if (frame.type == NGHTTP2_HEADERS) {
    header_block_bytes_ = 0;
    header_block_since_ = now;
  }
  in_header_block_ = (frame.flags & NGHTTP2_FLAG_END_HEADERS) == 0;
  header_block_bytes_ += frame.length;
  if (header_block_bytes_ > 2 * uint64_t{limits_.header_bytes}) {
    Blame(NGHTTP2_ENHANCE_YOUR_CALM, "the headers of a request are too large");
    return false;
  }
  return frame.length > 0 || CountControl(now);
}

bool Conduct::CountControl(absl::Duration now) {
  if (control_.Take(now)) return true;
  Blame(NGHTTP2_ENHANCE_YOUR_CALM, "too many frames that carry no request");
  return false;
}

bool Conduct::CountReset(absl::Duration now) {
  if (resets_.Take(now)) return true;
  Blame(NGHTTP2_ENHANCE_YOUR_CALM, "too many requests that are reset");
  return false;
}

void Conduct::OnDataSent() { control_.Credit(kControlsPerData); }

void Conduct::OnAnswerSent() {
  resets_.Credit(1);
  control_.Credit(kControlsPerAnswer);
}

void Conduct::CountIgnored(absl::Duration now) {
  while (read_bytes_ >= frame_bytes_ + ignored_bytes_ + kIgnoredBytes && CountControl(now)) {
    ignored_bytes_ += kIgnoredBytes;
  }
}

void Conduct::OnRead(ssize_t outcome, size_t frames_waiting, absl::Duration now) {
  if (outcome == NGHTTP2_ERR_FLOODED) {
    Blame(NGHTTP2_ENHANCE_YOUR_CALM, "more answers to pings and settings wait than the peer takes");
  } else if (outcome == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS) {
    Blame(NGHTTP2_ENHANCE_YOUR_CALM, "the headers of a request come in too many frames");
  } else if (outcome < 0) {
    Blame(NGHTTP2_PROTOCOL_ERROR, "what comes is not HTTP/2");
  } else {
    read_bytes_ += outcome;
    CountIgnored(now);
  }
  if (frames_waiting > kFramesWaitingMax + kFramesWaitingPerStream * limits_.streams) {
    Blame(NGHTTP2_ENHANCE_YOUR_CALM, "more frames wait than the peer takes");
  }
}

void Conduct::OnTick(absl::Duration now) {
  if (!greeted_ && now - begun_ >= limits_.handshake) {
    Blame(NGHTTP2_SETTINGS_TIMEOUT, "the preface and the first settings have not come");
  } else if (in_header_block_ && now - header_block_since_ >= limits_.handshake) {
    Blame(NGHTTP2_ENHANCE_YOUR_CALM, "the headers of a request do not end");
  }
}

}  // namespace nmq::http2
