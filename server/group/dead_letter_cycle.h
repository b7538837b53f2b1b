#ifndef NMQ_SERVER_GROUP_DEAD_LETTER_CYCLE_H_
#define NMQ_SERVER_GROUP_DEAD_LETTER_CYCLE_H_

#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace nmq::broker {

// Where the dead letters of a group go: from its queue to another one.
struct DeadLetterRoute {
  absl::string_view queue;
  absl::string_view dead_letter_queue;
};

// FAILED_PRECONDITION, reason DEAD_LETTER_CYCLE, if with `added` a dead letter could come back into the queue that it
// is from, by way of the other groups' `routes`: what nobody can do would go round for ever.
// The error names the queues of which `told` says that it may; all if it is null.
absl::Status CheckDeadLetterCycle(const std::vector<DeadLetterRoute>& routes, const DeadLetterRoute& added,
                                  const std::function<bool(absl::string_view queue)>* told = nullptr);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_GROUP_DEAD_LETTER_CYCLE_H_
