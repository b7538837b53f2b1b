#ifndef NMQ_TESTS_BENCH_NMQ_STAMPED_TEMPLATE_H_
#define NMQ_TESTS_BENCH_NMQ_STAMPED_TEMPLATE_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <string>
#include <vector>

#include "tests/bench/harness/payload.h"

namespace nmq::bench {

// A payload of that many bytes, at least kStampBytes, that StampedTemplate finds in an encoded request.
std::string StampablePayload(int bytes);

// A request that is encoded once and sent often, each time with other stamps. Immutable, so thread-safe.
class StampedTemplate {
 public:
  // Payloads of `request` are StampablePayload()s.
  explicit StampedTemplate(const google::protobuf::MessageLite& request);

  // The encoded request: its first payload has this stamp, the next ones the numbers after it.
  grpc::ByteBuffer Write(Stamp first) const;
  // Payloads, each a message.
  size_t messages() const { return places_.size(); }

 private:
  std::string bytes_;
  std::vector<size_t> places_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_STAMPED_TEMPLATE_H_
