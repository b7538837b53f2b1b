#include "server/http2/socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace nmq::http2 {
namespace {

ssize_t Outcome(ssize_t moved) {
  if (moved > 0) return moved;
  return moved < 0 && errno == EAGAIN ? ByteStream::kBlocked : ByteStream::kEnded;
}

}  // namespace

Socket::~Socket() { close(descriptor_); }

void Socket::CloseWrite() { shutdown(descriptor_, SHUT_WR); }

ssize_t Socket::Read(char* to, size_t size) {
  ssize_t moved;
  do {
    moved = recv(descriptor_, to, size, 0);
  } while (moved < 0 && errno == EINTR);
  return Outcome(moved);
}

ssize_t Socket::Write(const iovec* pieces, size_t count) {
  msghdr message = {};
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = count;
  ssize_t moved;
  do {
    moved = sendmsg(descriptor_, &message, MSG_NOSIGNAL);
  } while (moved < 0 && errno == EINTR);
  return Outcome(moved);
}

}  // namespace nmq::http2
