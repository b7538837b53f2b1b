#ifndef NMQ_TESTS_INTEGRATION_HTTP2_NEIGHBOUR_H_
#define NMQ_TESTS_INTEGRATION_HTTP2_NEIGHBOUR_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "nmq/v1/message_queue.grpc.pb.h"

namespace nmq::http2 {

// How long calls took, from when they were due.
struct Latencies {
  std::vector<absl::Duration> sorted;
  std::vector<std::string> failures;

  absl::Duration Percentile(double percent) const;
};

// A client on gRPC's library that does nothing wrong: publishes 200 messages a second on one connection, and wants each
// answered. Open loop: a message that is late makes those after it late.
class Neighbour {
 public:
  explicit Neighbour(const std::shared_ptr<grpc::Channel>& channel);
  // Publishes for so long.
  Latencies Publish(absl::Duration time);

 private:
  const std::unique_ptr<v1::MessageQueue::Stub> queue_;
};

}  // namespace nmq::http2

#endif  // NMQ_TESTS_INTEGRATION_HTTP2_NEIGHBOUR_H_
