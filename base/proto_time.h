// Abseil's times as Protocol Buffers have them, and back.
#ifndef NMQ_BASE_PROTO_TIME_H_
#define NMQ_BASE_PROTO_TIME_H_

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace nmq {

// Of what is finite, without the parts of a nanosecond.
void SetDuration(absl::Duration duration, google::protobuf::Duration* proto);
void SetTime(absl::Time time, google::protobuf::Timestamp* proto);

// Of any fields, also of those that are not valid.
absl::Duration ToDuration(const google::protobuf::Duration& proto);
absl::Time ToTime(const google::protobuf::Timestamp& proto);

}  // namespace nmq

#endif  // NMQ_BASE_PROTO_TIME_H_
