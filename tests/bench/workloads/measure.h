#ifndef NMQ_TESTS_BENCH_WORKLOADS_MEASURE_H_
#define NMQ_TESTS_BENCH_WORKLOADS_MEASURE_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/harness/histogram.h"
#include "tests/bench/harness/process_stats.h"

namespace nmq::bench {

// For how long, or how many.
struct Extent {
  absl::Duration warm_up = absl::Seconds(1);
  absl::Duration measured = absl::Seconds(3);
  // Publishes about that many messages instead, without warming up; 0: by time.
  uint64_t messages = 0;
  // How long to wait for subscribers that have not heard everything and hear nothing any more.
  absl::Duration patience = absl::Seconds(10);
  // Messages that are stored before they are consumed, read, or found again after a restart; where `messages` is not 0,
  // those.
  uint64_t backlog = 204'800;
  uint64_t history = 1'000'000;
  uint64_t survivors = 10'000'000;
};

struct Restarted;

// What is measured: a client of some kind, and the server's process.
struct Subject {
  Client* client = nullptr;
  pid_t server = 0;
  // Where it stores messages; empty if it stores none.
  std::string folder = {};
  // Kills the server, without asking it to end, and starts it with what it has stored. This subject is over then.
  std::function<absl::StatusOr<Restarted>()> restart = nullptr;
};

// A server that runs again.
struct Restarted {
  Subject subject;
  // When it was started, by Now(), and how long it took until it was ready.
  int64_t start = 0;
  absl::Duration ready;
};

// Who listens and who speaks; one of `eager` and `paced` is set.
struct Load {
  SubscriberSpec subscribers = {};
  std::optional<PublisherSpec> eager = {};
  std::optional<PaceSpec> paced = {};
  // How many subscribers each message is for.
  uint64_t fan_out = 1;
  // Messages that the subscribers may be behind before an eager publisher pauses; 0: it is not held back.
  uint64_t lag = 0;
};

// Uses of processor time and memory between two moments.
struct Usage {
  absl::Duration time;
  absl::Duration server_cpu;
  absl::Duration client_cpu;
  // The server's, at the end.
  int64_t resident = 0;
  int64_t resident_peak = 0;
  // Of server_cpu, what each of its threads used that is still there.
  std::map<pid_t, absl::Duration> threads = {};
};

// Watches the server's process and the client's. Not thread-safe.
class Watch {
 public:
  explicit Watch(const Subject& subject);
  // Since the construction.
  absl::StatusOr<Usage> Read() const;

 private:
  struct Moment {
    int64_t time = 0;
    absl::Duration client_cpu;
    absl::StatusOr<ProcessStats> server;
    absl::StatusOr<std::map<pid_t, absl::Duration>> threads;
  };
  Moment Look() const;

  const Subject subject_;
  const Moment start_;
};

struct Sample {
  Usage usage;
  // While it was measured.
  uint64_t deliveries = 0;
  uint64_t published = 0;
  // Over all, and of them such as the server said were lost.
  uint64_t heard = 0;
  uint64_t missing = 0;
  Histogram latency;
  Histogram answers;
};

// Subscribes, publishes, warms up, measures, waits until everything has been heard. DATA_LOSS if a subscriber lost a
// message unsaid, or heard one twice or out of turn.
absl::StatusOr<Sample> Measure(const Extent& extent, const Subject& subject, const Load& load);
// The same with subscribers that are there already; they are stopped in the end.
absl::StatusOr<Sample> Measure(const Extent& extent, const Subject& subject, const Load& load, SubscriberSet* set);

// The same with nobody who hears it.
absl::StatusOr<Sample> MeasurePublishing(const Extent& extent, const Subject& subject, const PublisherSpec& spec);

// Waits until `over` or, at the latest, `patience`; true if over.
bool AwaitFor(absl::Duration patience, const std::function<bool()>& over);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_WORKLOADS_MEASURE_H_
