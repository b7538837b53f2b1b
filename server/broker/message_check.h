#ifndef NMQ_SERVER_BROKER_MESSAGE_CHECK_H_
#define NMQ_SERVER_BROKER_MESSAGE_CHECK_H_

#include "absl/status/status.h"
#include "server/base/clock.h"
#include "server/broker/incoming.h"
#include "server/limits/limits.h"

namespace nmq::broker {

// Whether a publisher may send a message at all, whatever exists: names, sizes, counts, times. INVALID_ARGUMENT or
// RESOURCE_EXHAUSTED, naming the field or limit.
absl::Status CheckMessage(const Limits& limits, const Clock& clock, const Incoming& incoming, bool has_session);

// The same for an answer to a question.
absl::Status CheckReply(const Limits& limits, const v1::ReplyRequest& reply);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_BROKER_MESSAGE_CHECK_H_
