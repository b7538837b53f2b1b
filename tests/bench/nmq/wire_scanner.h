#ifndef NMQ_TESTS_BENCH_NMQ_WIRE_SCANNER_H_
#define NMQ_TESTS_BENCH_NMQ_WIRE_SCANNER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace nmq::bench {

// Reads protobuf's wire format over neighbouring pieces, in place. Every function is false, and the cursor of no
// further use, where the bytes end too early. The pieces must outlive the cursor.
class WireCursor {
 public:
  explicit WireCursor(absl::Span<const absl::string_view> pieces);

  // Bytes that are left.
  uint64_t remaining() const { return rest_ + static_cast<uint64_t>(end_ - at_); }

  bool ReadVarint(uint64_t* value);
  // Reads the next `size` bytes to `out`.
  bool Read(void* out, size_t size);
  bool Skip(uint64_t size);
  // Skips the value of a field with this tag.
  bool SkipField(uint64_t tag);

 private:
  bool NextPiece();
  bool ReadVarintSlowly(uint64_t* value);

  absl::Span<const absl::string_view> pieces_;
  // Bytes in pieces_.
  uint64_t rest_ = 0;
  const uint8_t* at_ = nullptr;
  const uint8_t* end_ = nullptr;
};

// What the benchmark looks at in a message.
struct MessageView {
  uint64_t sequence = 0;
  // The first eight bytes of the payload; 0 if it is shorter.
  int64_t timestamp = 0;
};

// The frames of nmq.v1.SubscribeResponse, by their field numbers.
enum class FrameKind { kNone = 0, kReady = 1, kBatch = 2, kGap = 3, kHeartbeat = 4, kDrain = 5 };

// Which messages are looked into; the others are only counted.
enum class Look { kFirst, kAll };

struct FrameScan {
  FrameKind kind = FrameKind::kNone;
  // Messages of a batch.
  uint64_t messages = 0;
  // Those that were looked into, in order.
  std::vector<MessageView> views;
};

// Scans an encoded nmq.v1.SubscribeResponse: counts the messages of a batch by walking their length prefixes. `scan` is
// overwritten; hand in the same one again to spare its memory. False if the bytes are no such frame.
bool ScanFrame(absl::Span<const absl::string_view> pieces, Look look, FrameScan* scan);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_WIRE_SCANNER_H_
