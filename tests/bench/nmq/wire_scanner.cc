#include "tests/bench/nmq/wire_scanner.h"

#include <algorithm>
#include <cstring>

namespace nmq::bench {
namespace {

// Wire types of protobuf's encoding.
constexpr uint64_t kVarint = 0;
constexpr uint64_t kFixed64 = 1;
constexpr uint64_t kLengthDelimited = 2;
constexpr uint64_t kFixed32 = 5;

constexpr uint64_t Tag(uint64_t field, uint64_t wire_type) { return field << 3 | wire_type; }

// nmq.v1.Batch
constexpr uint64_t kMessages = Tag(1, kLengthDelimited);
// nmq.v1.Message
constexpr uint64_t kPayload = Tag(3, kLengthDelimited);
constexpr uint64_t kSequence = Tag(6, kVarint);

bool ReadPayload(WireCursor* cursor, MessageView* view) {
  uint64_t length;
  if (!cursor->ReadVarint(&length)) return false;
  if (length < sizeof(view->timestamp)) return cursor->Skip(length);
  return cursor->Read(&view->timestamp, sizeof(view->timestamp)) && cursor->Skip(length - sizeof(view->timestamp));
}

// Reads the message that the next `length` bytes are.
bool ReadMessage(WireCursor* cursor, uint64_t length, MessageView* view) {
  if (cursor->remaining() < length) return false;
  const uint64_t end = cursor->remaining() - length;
  while (cursor->remaining() > end) {
    uint64_t tag;
    if (!cursor->ReadVarint(&tag)) return false;
    const bool good = tag == kPayload    ? ReadPayload(cursor, view)
                      : tag == kSequence ? cursor->ReadVarint(&view->sequence)
                                         : cursor->SkipField(tag);
    if (!good) return false;
  }
  return cursor->remaining() == end;
}

bool ScanBatch(WireCursor* cursor, uint64_t length, Look look, FrameScan* scan) {
  if (cursor->remaining() < length) return false;
  const uint64_t end = cursor->remaining() - length;
  while (cursor->remaining() > end) {
    uint64_t tag, size;
    if (!cursor->ReadVarint(&tag)) return false;
    if (tag != kMessages) {
      if (!cursor->SkipField(tag)) return false;
      continue;
    }
    if (!cursor->ReadVarint(&size)) return false;
    if (look == Look::kAll || scan->messages == 0) {
      scan->views.emplace_back();
      if (!ReadMessage(cursor, size, &scan->views.back())) return false;
    } else if (!cursor->Skip(size)) {
      return false;
    }
    ++scan->messages;
  }
  return cursor->remaining() == end;
}

}  // namespace

WireCursor::WireCursor(absl::Span<const absl::string_view> pieces) : pieces_(pieces) {
  for (const absl::string_view piece : pieces) rest_ += piece.size();
}

bool WireCursor::NextPiece() {
  while (at_ == end_) {
    if (pieces_.empty()) return false;
    at_ = reinterpret_cast<const uint8_t*>(pieces_.front().data());
    end_ = at_ + pieces_.front().size();
    rest_ -= pieces_.front().size();
    pieces_.remove_prefix(1);
  }
  return true;
}

bool WireCursor::ReadVarint(uint64_t* value) {
  if (at_ == end_ && !NextPiece()) return false;
  if (*at_ < 0x80) {
    *value = *at_++;
    return true;
  }
  return ReadVarintSlowly(value);
}

bool WireCursor::ReadVarintSlowly(uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at_ == end_ && !NextPiece()) return false;
    const uint8_t byte = *at_++;
    *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool WireCursor::Read(void* out, size_t size) {
  char* to = static_cast<char*>(out);
  while (size > 0) {
    if (!NextPiece()) return false;
    const size_t part = std::min(size, static_cast<size_t>(end_ - at_));
    std::memcpy(to, at_, part);
    to += part;
    at_ += part;
    size -= part;
  }
  return true;
}

bool WireCursor::Skip(uint64_t size) {
  while (size > static_cast<uint64_t>(end_ - at_)) {
    size -= static_cast<uint64_t>(end_ - at_);
    at_ = end_;
    if (!NextPiece()) return false;
  }
  at_ += size;
  return true;
}

bool WireCursor::SkipField(uint64_t tag) {
  uint64_t value;
  switch (tag & 7) {
    case kVarint:
      return ReadVarint(&value);
    case kFixed64:
      return Skip(8);
    case kLengthDelimited:
      return ReadVarint(&value) && Skip(value);
    case kFixed32:
      return Skip(4);
    default:
      return false;
  }
}

bool ScanFrame(absl::Span<const absl::string_view> pieces, Look look, FrameScan* scan) {
  scan->kind = FrameKind::kNone;
  scan->messages = 0;
  scan->views.clear();
  WireCursor cursor(pieces);
  while (cursor.remaining() > 0) {
    uint64_t tag, length;
    if (!cursor.ReadVarint(&tag)) return false;
    const uint64_t field = tag >> 3;
    if (field > static_cast<uint64_t>(FrameKind::kDrain)) {
      if (!cursor.SkipField(tag)) return false;
      continue;
    }
    if (field == 0 || (tag & 7) != kLengthDelimited || !cursor.ReadVarint(&length)) return false;
    scan->kind = static_cast<FrameKind>(field);
    const bool good = scan->kind == FrameKind::kBatch ? ScanBatch(&cursor, length, look, scan) : cursor.Skip(length);
    if (!good) return false;
  }
  return scan->kind != FrameKind::kNone;
}

}  // namespace nmq::bench
