#ifndef NMQ_TESTS_BENCH_PEERS_STORING_PUBLISHER_H_
#define NMQ_TESTS_BENCH_PEERS_STORING_PUBLISHER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/bench/harness/client.h"

namespace nmq::bench {

// A connection whose server answers each message when it has stored it. One thread at a time.
class StoreLink {
 public:
  virtual ~StoreLink() = default;

  // Hands over a message that was stamped at `now`; waits before that while too many have no answer.
  virtual absl::Status Store(absl::string_view payload, int64_t now) = 0;
  // Waits until all have an answer.
  virtual absl::Status Complete() = 0;
};

// Says of one message that its answer came, or that it was refused, and when it was handed over. Thread-safe.
using OnStored = std::function<void(const absl::Status&, int64_t sent)>;
using StoreLinkOpener = std::function<absl::StatusOr<std::unique_ptr<StoreLink>>(const PublisherSpec&, OnStored)>;

// Client::Publish() by one such link, from a thread of its own. One connection and destination only.
absl::StatusOr<std::unique_ptr<Publisher>> StartStoringPublisher(const PublisherSpec& spec,
                                                                 const StoreLinkOpener& open);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_PEERS_STORING_PUBLISHER_H_
