#ifndef NMQ_SERVER_CALL_QUOTA_H_
#define NMQ_SERVER_CALL_QUOTA_H_

#include <cstdint>

namespace nmq {

// How much one identity may have and do, where that is said of it by itself: of each, 0 stands for what all may.
// nmq.v1.Limits says what each is, by its name and `_per_identity`.
struct Quota {
  uint64_t connections = 0;
  uint64_t clients = 0;
  uint64_t subscriptions = 0;
  uint64_t messages_per_second = 0;
  uint64_t bytes_per_second = 0;
  uint64_t control_calls_per_second = 0;

  bool operator==(const Quota&) const = default;
};

}  // namespace nmq

#endif  // NMQ_SERVER_CALL_QUOTA_H_
