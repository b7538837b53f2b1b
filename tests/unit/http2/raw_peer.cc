#include "tests/unit/http2/raw_peer.h"

#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace nmq::http2 {
namespace {

// Turns without any progress after which nothing more is expected.
constexpr int kPatience = 20;

}  // namespace

RawPeer::~RawPeer() { close(socket_); }

bool RawPeer::Send(absl::string_view bytes) {
  for (int vain = 0; vain < kPatience;) {
    const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
    vain = sent > 0 ? 0 : vain + 1;
    turn_();
    ReadAll();
    if (bytes.empty()) return true;
  }
  return false;
}

bool RawPeer::Greet() {
  if (std::exchange(greeted_, true)) return true;
  return Send(kPreface + ToBytes(NGHTTP2_SETTINGS, 0, 0) + ToBytes(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0));
}

bool RawPeer::Request(int32_t stream, bool end, const Fields& fields) {
  return Send(HeaderFrames(stream, end, fields));
}

void RawPeer::Receive() {
  for (int i = 0; i < kPatience; ++i) {
    turn_();
    ReadAll();
  }
}

bool RawPeer::ReceiveUntil(const std::function<bool()>& done) {
  while (!done()) {
    if (ended_) return false;
    pollfd waiting = {socket_, POLLIN, 0};
    poll(&waiting, 1, -1);
    ReadAll();
  }
  return true;
}

void RawPeer::ReadAll() {
  char buffer[64 << 10];
  while (reads_ && !ended_) {
    const ssize_t size = recv(socket_, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) {
      ended_ = true;
      cut_off_ = size < 0;
    } else {
      log_.Add({buffer, static_cast<size_t>(size)});
    }
  }
}

}  // namespace nmq::http2
