#ifndef NMQ_TESTS_BENCH_HARNESS_CLIENT_H_
#define NMQ_TESTS_BENCH_HARNESS_CLIENT_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/bench/harness/histogram.h"
#include "tests/bench/harness/throttle.h"

namespace nmq::bench {

// What all subscribers of a set have heard.
struct ReceiveTotals {
  uint64_t messages = 0;
  // Messages that the server said were lost, and how often it said so.
  uint64_t missing = 0;
  uint64_t gaps = 0;
  // Messages that came out of their turn: twice, too early or too late.
  uint64_t disorder = 0;
  uint64_t heartbeats = 0;
};

// What one subscriber hears of a queue.
struct Interest {
  // Empty: every event. Else events, or patterns as nmq writes them: `*` for one token between dots.
  std::vector<std::string> events = {};
  // Rooms that it is in. What is for everyone, it hears all the same.
  std::vector<std::string> rooms = {};
};

struct SubscriberSpec {
  std::string queue = {};
  int subscribers = 1;
  // Connections, used in turn; never more than subscribers. Redis has one for each subscriber, which its protocol
  // wants.
  int connections = 1;
  // Clients (sessions of nmq), used in turn.
  int clients = 1;
  // Threads that poll, where that can be chosen.
  int threads = 1;
  // By the subscriber's number; null: everything.
  std::function<Interest(int)> interest = nullptr;
  // Looks into every message for its latency, where not doing so is cheaper.
  bool every_latency = false;
  // Never reads a byte after the subscriptions are live.
  bool stalled = false;
  // Hears what the queue holds, too, from its oldest message on.
  bool from_earliest = false;
};

// Live subscriptions. Thread-safe. Destroying them cancels what is still running.
class SubscriberSet {
 public:
  virtual ~SubscriberSet() = default;

  virtual ReceiveTotals Totals() const = 0;
  // What the slowest subscriber has heard or was told to be missing.
  virtual uint64_t Slowest() const = 0;
  // The error that a subscription ended with, if one did.
  virtual absl::Status Health() const = 0;
  // The longest silence that the server promises; zero if it promised none.
  virtual absl::Duration heartbeat() const = 0;
  // Records the latency of messages that were published from `from` to before `to`, by the clock of Now(). Before this
  // call, nothing is recorded.
  virtual void RecordLatency(int64_t from, int64_t to = std::numeric_limits<int64_t>::max()) = 0;
  // Ends all subscriptions, waits for that, and says what was recorded. Once only.
  virtual Histogram Stop() = 0;
};

// Where a message goes: to the queue's subscribers in a room, or to all of them if it is empty.
struct Destination {
  std::string event = "tick";
  std::string room = {};
};

// How messages are handed over.
enum class PublishWay {
  // The fastest way in: nmq's PublishStream, pipelined PUBLISH of Redis, buffered publishing of NATS and Socket.IO.
  kStream,
  // Each message waits for its answer: nmq's Publish, PUBLISH, publish and flush of NATS, emit with acknowledgement.
  // Where messages are stored: each is one of its own, and `window` of them may wait.
  kUnary,
};

struct PublisherSpec {
  std::string queue;
  // A publisher's message number n goes to one after the other of these.
  std::vector<Destination> destinations = {{}};
  int payload_bytes = 128;
  PublishWay way = PublishWay::kStream;
  // Each is a publisher with messages numbered 0, 1, 2, ... (see payload.h).
  int connections = 1;
  // kStream: messages of a batch.
  int batch = 100;
  // Batches, or messages of kUnary, that wait for their answer at the most; of each connection.
  int window = 64;
  // Stops by itself after about that many messages in all; 0: no bound.
  uint64_t max_messages = 0;
  // Asked before each batch; null: no bound. Must outlive the publisher.
  Throttle* throttle = nullptr;
};

struct PaceSpec {
  std::string queue;
  std::vector<Destination> destinations = {{}};
  int payload_bytes = 128;
  PublishWay way = PublishWay::kStream;
  // Publishers, used in turn.
  int connections = 1;
  // Messages of all publishers, handed over one at a time.
  int per_second = 2000;
  uint64_t max_messages = 0;
};

// Publishes from its construction on. Thread-safe.
class Publisher {
 public:
  virtual ~Publisher() = default;

  // Messages that the server has accepted; where it does not say so, those that were handed over.
  virtual uint64_t accepted() const = 0;
  // True when max_messages are accepted, or after a failure.
  virtual bool done() const = 0;
  // Records from now on how long answers take, if it can.
  virtual void RecordAnswers() {}
  // Stops, waits for all answers, and says whether every one was an acceptance. Once only.
  virtual absl::Status Finish() = 0;
  // What was recorded; after Finish().
  virtual Histogram answers() const { return {}; }
};

// Consumers that share what a queue stores.
struct ConsumerSpec {
  std::string queue = {};
  int consumers = 1;
  // Messages that are stored there, by one publisher; all are to be consumed.
  uint64_t messages = 0;
};

// One reader of all that a queue stores.
struct HistorySpec {
  std::string queue = {};
  // Messages that are stored there, by one publisher.
  uint64_t messages = 0;
};

// What became of stored messages.
struct Consumption {
  // From the first request to the end: the last acknowledgement is noted by the server, or the last message is read.
  absl::Duration time;
  // Different messages that were heard, and, of consumers, acknowledged.
  uint64_t messages = 0;
  // What was heard twice or, by one reader, out of turn.
  uint64_t wrong = 0;
};

// A kind of client whose cost is measured together with the server's. What a system cannot do is UNIMPLEMENTED.
class Client {
 public:
  virtual ~Client() = default;

  // Returns when all subscriptions are live.
  virtual absl::StatusOr<std::unique_ptr<SubscriberSet>> Subscribe(const SubscriberSpec& spec) = 0;
  virtual absl::StatusOr<std::unique_ptr<Publisher>> Publish(const PublisherSpec& spec) = 0;
  virtual absl::StatusOr<std::unique_ptr<Publisher>> PublishPaced(const PaceSpec& spec) = 0;
  // Acknowledges every stored message, and returns when the server has noted that.
  virtual absl::StatusOr<Consumption> Consume(const ConsumerSpec&) {
    return absl::UnimplementedError("it stores nothing");
  }
  // Reads every stored message once, in order.
  virtual absl::StatusOr<Consumption> ReadHistory(const HistorySpec&) {
    return absl::UnimplementedError("it stores nothing");
  }
  // Another process that does the client's work; 0: this one does it.
  virtual pid_t process() const { return 0; }
};

// Nanoseconds of the steady clock, which payloads carry: the same for all processes of a machine.
int64_t Now();

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_HARNESS_CLIENT_H_
