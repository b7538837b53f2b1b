#include "server/http2/gather.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/free_memory.h"

namespace nmq::http2 {
namespace {

// The system's limit for one write.
constexpr size_t kVectorsMax = 1024;
constexpr size_t kUnsentVectorsMax = 64;

// Of the bytes in a chunk of their own.
log::ByteRange CopyOf(const char* bytes, size_t size) {
  auto chunk = log::ChunkRef::Adopt(new log::Chunk(size));
  std::memcpy(chunk->Extend(size), bytes, size);
  return {std::move(chunk), 0, static_cast<uint32_t>(size)};
}

}  // namespace

bool Unsent::Send(ByteStream* stream) {
  while (first_ < pieces_.size()) {
    iovec vectors[kUnsentVectorsMax];
    const size_t count = std::min(kUnsentVectorsMax, pieces_.size() - first_);
    for (size_t i = 0; i < count; ++i) {
      const log::ByteRange& piece = pieces_[first_ + i];
      vectors[i] = {const_cast<char*>(piece.data()), piece.length};
    }
    const ssize_t sent = stream->Write(vectors, count);
    if (sent == ByteStream::kEnded) return false;
    if (sent == ByteStream::kBlocked) return true;
    auto left = static_cast<size_t>(sent);
    for (; first_ < pieces_.size() && left >= pieces_[first_].length; ++first_) {
      left -= pieces_[first_].length;
      pieces_[first_].chunk = {};
    }
    if (left == 0) continue;
    pieces_[first_].offset += static_cast<uint32_t>(left);
    pieces_[first_].length -= static_cast<uint32_t>(left);
  }
  FreeMemory(&pieces_);  // most connections never need it again
  first_ = 0;
  copied_ = 0;
  return true;
}

Gather::Gather() : copied_(new char[kCopiedMax]) {}

void Gather::Copy(const char* bytes, size_t size) {
  if (size == 0) return;
  if (size > kCopiedMax - copied_bytes_) {
    const log::ByteRange copy = CopyOf(bytes, size);
    vectors_.push_back({const_cast<char*>(copy.data()), size});
    owners_.push_back(copy.chunk);
    bytes_ += size;
    return;
  }
  char* const to = copied_.get() + copied_bytes_;
  std::memcpy(to, bytes, size);
  copied_bytes_ += size;
  bytes_ += size;
  if (!vectors_.empty() && !owners_.back()) {
    vectors_.back().iov_len += size;  // what was copied last is right before it
  } else {
    vectors_.push_back({to, size});
    owners_.emplace_back();
  }
}

void Gather::Share(const log::ByteRange& range, size_t offset, size_t size) {
  if (size < kShareBytesMin) return Copy(range.data() + offset, size);
  vectors_.push_back({const_cast<char*>(range.data() + offset), size});
  owners_.push_back(range.chunk);
  bytes_ += size;
}

bool Gather::Send(ByteStream* stream, Unsent* unsent) {
  bool open = true;
  for (size_t first = 0; first < vectors_.size();) {
    const size_t end = std::min(first + kVectorsMax, vectors_.size());
    const ssize_t sent = stream->Write(&vectors_[first], end - first);
    if (sent == ByteStream::kEnded) {
      open = false;
      break;
    }
    size_t left = sent == ByteStream::kBlocked ? 0 : static_cast<size_t>(sent);
    for (; first < end && left >= vectors_[first].iov_len; ++first) left -= vectors_[first].iov_len;
    if (first == end) continue;
    vectors_[first].iov_base = static_cast<char*>(vectors_[first].iov_base) + left;
    vectors_[first].iov_len -= left;
    Keep(first, unsent);
    break;
  }
  Clear();
  return open;
}

void Gather::Keep(size_t first, Unsent* unsent) {
  unsent->pieces_.reserve(vectors_.size() - first);
  for (; first < vectors_.size(); ++first) {
    const char* const bytes = static_cast<char*>(vectors_[first].iov_base);
    const size_t size = vectors_[first].iov_len;
    if (!owners_[first]) {
      unsent->pieces_.push_back(CopyOf(bytes, size));
      unsent->copied_ += size;
      continue;
    }
    const auto offset = static_cast<uint32_t>(bytes - owners_[first]->data());
    unsent->pieces_.push_back({std::move(owners_[first]), offset, static_cast<uint32_t>(size)});
  }
}

void Gather::Clear() {
  vectors_.clear();
  owners_.clear();
  copied_bytes_ = 0;
  bytes_ = 0;
}

}  // namespace nmq::http2
