#ifndef NMQ_SERVER_NAMESPACE_DELAYS_H_
#define NMQ_SERVER_NAMESPACE_DELAYS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "server/limits/limits.h"
#include "server/log/audience.h"
#include "server/log/batch.h"
#include "server/message/incoming.h"
#include "server/metrics/counters.h"
#include "server/namespace/addressed.h"
#include "server/queue/committer.h"
#include "server/queue/queue.h"
#include "server/queue/schedule.h"

namespace nmq::broker {

// The messages of a namespace that wait for their time: they are taken in, counted, and let into their queues when they
// are due. Thread-safe; it takes no lock of the namespace.
class Delays {
 public:
  struct Options {
    std::string name_space;
    // All of these must outlive this.
    const Limits* limits;
    const Clock* clock;
    std::atomic<uint64_t>* memory;  // bytes that wait in memory, of all namespaces
    Committer* committer;           // null if nothing is kept on disk
    Counters* counters;             // the namespace's
  };
  explicit Delays(Options options) : options_(std::move(options)), total_(options_.memory) {}
  Delays(const Delays&) = delete;
  Delays& operator=(const Delays&) = delete;

  // What the schedules of the namespace's queues count in.
  ScheduleTotal* total() { return &total_; }

  // Messages that are to wait, in the order in which they came, with the queue of each.
  using Later = std::vector<std::pair<std::shared_ptr<Queue>, Schedule::Item>>;

  // Gives the messages that are to wait their places.
  static Later Take(const Client* publisher, const Addressed& addressed);
  // Makes room for them; RESOURCE_EXHAUSTED if there is none. Follow with Add or Release.
  absl::Status Reserve(const Later& later);
  void Release(const Later& later);
  // Adds those that are kept on disk to a batch.
  static void Put(const Later& later, log::Batch* batch);
  // They wait. They are on disk now, as far as they are to be. NOT_FOUND, reason QUEUE_DELETED, if a queue was deleted
  // meanwhile: then what was for it is gone, and its room released.
  absl::Status Add(Later* later);

  // Lets what is due into these queues. `audience_of` says who is to hear a message, as of now, from the id of its
  // publisher, which may be empty, and the message; it may be asked later, on a thread of the log's. What is on disk is
  // let in soon after this returns, as much as is read at a time. Wake the lanes afterwards.
  using AudienceOfDue =
      std::function<std::shared_ptr<const log::Audience>(const std::string& publisher, const Incoming& message)>;
  void DeliverDue(absl::Span<const std::shared_ptr<Queue>> queues, const AudienceOfDue& audience_of);

 private:
  // Messages of a queue that were taken out of its schedule together.
  struct Taken {
    std::shared_ptr<Queue> queue;
    AudienceOfDue audience_of;
    // Some could not be let in: those after it wait, too, so that their order stays. For one thread at a time.
    bool stopped = false;
  };
  // Takes out and lets in up to `count_max`; how many were due.
  size_t DeliverSome(const std::shared_ptr<Queue>& queue, const AudienceOfDue& audience_of, size_t count_max);
  // False if no more can be taken just now.
  bool Deliver(const Taken& taken, Schedule::Item item, absl::StatusOr<storage::v1::Scheduled> scheduled);
  bool DeliverToDisk(const std::shared_ptr<Queue>& queue, const std::string& publisher, Queue::Outgoing outgoing,
                     Schedule::Item item);

  const Options options_;
  ScheduleTotal total_;
  std::atomic<uint64_t> reading_{0};  // messages that are read from disk
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_NAMESPACE_DELAYS_H_
