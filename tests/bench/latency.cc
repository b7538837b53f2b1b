#include <memory>

#include "tests/bench/workload.h"

namespace nmq::bench {

absl::Status RunLatency(const Options& options, const Target& target, absl::string_view workload, int subscribers,
                        Report* report) {
  const SubscriberSpec listeners = {.queue = target.queue,
                                    .subscribers = subscribers,
                                    .channels = options.channels,
                                    .clients = subscribers,
                                    .threads = options.threads,
                                    .every_latency = true};
  absl::StatusOr<std::unique_ptr<SubscriberSet>> set = target.client->Subscribe(listeners);
  if (!set.ok()) return set.status();
  const PaceSpec speaker = {.queue = target.queue,
                            .payload_bytes = options.payload_bytes,
                            .per_second = options.per_second,
                            .max_messages = options.messages,
                            .mode = options.pace};
  absl::StatusOr<std::unique_ptr<Publisher>> publisher = target.client->PublishPaced(speaker);
  if (!publisher.ok()) return publisher.status();
  return Measure(options, target, workload, subscribers, set->get(), publisher->get(), report);
}

}  // namespace nmq::bench
