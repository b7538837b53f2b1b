#ifndef NMQ_SERVER_GROUP_ACKNOWLEDGE_CHECK_H_
#define NMQ_SERVER_GROUP_ACKNOWLEDGE_CHECK_H_

#include <cstdint>

#include "absl/status/status.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/limits/limits.h"

namespace nmq::broker {

// INVALID_ARGUMENT or RESOURCE_EXHAUSTED if something is out of range or missing.
absl::Status CheckAcknowledge(const v1::AcknowledgeRequest& request, const Limits& limits);

// How many messages an acknowledgement names: each one of its range. UINT64_MAX if it is more.
uint64_t NamedMessages(const v1::Acknowledgement& acknowledgement);
// All of a request together, likewise.
uint64_t NamedMessages(const v1::AcknowledgeRequest& request);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_GROUP_ACKNOWLEDGE_CHECK_H_
