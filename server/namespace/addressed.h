#ifndef NMQ_SERVER_NAMESPACE_ADDRESSED_H_
#define NMQ_SERVER_NAMESPACE_ADDRESSED_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "server/log/audience.h"
#include "server/message/incoming.h"
#include "server/namespace/queue_table.h"
#include "server/presence/roster.h"
#include "server/queue/queue.h"

namespace nmq::broker {

// Messages with the queue that each goes to, by queue, in the order in which the queues first appear.
struct Addressed {
  struct PerQueue {
    std::shared_ptr<Queue> queue;
    std::vector<Queue::Outgoing> messages;
    uint64_t bytes = 0;  // of their bodies
  };
  absl::InlinedVector<PerQueue, 2> queues;
  // Messages that wait for their time, which are not among those above; their queues are. They must outlive this.
  std::vector<std::pair<std::shared_ptr<Queue>, const Incoming*>> later;
  size_t last_queue = 0;
  bool queue_missing = false;  // a queue is not there

  PerQueue* Find(absl::string_view queue) {
    if (!queues.empty() && queues[last_queue].queue->name() == queue) return &queues[last_queue];
    for (size_t i = 0; i < queues.size(); ++i) {
      if (queues[i].queue->name() != queue) continue;
      last_queue = i;
      return &queues[i];
    }
    return nullptr;
  }
};

// Adds where the messages go, as of now, to `addressed`. Nothing is added for a message whose queue is not there if
// `automatic`: then queue_missing is set. NOT_FOUND if a client, queue or event is not there.
absl::Status Address(const Roster& roster, const QueueTable& queues, const Clock& clock, bool automatic,
                     const Client* publisher, absl::Span<const Incoming> messages, Addressed* addressed);

// Who is to hear a message; null for everyone, for ever. `publisher` is the number of the client that published it.
absl::StatusOr<std::shared_ptr<const log::Audience>> AudienceOf(const Roster& roster, uint64_t publisher,
                                                                Roster::Absent absent, const Incoming& message);

// What is said of an event that the queue does not accept.
absl::Status NoEvent(const Queue& queue, absl::string_view event);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_NAMESPACE_ADDRESSED_H_
