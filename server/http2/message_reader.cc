#include "server/http2/message_reader.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "base/free_memory.h"

namespace nmq::http2 {
namespace {

// Larger bodies give their memory back.
constexpr size_t kBodyKeptBytes = 1 << 10;

}  // namespace

absl::Status MessageReader::TakePrefix(absl::string_view* bytes) {
  const size_t part = std::min(kPrefixBytes - prefix_size_, bytes->size());
  std::memcpy(prefix_ + prefix_size_, bytes->data(), part);
  prefix_size_ += part;
  bytes->remove_prefix(part);
  if (prefix_size_ < kPrefixBytes) return absl::OkStatus();
  if (prefix_[0] != 0 && prefix_[0] != 1) {
    return absl::InternalError(
        absl::StrCat("a message's first byte is ", static_cast<uint8_t>(prefix_[0]), ", which is neither 0 nor 1"));
  }
  const auto* at = reinterpret_cast<const uint8_t*>(prefix_ + 1);
  length_ = uint32_t{at[0]} << 24 | uint32_t{at[1]} << 16 | uint32_t{at[2]} << 8 | at[3];
  if (length_ <= bytes_max_) return absl::OkStatus();
  return ResourceExhausted(
      kReasonLimitExceeded,
      absl::StrCat("a message of ", length_, " bytes exceeds the limit of ", bytes_max_, " for one message"),
      absl::ZeroDuration(), {{"value", absl::StrCat(length_)}, {"bound", absl::StrCat(bytes_max_)}});
}

absl::StatusOr<std::optional<uint32_t>> MessageReader::Size(absl::string_view* bytes) {
  if (prefix_size_ == 0) {
    if (body_.capacity() > kBodyKeptBytes) FreeMemory(&body_);
    body_.clear();
  }
  if (prefix_size_ < kPrefixBytes) {
    if (bytes->empty()) return std::nullopt;
    if (absl::Status status = TakePrefix(bytes); !status.ok()) return status;
    if (prefix_size_ < kPrefixBytes) return std::nullopt;
  }
  return length_;
}

std::optional<MessageReader::Message> MessageReader::Body(absl::string_view* bytes) {
  const size_t part = std::min<size_t>(missing(), bytes->size());
  Message message{bytes->substr(0, part), prefix_[0] == 1};
  bytes->remove_prefix(part);
  if (part < length_) {
    if (body_.empty()) body_.reserve(length_);
    body_.append(message.bytes.data(), part);
    if (missing() > 0) return std::nullopt;
    message.bytes = body_;
  }
  prefix_size_ = 0;
  return message;
}

void MessageReader::Keep(const Message& message) {
  if (message.bytes.data() != body_.data()) body_.assign(message.bytes.data(), message.bytes.size());
}

void MessageReader::Drop() { FreeMemory(&body_); }

}  // namespace nmq::http2
