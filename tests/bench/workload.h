#ifndef NMQ_TESTS_BENCH_WORKLOAD_H_
#define NMQ_TESTS_BENCH_WORKLOAD_H_

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/bench/client.h"
#include "tests/bench/histogram.h"
#include "tests/bench/process_stats.h"
#include "tests/bench/report.h"

namespace nmq::bench {

// What one measurement needs to know.
struct Options {
  absl::Duration warm_up = absl::Seconds(1);
  absl::Duration measured = absl::Seconds(5);
  // Publishes that many messages instead, without warming up; 0: by time.
  uint64_t messages = 0;

  int payload_bytes = 128;
  // Connections of the subscribers at the most, and threads that poll them.
  int channels = 10;
  int threads = 1;

  int batch = 100;
  int window = 16;
  uint64_t lag = 20000;

  int per_second = 2000;
  PaceMode pace = PaceMode::kStream;

  // How long to wait for subscribers that have not heard everything and hear nothing any more.
  absl::Duration patience = absl::Seconds(10);

  int idle_subscriptions = 10000;
  int idle_connections = 100;
  int idle_clients = 100;
  // How long idleness is watched; zero: as long as the server's heartbeat.
  absl::Duration idle_watched = absl::ZeroDuration();
};

// What is measured: a client of some kind, and the server's process if it is known.
struct Target {
  Client* client = nullptr;
  pid_t server = 0;
  // The queue to use, which nobody else uses.
  std::string queue;
};

// Publishes batches to many subscribers as fast as they hear them. Adds figures under `workload`.
absl::Status RunThroughput(const Options& options, const Target& target, absl::string_view workload, int subscribers,
                           Report* report);

// Publishes single messages at an even pace.
absl::Status RunLatency(const Options& options, const Target& target, absl::string_view workload, int subscribers,
                        Report* report);

// Opens many subscriptions and leaves them alone.
absl::Status RunIdle(const Options& options, const Target& target, absl::string_view workload, Report* report);

// What the workloads share.

// Uses of processor time at one moment.
struct Usage {
  int64_t time = 0;
  absl::Duration client_cpu;
  std::optional<ProcessStats> server;
};
Usage ReadUsage(const Target& target);

// Waits until `over` or, at the latest, `patience`; true if over.
bool AwaitFor(absl::Duration patience, const std::function<bool()>& over);

// Warms up, measures, stops publishing, and adds what was measured. DATA_LOSS if a subscriber lost a message without a
// gap, or heard one twice.
absl::Status Measure(const Options& options, const Target& target, absl::string_view workload, int subscribers,
                     SubscriberSet* set, Publisher* publisher, Report* report);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_WORKLOAD_H_
