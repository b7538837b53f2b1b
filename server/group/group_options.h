#ifndef NMQ_SERVER_GROUP_GROUP_OPTIONS_H_
#define NMQ_SERVER_GROUP_GROUP_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nmq/storage/v1/storage.pb.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/group/group_state.h"
#include "server/limits/limits.h"
#include "server/queue/subscription.h"

namespace nmq::broker {

// What a subscription says of the group that it wants to be a member of, checked.
struct GroupWish {
  std::string queue;
  storage::v1::Group group;  // as it is made if it is not there
  v1::GroupOptions set;      // what the subscriber set itself, to be compared if it is
  uint64_t credit_messages = 0;
  uint64_t credit_bytes = 0;
  QueueGate told = nullptr;  // of which other queues an error may tell; null: of all
};

// INVALID_ARGUMENT for what is out of range or contradicts, RESOURCE_EXHAUSTED for too many rooms.
absl::StatusOr<GroupWish> ParseGroup(const v1::GroupOptions& options, const std::vector<SubscriptionPattern>& patterns,
                                     const Limits& limits);

// FAILED_PRECONDITION, reason OTHER_GROUP, if `wish` sets something that the group has differently.
absl::Status CheckSameGroup(const GroupWish& wish, const storage::v1::Group& group);

GroupPolicy PolicyOf(const v1::GroupOptions& options);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_GROUP_GROUP_OPTIONS_H_
