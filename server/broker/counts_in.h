// Whether a request names no more than the limits let through: asked before the caller's rights are asked for each
// name.
#ifndef NMQ_SERVER_BROKER_COUNTS_IN_H_
#define NMQ_SERVER_BROKER_COUNTS_IN_H_

#include "absl/status/status.h"
#include "nmq/v1/admin.pb.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/limits/limits.h"

namespace nmq::broker {

// RESOURCE_EXHAUSTED, naming the limit. OK for requests that name a few things each in a field of its own.
template <typename Request>
absl::Status CheckCounts(const Limits&, const Request&) {
  return absl::OkStatus();
}
absl::Status CheckCounts(const Limits& limits, const v1::JoinRequest& request);
absl::Status CheckCounts(const Limits& limits, const v1::LeaveRequest& request);
absl::Status CheckCounts(const Limits& limits, const v1::PublishRequest& request);
absl::Status CheckCounts(const Limits& limits, const v1::RequestRequest& request);
absl::Status CheckCounts(const Limits& limits, const v1::SubscribeRequest& request);
absl::Status CheckCounts(const Limits& limits, const v1::CreateGroupRequest& request);
absl::Status CheckCounts(const Limits& limits, const v1::MoveClientsRequest& request);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_BROKER_COUNTS_IN_H_
