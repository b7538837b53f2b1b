#ifndef NMQ_TESTS_BENCH_PEERS_PUBLISH_LINK_H_
#define NMQ_TESTS_BENCH_PEERS_PUBLISH_LINK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nmq::bench {

struct LinkSpec {
  // Where messages can go; see NamesOf().
  std::vector<std::string> names;
  // Size of every payload.
  size_t payload_bytes = 0;
  // Batches that may wait for their answer, where there are answers.
  size_t window = 1;
  // Nothing waits for more to come.
  bool at_once = false;
};

// A connection for publishing. One thread at a time.
class PublishLink {
 public:
  virtual ~PublishLink() = default;

  // Adds a message for one of the names to the batch.
  virtual absl::Status Add(size_t name, absl::string_view payload) = 0;
  // Sends the batch; waits before that if too many have no answer. Returns how many more messages are accepted.
  virtual absl::StatusOr<uint64_t> Send() = 0;
  // Waits until the server has everything that was sent. Returns how many more messages are accepted.
  virtual absl::StatusOr<uint64_t> Confirm() = 0;
};

using LinkOpener = std::function<absl::StatusOr<std::unique_ptr<PublishLink>>(const LinkSpec&)>;

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_PEERS_PUBLISH_LINK_H_
