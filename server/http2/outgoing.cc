#include "server/http2/outgoing.h"

#include <algorithm>
#include <utility>

#include "base/free_memory.h"

namespace nmq::http2 {
namespace {

constexpr size_t kPrefixBytes = 5;
// One that waits for its next message keeps no more than this.
constexpr size_t kOutgoingKeptBytes = 256;

}  // namespace

void Outgoing::Set(Frame frame) {
  const size_t size = frame.size();
  left_ = kPrefixBytes + size;
  copied_.push_back(0);  // not compressed
  for (int shift = 24; shift >= 0; shift -= 8) copied_.push_back(static_cast<char>(size >> shift));
  pieces_.push_back({{}, kPrefixBytes});
  frame.Encode(
      [this](size_t bytes) {
        const size_t at = copied_.size();
        copied_.resize(at + bytes);
        if (pieces_.back().range.chunk) {
          pieces_.push_back({{}, bytes});
        } else {
          pieces_.back().bytes += bytes;
        }
        return copied_.data() + at;
      },
      [this](log::ByteRange&& range) {
        const size_t bytes = range.length;
        pieces_.push_back({std::move(range), bytes});
      });
}

void Outgoing::Give(size_t bytes, Gather* gather) {
  left_ -= bytes;
  while (bytes > 0) {
    const Piece& piece = pieces_[piece_];
    const size_t part = std::min(bytes, piece.bytes - offset_);
    if (piece.range.chunk) {
      gather->Share(piece.range, offset_, part);
    } else {
      gather->Copy(copied_.data() + copied_at_, part);
      copied_at_ += part;
    }
    bytes -= part;
    offset_ += part;
    if (offset_ < piece.bytes) continue;
    offset_ = 0;
    ++piece_;
  }
  if (left_ == 0) Clear();
}

void Outgoing::Clear() {
  if (copied_.capacity() > kOutgoingKeptBytes) FreeMemory(&copied_);
  copied_.clear();
  copied_at_ = 0;
  if (pieces_.size() > 1) {
    FreeMemory(&pieces_);
  } else {
    pieces_.clear();
  }
  piece_ = 0;
  offset_ = 0;
  left_ = 0;
}

}  // namespace nmq::http2
