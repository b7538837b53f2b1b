#include "tests/integration/http2/raw_client.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "server/http2/socket.h"

namespace nmq::http2 {

Connector ToPort(int port) {
  return [port]() -> std::unique_ptr<ByteStream> {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return nullptr;
    const linger at_once = {1, 0};
    const timeval patience = {1, 0};
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) {
      close(fd);
      return nullptr;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return std::make_unique<Socket>(fd);
  };
}

void RawClient::Wait(bool to_write, absl::Time until) const {
  const auto events = static_cast<short>((reads_ ? POLLIN : 0) | (to_write ? POLLOUT : 0));  // NOLINT(runtime/int)
  pollfd waiting = {bytes_->descriptor(), events, 0};
  const int64_t left = absl::ToInt64Milliseconds(until - absl::Now());
  poll(&waiting, 1, static_cast<int>(std::clamp<int64_t>(left, 0, 1'000)));
}

bool RawClient::Send(absl::string_view bytes, absl::Time until) {
  while (!bytes.empty()) {
    Receive();
    if (absl::Now() >= until) return false;
    if (ended_ || log_.goaway() > NGHTTP2_NO_ERROR) return false;
    const iovec piece = {const_cast<char*>(bytes.data()), bytes.size()};
    const ssize_t sent = bytes_->Write(&piece, 1);
    if (sent == ByteStream::kEnded) {
      Receive();
      ended_ = true;
      return false;
    }
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
      continue;
    }
    Wait(/*to_write=*/true, until);
  }
  return true;
}

bool RawClient::Greet(absl::string_view settings) {
  return Send(kPreface + ToBytes(NGHTTP2_SETTINGS, 0, 0, settings) + ToBytes(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0));
}

void RawClient::Receive() {
  char buffer[64 << 10];
  while (reads_ && !ended_) {
    const ssize_t size = bytes_->Read(buffer, sizeof(buffer));
    if (size == ByteStream::kBlocked) return;
    if (size == ByteStream::kEnded) {
      ended_ = true;
    } else {
      log_.Add({buffer, static_cast<size_t>(size)});
    }
  }
}

bool RawClient::ReceiveUntil(const std::function<bool()>& done, absl::Time until) {
  while (true) {
    Receive();
    if (done()) return true;
    if (ended_ || absl::Now() >= until) return false;
    Wait(/*to_write=*/false, until);
  }
}

bool RawClient::ReceiveAll(absl::Time until) {
  return ReceiveUntil([this] { return ended_; }, until);
}

}  // namespace nmq::http2
