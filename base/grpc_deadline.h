// A Deadline as gRPC takes it.
#ifndef NMQ_BASE_GRPC_DEADLINE_H_
#define NMQ_BASE_GRPC_DEADLINE_H_

#include "absl/time/time.h"
#include "base/deadline.h"
#include "grpc/support/time.h"

namespace nmq {

// By the monotonic clock, unlike the std::chrono::system_clock::time_point that gRPC takes, too.
inline gpr_timespec ToGrpc(Deadline deadline) {
  if (deadline.never()) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_micros(absl::ToInt64Microseconds(deadline.Left()), GPR_TIMESPAN));
}

}  // namespace nmq

#endif  // NMQ_BASE_GRPC_DEADLINE_H_
