#ifndef NMQ_TESTS_BENCH_CLIENT_H_
#define NMQ_TESTS_BENCH_CLIENT_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/bench/histogram.h"

namespace nmq::bench {

// What all subscribers of a set have heard.
struct ReceiveTotals {
  uint64_t messages = 0;
  // Messages that gaps told of, and how many gaps.
  uint64_t missing = 0;
  uint64_t gaps = 0;
  // Messages that came out of their turn: twice, too early or too late.
  uint64_t disorder = 0;
  uint64_t heartbeats = 0;
};

struct SubscriberSpec {
  std::string queue;
  int subscribers = 1;
  // Connections, used in turn; never more than subscribers.
  int channels = 1;
  // Clients (sessions), used in turn.
  int clients = 1;
  // Threads that poll.
  int threads = 1;
  // Looks into every message for its latency, not only into each batch's first.
  bool every_latency = false;
};

// Live subscriptions. Thread-safe. Destroying them cancels what is still running.
class SubscriberSet {
 public:
  virtual ~SubscriberSet() = default;

  virtual ReceiveTotals Totals() const = 0;
  // What the slowest subscriber has heard or was told to be missing.
  virtual uint64_t Slowest() const = 0;
  // The error that a stream ended with, if one did.
  virtual absl::Status Health() const = 0;
  // The longest silence that the server promises; zero if it promised none.
  virtual absl::Duration heartbeat() const = 0;
  // Records the latency of messages that were published from `from` to before `to`, by the clock of Now(). Before this
  // call, nothing is recorded.
  virtual void RecordLatency(int64_t from, int64_t to = std::numeric_limits<int64_t>::max()) = 0;
  // Ends all streams, waits for that, and says what was recorded. Once only.
  virtual Histogram Stop() = 0;
};

struct PublisherSpec {
  std::string queue;
  int payload_bytes = 128;
  // Messages of a batch.
  int batch = 100;
  // Batches that wait for their answer, at the most.
  int window = 16;
  // Messages that the slowest subscriber may be behind before publishing pauses.
  uint64_t lag = 20000;
  // Stops by itself after that many messages, rounded up to whole batches; 0: no bound.
  uint64_t max_messages = 0;
  // What the slowest subscriber has heard. Called often, from the publisher's thread.
  std::function<uint64_t()> slowest;
};

enum class PaceMode { kStream, kUnary };

struct PaceSpec {
  std::string queue;
  int payload_bytes = 128;
  int per_second = 2000;
  uint64_t max_messages = 0;
  // One batch of one message on a PublishStream, or one Publish, for each.
  PaceMode mode = PaceMode::kStream;
};

// Publishes from its construction on. Thread-safe.
class Publisher {
 public:
  virtual ~Publisher() = default;

  // Messages that the server has accepted.
  virtual uint64_t accepted() const = 0;
  // True when max_messages are accepted, or after a failure.
  virtual bool done() const = 0;
  // Stops, waits for all answers, and says whether every one was an acceptance. Once only.
  virtual absl::Status Finish() = 0;
};

// A kind of client whose cost is measured together with the server's.
class Client {
 public:
  virtual ~Client() = default;

  // Returns when all subscriptions are live.
  virtual absl::StatusOr<std::unique_ptr<SubscriberSet>> Subscribe(const SubscriberSpec& spec) = 0;
  virtual absl::StatusOr<std::unique_ptr<Publisher>> Publish(const PublisherSpec& spec) = 0;
  virtual absl::StatusOr<std::unique_ptr<Publisher>> PublishPaced(const PaceSpec& spec) = 0;
};

// Nanoseconds of the steady clock, which payloads carry: the same for all processes of a machine.
int64_t Now();

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_CLIENT_H_
