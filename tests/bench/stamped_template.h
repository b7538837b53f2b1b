#ifndef NMQ_TESTS_BENCH_STAMPED_TEMPLATE_H_
#define NMQ_TESTS_BENCH_STAMPED_TEMPLATE_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace nmq::bench {

// A payload of `bytes` (at least 8) that begins with the place for a timestamp.
std::string StampablePayload(int bytes);

// An encoded request whose stampable payloads get their timestamp without encoding anew.
class StampedTemplate {
 public:
  explicit StampedTemplate(const google::protobuf::MessageLite& request);

  // The request with `timestamp` at the beginning of each stampable payload.
  grpc::ByteBuffer Stamp(int64_t timestamp) const;

  // How many payloads get it.
  size_t places() const { return places_.size(); }

 private:
  const std::string bytes_;
  std::vector<size_t> places_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_STAMPED_TEMPLATE_H_
