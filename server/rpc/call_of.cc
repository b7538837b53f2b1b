#include "server/rpc/call_of.h"

#include "absl/time/time.h"
#include "grpc/support/time.h"

namespace nmq::rpc {

Call CallWith(Right right, const grpc::ServerContext& context, const Clock& clock) {
  Call call(right, Transport::kGrpc, context.peer());
  const gpr_timespec deadline = context.raw_deadline();
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) != 0) {
    const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
    call.deadline = clock.Monotonic() + absl::Seconds(left.tv_sec) + absl::Nanoseconds(left.tv_nsec);
  }
  return call;
}

}  // namespace nmq::rpc
