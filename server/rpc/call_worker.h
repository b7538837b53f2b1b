#ifndef NMQ_SERVER_RPC_CALL_WORKER_H_
#define NMQ_SERVER_RPC_CALL_WORKER_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "base/worker.h"
#include "server/frame/frame.h"
#include "server/metrics/metrics.h"
#include "server/rpc/unary_call.h"

namespace nmq::rpc {

// Answers calls on a thread of its own, or lets them be answered later. Calls that nobody waits for any more when it is
// their turn are passed over. Thread-safe.
class CallWorker {
 public:
  // So many calls are not answered at most; further ones are refused.
  static constexpr size_t kCallsMax = 10'000;

  // `metrics`, which count those that are refused, must outlive it; null: not counted.
  explicit CallWorker(Metrics* metrics = nullptr) : metrics_(metrics) {}

  using Respond = std::function<void(absl::StatusOr<Frame>)>;

  // Calls `task` on the worker's thread, which gives the answer once, there or later on any thread. Answers
  // RESOURCE_EXHAUSTED, reason TOO_MANY_CALLS, at once if there are too many.
  void Post(const std::shared_ptr<Answer>& answer, std::function<void(Respond)> task);

  // Waits until all tasks that were posted before have run.
  void Flush() { worker_.Flush(); }

 private:
  Metrics* const metrics_;
  std::atomic<size_t> calls_{0};  // not yet answered
  Worker worker_;                 // ends first, and does what is posted before
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_CALL_WORKER_H_
