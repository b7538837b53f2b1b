#ifndef NMQ_SERVER_NAMESPACE_ADDRESSED_H_
#define NMQ_SERVER_NAMESPACE_ADDRESSED_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "server/message/incoming.h"
#include "server/namespace/namespace.h"
#include "server/queue/queue.h"

namespace nmq::broker {

// Messages with the queue that each goes to, grouped by queue, in the order in which the queues first appear. For the
// namespace's own sources only.
struct Namespace::Addressed {
  struct Group {
    std::shared_ptr<Queue> queue;
    std::vector<Queue::Outgoing> messages;
    uint64_t bytes = 0;  // of their bodies
  };
  absl::InlinedVector<Group, 2> groups;
  // Those that wait for their time, and are in no group; their queues have one. They must outlive this.
  std::vector<std::pair<std::shared_ptr<Queue>, const Incoming*>> later;
  size_t last_group = 0;
  size_t expected = 0;         // messages
  bool queue_missing = false;  // and the namespace may make it

  Group* Find(absl::string_view queue) {
    if (!groups.empty() && groups[last_group].queue->name() == queue) return &groups[last_group];
    for (size_t i = 0; i < groups.size(); ++i) {
      if (groups[i].queue->name() != queue) continue;
      last_group = i;
      return &groups[i];
    }
    return nullptr;
  }
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_NAMESPACE_ADDRESSED_H_
