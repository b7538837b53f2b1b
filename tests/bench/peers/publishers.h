#ifndef NMQ_TESTS_BENCH_PEERS_PUBLISHERS_H_
#define NMQ_TESTS_BENCH_PEERS_PUBLISHERS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/peers/publish_link.h"

namespace nmq::bench {

// Client::Publish() by links: kStream by one thread that takes its connections in turn, kUnary by `window` callers for
// each connection, which have a thread and a link each.
absl::StatusOr<std::unique_ptr<Publisher>> StartPublisher(const PublisherSpec& spec, const LinkOpener& open);

// Client::PublishPaced() by links that send at once.
absl::StatusOr<std::unique_ptr<Publisher>> StartPacedPublisher(const PaceSpec& spec, const LinkOpener& open);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_PEERS_PUBLISHERS_H_
