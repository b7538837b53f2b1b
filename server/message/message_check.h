#ifndef NMQ_SERVER_MESSAGE_MESSAGE_CHECK_H_
#define NMQ_SERVER_MESSAGE_MESSAGE_CHECK_H_

#include "absl/status/status.h"
#include "base/clock.h"
#include "server/limits/limits.h"
#include "server/message/incoming.h"

namespace nmq::broker {

// Whether a publisher may send a message at all, whatever exists: names, sizes, counts, times. INVALID_ARGUMENT or
// RESOURCE_EXHAUSTED, naming the field or limit.
absl::Status CheckMessage(const Limits& limits, const Clock& clock, const Incoming& incoming, bool has_session);

// The same for an answer to a question.
absl::Status CheckReply(const Limits& limits, const v1::ReplyRequest& reply);

// Whether an audience names no more than it may: part of CheckMessage.
absl::Status CheckAudienceCount(const Limits& limits, const v1::Audience& audience);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_MESSAGE_MESSAGE_CHECK_H_
