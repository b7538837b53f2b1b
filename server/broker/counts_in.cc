#include "server/broker/counts_in.h"

#include "base/errors.h"
#include "server/message/message_check.h"

namespace nmq::broker {
namespace {

absl::Status CheckMessageCounts(const Limits& limits, const v1::Message& message) {
  return message.has_audience() ? CheckAudienceCount(limits, message.audience()) : absl::OkStatus();
}

absl::Status CheckJoined(const Limits& limits, uint64_t rooms) {
  // However often they are named.
  if (rooms <= limits.rooms_per_client) return absl::OkStatus();
  return LimitExceeded("rooms_per_client", rooms, limits.rooms_per_client, "rooms");
}

absl::Status CheckNamed(const Limits& limits, absl::string_view field, uint64_t rooms) {
  if (rooms <= limits.audience_names) return absl::OkStatus();
  return LimitExceeded("audience_names", rooms, limits.audience_names, field);
}

}  // namespace

absl::Status CheckCounts(const Limits& limits, const v1::JoinRequest& request) {
  return CheckJoined(limits, request.rooms_size());
}

absl::Status CheckCounts(const Limits& limits, const v1::LeaveRequest& request) {
  return CheckJoined(limits, request.rooms_size());
}

absl::Status CheckCounts(const Limits& limits, const v1::PublishRequest& request) {
  return CheckMessageCounts(limits, request.message());
}

absl::Status CheckCounts(const Limits& limits, const v1::RequestRequest& request) {
  return CheckMessageCounts(limits, request.message());
}

absl::Status CheckCounts(const Limits& limits, const v1::SubscribeRequest& request) {
  const uint64_t patterns = request.patterns_size();
  if (patterns > limits.patterns_per_subscription) {
    return LimitExceeded("patterns_per_subscription", patterns, limits.patterns_per_subscription);
  }
  absl::Status status = CheckJoined(limits, request.rooms_size());
  if (status.ok()) status = CheckNamed(limits, "group.rooms", request.group().rooms_size());
  return status;
}

absl::Status CheckCounts(const Limits& limits, const v1::CreateGroupRequest& request) {
  return CheckNamed(limits, "group.rooms", request.options().rooms_size());
}

absl::Status CheckCounts(const Limits& limits, const v1::MoveClientsRequest& request) {
  absl::Status status = CheckNamed(limits, "join", request.join_size());
  if (status.ok()) status = CheckNamed(limits, "leave", request.leave_size());
  return status;
}

}  // namespace nmq::broker
