#ifndef NMQ_TESTS_BENCH_PEERS_MESSAGE_SOURCE_H_
#define NMQ_TESTS_BENCH_PEERS_MESSAGE_SOURCE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
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

// How far publishing is. Thread-safe.
class Outcome {
 public:
  // What became of some messages. False if it was a failure.
  bool Add(const absl::StatusOr<uint64_t>& accepted);
  bool Add(const absl::Status& status);

  uint64_t accepted() const { return accepted_.load(std::memory_order_relaxed); }
  bool failed() const { return failed_.load(std::memory_order_relaxed); }
  // The first failure.
  absl::Status verdict() const;

 private:
  std::atomic<uint64_t> accepted_{0};
  std::atomic<bool> failed_{false};
  mutable absl::Mutex mutex_;
  absl::Status verdict_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_PEERS_MESSAGE_SOURCE_H_
