// What became of each message of a batch.
#ifndef NMQ_CLIENT_CPP_PUBLISH_RESULTS_H_
#define NMQ_CLIENT_CPP_PUBLISH_RESULTS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "client/cpp/options.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq {
inline namespace client {
namespace internal {

// One for each message of `batch`, in its order, as `result`, the answer to the whole batch, tells them. The server
// tells the positions of a queue together, without those that wait for their time; where it cannot be known which these
// are, the sequence is 0.
std::vector<absl::StatusOr<PublishResult>> ResultsOf(const v1::PublishStreamRequest& batch, const BatchResult& result);

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_PUBLISH_RESULTS_H_
