#include "tests/integration/http2/attacker.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace nmq::http2 {
namespace {

constexpr size_t kBlockBytes = 64 << 10;
constexpr size_t kFrameBytes = 16 << 10;
constexpr absl::Duration kPause = absl::Milliseconds(10);
// What the server needs at most to close what it has ended.
constexpr absl::Duration kEndTime = absl::Seconds(3);

}  // namespace

std::unique_ptr<RawClient> Attacker::TryToConnect() {
  std::unique_ptr<ByteStream> bytes = connector_();
  if (bytes == nullptr) return nullptr;
  ++connections_;
  auto client = std::make_unique<RawClient>(std::move(bytes));
  client->log().set_terse(true);
  return client;
}

std::unique_ptr<RawClient> Attacker::Connect() {
  while (!over()) {
    if (auto client = TryToConnect()) return client;
    absl::SleepFor(kPause);
  }
  return nullptr;
}

std::unique_ptr<RawClient> Attacker::Greet(const std::string& settings) {
  while (auto client = Connect()) {
    if (client->Greet(settings)) return client;
    NoteEnd(client.get());
  }
  return nullptr;
}

void Attacker::NoteEnd(RawClient* client) {
  client->set_reads(true);
  const bool ended = client->ReceiveAll(std::min(end_, absl::Now()) + kEndTime);
  if (client->log().goaway() >= 0) {
    Note(absl::StrCat("GOAWAY ", nghttp2_http2_strerror(static_cast<uint32_t>(client->log().goaway()))));
  } else {
    Note(ended ? "closed" : "open");
  }
}

Repeated::Repeated(const std::string& unit, std::vector<size_t> streams_at, int32_t first_stream)
    : unit_bytes_(unit.size()), streams_at_(std::move(streams_at)), stream_(static_cast<uint32_t>(first_stream)) {
  while (block_.size() < kBlockBytes) block_ += unit;
}

const std::string& Repeated::Next() {
  for (size_t at = 0; at < block_.size() && !streams_at_.empty(); at += unit_bytes_, stream_ += 2) {
    for (const size_t part : streams_at_) {
      for (int i = 0; i < 4; ++i) block_[at + part + i] = static_cast<char>(stream_ >> (24 - 8 * i));
    }
  }
  return block_;
}

void Windows::Update() {
  const std::vector<RawFrame>& frames = client_->log().frames();
  for (; seen_ < frames.size(); ++seen_) {
    const RawFrame& frame = frames[seen_];
    if (frame.type == NGHTTP2_WINDOW_UPDATE) {
      (frame.stream == 0 ? connection_ : changes_[frame.stream]) += NumberOf(frame.payload);
    } else if (frame.type == NGHTTP2_SETTINGS) {
      for (size_t at = 0; at + 6 <= frame.payload.size(); at += 6) {
        if (frame.payload[at + 1] == NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE) {
          initial_ = NumberOf(absl::string_view(frame.payload).substr(at + 2));
        }
      }
    }
  }
}

size_t Windows::Left(int32_t stream) {
  client_->Receive();
  Update();
  return static_cast<size_t>(std::max<int64_t>(0, std::min(connection_, initial_ + changes_[stream])));
}

bool Windows::Send(int32_t stream, absl::string_view body, bool end, absl::Time until) {
  connection_ -= static_cast<int64_t>(body.size());
  changes_[stream] -= static_cast<int64_t>(body.size());
  while (true) {
    const absl::string_view part = body.substr(0, kFrameBytes);
    body.remove_prefix(part.size());
    const uint8_t flags = end && body.empty() ? NGHTTP2_FLAG_END_STREAM : 0;
    if (!client_->Send(ToBytes(NGHTTP2_DATA, flags, stream, part), until)) return false;
    if (body.empty()) return true;
  }
}

bool Windows::SendAll(int32_t stream, absl::string_view body, absl::Time until) {
  while (!body.empty()) {
    if (!client_->ReceiveUntil([&] { return Left(stream) > 0 || client_->log().reset(stream) >= 0; }, until)) {
      return false;
    }
    if (client_->log().reset(stream) >= 0) return false;
    const absl::string_view part = body.substr(0, Left(stream));
    body.remove_prefix(part.size());
    if (!Send(stream, part, body.empty(), until)) return false;
  }
  return true;
}

}  // namespace nmq::http2
