#ifndef NMQ_SERVER_CONFIG_LIMIT_RANGE_H_
#define NMQ_SERVER_CONFIG_LIMIT_RANGE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/config/place.h"

namespace nmq {

// Whether what a file says at `place`, if it says something, is in the range of the limit with this name, which it
// stands for: INVALID_ARGUMENT otherwise.
absl::Status CheckLimitRange(absl::string_view limit, uint64_t value, const Place& place);

}  // namespace nmq

#endif  // NMQ_SERVER_CONFIG_LIMIT_RANGE_H_
