#ifndef NMQ_SERVER_FRAME_FRAME_H_
#define NMQ_SERVER_FRAME_FRAME_H_

#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "google/protobuf/message_lite.h"
#include "server/log/chunk.h"

namespace nmq {

// What a stream writes at a time: a few bytes of its own, then ranges of the queues' bytes, which it keeps alive. An
// encoder of a transport turns it into what that transport writes (grpc/frames.h, for gRPC). For one thread at a time.
class Frame {
 public:
  // Ranges at least this long are shared by what is written, shorter ones copied: a range keeps a whole chunk of its
  // queue in memory for as long as a subscriber does not take what was written.
  static constexpr size_t kShareBytesMin = 8 << 10;

  // All bytes of a frame that is of its own.
  explicit Frame(const google::protobuf::MessageLite& message);
  // A nmq.v1.SubscribeResponse with a batch: `ranges` are `bytes` of whole entries of Batch.messages.
  Frame(std::vector<log::ByteRange> ranges, size_t bytes);

  size_t size() const { return head_.size() + range_bytes_; }

  // Hands the bytes over, in order, and uses the frame up: `copy(size)` gives a char* where the next `size` bytes are
  // put, `share(range)` takes over a log::ByteRange&& that is long. Neighbours that are copied are one piece.
  template <typename Copy, typename Share>
  void Encode(Copy copy, Share share);

 private:
  absl::InlinedVector<char, 96> head_;  // most answers of a PublishStream are not longer
  std::vector<log::ByteRange> ranges_;
  size_t range_bytes_ = 0;
};

template <typename Copy, typename Share>
void Frame::Encode(Copy copy, Share share) {
  auto at = ranges_.begin();
  size_t head_size = head_.size();
  do {
    size_t size = head_size;
    auto shared = at;
    for (; shared != ranges_.end() && shared->length < kShareBytesMin; ++shared) size += shared->length;
    if (size > 0) {
      char* out = copy(size);
      memcpy(out, head_.data(), head_size);
      out += head_size;
      for (; at != shared; ++at) {
        memcpy(out, at->data(), at->length);
        out += at->length;
      }
      head_size = 0;
    }
    at = shared;
    if (at != ranges_.end()) share(std::move(*at++));
  } while (at != ranges_.end());
  ranges_.clear();
}

}  // namespace nmq

#endif  // NMQ_SERVER_FRAME_FRAME_H_
