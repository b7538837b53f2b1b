// Times as text.
#ifndef NMQ_CLIENT_EXAMPLES_RFC3339_H_
#define NMQ_CLIENT_EXAMPLES_RFC3339_H_

#include <string>

#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace nmq {
namespace examples {

// "2026-11-23T21:36:43.123Z": as text in the order of time. Thread-safe.
inline std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

inline std::string Rfc3339(const google::protobuf::Timestamp& time) {
  return Rfc3339(absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos()));
}

}  // namespace examples
}  // namespace nmq

#endif  // NMQ_CLIENT_EXAMPLES_RFC3339_H_
