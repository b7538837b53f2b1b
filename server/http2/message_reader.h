#ifndef NMQ_SERVER_HTTP2_MESSAGE_READER_H_
#define NMQ_SERVER_HTTP2_MESSAGE_READER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nmq::http2 {

// Takes gRPC messages out of a stream's bytes: each has a prefix of 5 bytes, whether it is compressed and its length.
// For one thread at a time.
class MessageReader {
 public:
  static constexpr size_t kPrefixBytes = 5;

  // Messages may have at most `bytes_max`.
  explicit MessageReader(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  struct Message {
    absl::string_view bytes;  // until the next call, and no longer than what was read from
    bool compressed = false;
  };
  // The size of the next message, once its prefix is there, which is taken from the front of `bytes`; the same again
  // until Body has given the message. RESOURCE_EXHAUSTED if it is too long, INTERNAL for a prefix that is none; then
  // nothing more may be read.
  absl::StatusOr<std::optional<uint32_t>> Size(absl::string_view* bytes);
  // Takes bytes from the front of `bytes` until the message is whole; only when its size is known.
  std::optional<Message> Body(absl::string_view* bytes);

  // Makes the message that Body gave last live until Size is called or it is dropped, as kept().
  void Keep(const Message& message);
  absl::string_view kept() const { return body_; }
  void Drop();

  // Bytes of the message, whose size is known, that are still to come.
  size_t missing() const { return length_ - body_.size(); }
  // A message has begun, and is not whole.
  bool partial() const { return prefix_size_ > 0; }

 private:
  absl::Status TakePrefix(absl::string_view* bytes);

  const uint64_t bytes_max_;
  char prefix_[kPrefixBytes] = {};
  size_t prefix_size_ = 0;
  uint32_t length_ = 0;
  std::string body_;  // of a message that came in several pieces
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_MESSAGE_READER_H_
