#ifndef NMQ_TESTS_BENCH_NATS_NATS_PROTOCOL_H_
#define NMQ_TESTS_BENCH_NATS_NATS_PROTOCOL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace nmq::bench {

// What a client says first. The answer to its PING confirms the subscriptions, whose numbers are their places here.
std::string NatsGreeting(const std::vector<std::string>& subjects);

// What a NatsReader calls for what it reads.
class NatsHandler {
 public:
  virtual ~NatsHandler() = default;

  virtual void OnMessage(uint64_t subscription, absl::string_view payload) = 0;
  // The server wants a PONG.
  virtual absl::Status OnPing() = 0;
  virtual void OnPong() = 0;
};

// Reads what a server sends. Copies only messages that come in pieces. Not thread-safe.
class NatsReader {
 public:
  // `handler` must outlive it.
  explicit NatsReader(NatsHandler* handler) : handler_(handler) {}

  // Reads these bytes, and those before that were no whole message or line.
  absl::Status Feed(absl::string_view bytes);

 private:
  // Takes what is whole from the begin of `bytes`.
  absl::Status Take(absl::string_view* bytes);
  absl::Status OnLine(absl::string_view line);

  NatsHandler* const handler_;
  std::string rest_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NATS_NATS_PROTOCOL_H_
