#include "tests/bench/floor/gather.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace nmq::bench {
namespace {

constexpr size_t kVectorsAtOnce = 64;

// How many bytes the socket takes now; -1 if it is broken.
ssize_t SendVectors(int socket, iovec* vectors, size_t count) {
  msghdr message = {};
  message.msg_iov = vectors;
  message.msg_iovlen = count;
  while (true) {
    const ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    if (errno == EAGAIN) return 0;
    if (errno != EINTR) return -1;
  }
}

}  // namespace

bool Unsent::Send(int socket) {
  size_t first = 0;
  bool taken = true;
  while (taken && first < pieces_.size()) {
    iovec vectors[kVectorsAtOnce];
    const size_t count = std::min(kVectorsAtOnce, pieces_.size() - first);
    for (size_t i = 0; i < count; ++i) {
      const Piece& piece = pieces_[first + i];
      vectors[i] = {const_cast<char*>(piece.bytes), piece.size};
    }
    const ssize_t sent = SendVectors(socket, vectors, count);
    if (sent < 0) return false;
    size_t left = static_cast<size_t>(sent);
    for (const size_t end = first + count; first < end && left >= pieces_[first].size; ++first) {
      left -= pieces_[first].size;
    }
    taken = sent > 0;
    if (left == 0) continue;
    pieces_[first].bytes += left;
    pieces_[first].size -= left;
  }
  pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<ptrdiff_t>(first));
  if (pieces_.empty()) pieces_.shrink_to_fit();
  return true;
}

Gather::Gather() : copied_(new char[kBytesFull + kFrameBytesMax]) {}

void Gather::Copy(const void* bytes, size_t size) {
  char* const to = copied_.get() + copied_bytes_;
  std::memcpy(to, bytes, size);
  copied_bytes_ += size;
  bytes_ += size;
  if (!vectors_.empty() && owners_.back().size() == 0 &&
      static_cast<char*>(vectors_.back().iov_base) + vectors_.back().iov_len == to) {
    vectors_.back().iov_len += size;
    return;
  }
  vectors_.push_back({to, size});
  owners_.emplace_back();
}

void Gather::Add(const SharedBytes& bytes, size_t begin, size_t size) {
  if (size < kReferMin) return Copy(bytes.data() + begin, size);
  vectors_.push_back({const_cast<char*>(bytes.data()) + begin, size});
  owners_.push_back(bytes);
  bytes_ += size;
}

bool Gather::Send(int socket, Unsent* unsent) {
  const ssize_t sent = SendVectors(socket, vectors_.data(), vectors_.size());
  if (sent >= 0) {
    size_t left = static_cast<size_t>(sent);
    size_t first = 0;
    for (; first < vectors_.size() && left >= vectors_[first].iov_len; ++first) left -= vectors_[first].iov_len;
    Keep(first, left, unsent);
  }
  Clear();
  return sent >= 0;
}

void Gather::Keep(size_t first, size_t sent_of_first, Unsent* unsent) const {
  for (size_t skipped = sent_of_first; first < vectors_.size(); ++first, skipped = 0) {
    const char* const bytes = static_cast<const char*>(vectors_[first].iov_base) + skipped;
    const size_t size = vectors_[first].iov_len - skipped;
    if (owners_[first].size() != 0) {
      unsent->pieces_.push_back({owners_[first], bytes, size});
    } else {
      const SharedBytes copy(std::string(bytes, size));
      unsent->pieces_.push_back({copy, copy.data(), size});
    }
  }
}

void Gather::Clear() {
  vectors_.clear();
  owners_.clear();
  copied_bytes_ = 0;
  bytes_ = 0;
}

}  // namespace nmq::bench
