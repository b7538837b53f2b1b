#include <memory>

#include "tests/bench/workload.h"

namespace nmq::bench {

absl::Status RunThroughput(const Options& options, const Target& target, absl::string_view workload, int subscribers,
                           Report* report) {
  const SubscriberSpec listeners = {.queue = target.queue,
                                    .subscribers = subscribers,
                                    .channels = options.channels,
                                    .clients = subscribers,
                                    .threads = options.threads};
  absl::StatusOr<std::unique_ptr<SubscriberSet>> set = target.client->Subscribe(listeners);
  if (!set.ok()) return set.status();
  const PublisherSpec speaker = {.queue = target.queue,
                                 .payload_bytes = options.payload_bytes,
                                 .batch = options.batch,
                                 .window = options.window,
                                 .lag = options.lag,
                                 .max_messages = options.messages,
                                 .slowest = [&set] { return (*set)->Slowest(); }};
  absl::StatusOr<std::unique_ptr<Publisher>> publisher = target.client->Publish(speaker);
  if (!publisher.ok()) return publisher.status();
  return Measure(options, target, workload, subscribers, set->get(), publisher->get(), report);
}

}  // namespace nmq::bench
