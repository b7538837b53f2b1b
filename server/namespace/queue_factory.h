#ifndef NMQ_SERVER_NAMESPACE_QUEUE_FACTORY_H_
#define NMQ_SERVER_NAMESPACE_QUEUE_FACTORY_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "absl/types/span.h"
#include "base/clock.h"
#include "server/config/config.h"
#include "server/limits/limits.h"
#include "server/log/ring.h"
#include "server/namespace/epochs.h"
#include "server/queue/lane.h"
#include "server/queue/queue.h"
#include "server/queue/schedule.h"
#include "server/queue/storage.h"

namespace nmq::broker {

// Makes the queues of a namespace. Thread-safe.
class QueueFactory {
 public:
  struct Options {
    std::string name_space;
    RetentionConfig automatic_retention;  // of queues that are made by publishing to them
    // All of these must outlive the factory and its queues.
    const Limits* limits;
    const Clock* clock;
    Epochs* epochs;
    log::RingTotal* rings;
    ScheduleTotal* scheduled;
    std::atomic<uint64_t>* stamps;
    absl::Span<const std::unique_ptr<Lane>> lanes;
  };
  explicit QueueFactory(Options options) : options_(std::move(options)) {}

  // A queue, with what `disk` has of it, which is not set for a live queue. May block on the disk if it is set.
  std::shared_ptr<Queue> Make(QueueConfig config, QueueOrigin origin, const std::optional<QueueOnDisk>& disk) const;

  // What a queue is like that is made by publishing to it, and one that is made for a group's dead letters.
  QueueConfig Automatic(absl::string_view name) const;
  QueueConfig DeadLetters(absl::string_view name) const;

 private:
  const Options options_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_NAMESPACE_QUEUE_FACTORY_H_
