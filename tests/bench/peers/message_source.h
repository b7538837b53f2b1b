#ifndef NMQ_TESTS_BENCH_PEERS_MESSAGE_SOURCE_H_
#define NMQ_TESTS_BENCH_PEERS_MESSAGE_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/harness/payload.h"
#include "tests/bench/peers/publish_link.h"

namespace nmq::bench {

// One publisher: a link, and the messages 0, 1, 2, ... that it carries. One thread at a time.
class MessageSource {
 public:
  // Number `publisher` of `publishers`, each of which begins with another destination.
  MessageSource(std::unique_ptr<PublishLink> link, const LinkSpec& spec, size_t publisher, size_t publishers);

  // Adds the next messages to the batch, all with this time.
  absl::Status Add(int messages, int64_t now);
  PublishLink* link() { return link_.get(); }

 private:
  std::unique_ptr<PublishLink> link_;
  size_t names_;
  size_t next_name_;
  Stamp stamp_;
  std::string payload_;
};

// As many of them, each with a link of its own.
absl::StatusOr<std::vector<MessageSource>> OpenSources(const LinkSpec& spec, int publishers, const LinkOpener& open);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_PEERS_MESSAGE_SOURCE_H_
