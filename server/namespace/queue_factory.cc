#include "server/namespace/queue_factory.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "glog/logging.h"

namespace nmq::broker {

std::shared_ptr<Queue> QueueFactory::Make(QueueConfig config, QueueOrigin origin,
                                          const std::optional<QueueOnDisk>& disk) const {
  const Limits& limits = *options_.limits;
  Queue::Options options;
  options.name_space = options_.name_space;
  options.config = std::move(config);
  options.origin = origin;
  options.total = options_.rings;
  options.scheduled = options_.scheduled;
  options.stamps = options_.stamps;
  options.lanes = options_.lanes;
  options.clock = options_.clock;
  options.request_id_window = limits.request_id_window;
  options.request_ids = limits.request_ids;
  options.disk = disk;
  if (disk.has_value()) {
    options.epoch = disk->epoch;
    options.ring_bounds = {limits.queue_bytes, limits.queue_messages, limits.queue_age};
  } else {
    options.epoch = options_.epochs->Next();
  }
  auto queue = std::make_shared<Queue>(std::move(options));
  if (!queue->durable()) return queue;
  queue->RestoreRequestIds(options_.clock->Now(), absl::ToInt64Microseconds(options_.clock->Monotonic()));
  const absl::Status status = queue->schedule().Load();
  LOG_IF(ERROR, !status.ok()) << "what waits for queue " << options_.name_space << "/" << queue->name() << ": "
                              << status;
  return queue;
}

QueueConfig QueueFactory::Automatic(absl::string_view name) const {
  QueueConfig config;
  config.name = std::string(name);
  config.retention = options_.automatic_retention;
  return config;
}

QueueConfig QueueFactory::DeadLetters(absl::string_view name) const {
  QueueConfig config;
  config.name = std::string(name);
  config.durability = v1::DURABILITY_DURABLE;
  config.retention = {options_.limits->durable_bytes, options_.limits->durable_messages, options_.limits->durable_age};
  return config;
}

}  // namespace nmq::broker
