#ifndef NMQ_SERVER_GROUP_DURATIONS_H_
#define NMQ_SERVER_GROUP_DURATIONS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"

namespace nmq::broker {

// The longest time that a client may ask a group to wait.
constexpr absl::Duration kGroupWaitMax = absl::Hours(12);

int64_t MicrosecondsOf(const google::protobuf::Duration& duration);

// INVALID_ARGUMENT if the duration is not in [min, max].
absl::Status CheckDuration(absl::string_view field, const google::protobuf::Duration& duration, absl::Duration min,
                           absl::Duration max);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_GROUP_DURATIONS_H_
