#ifndef NMQ_TESTS_BENCH_NMQ_REQUESTS_H_
#define NMQ_TESTS_BENCH_NMQ_REQUESTS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/harness/client.h"
#include "tests/bench/nmq/stamped_template.h"

namespace nmq::bench {

// The encoded requests that take a publisher once or several times through all destinations, and then start over.
// Immutable, so thread-safe.
class Requests {
 public:
  // PublishStreamRequests of `batch` messages, or PublishRequests.
  static Requests Batches(const std::string& queue, const std::vector<Destination>& destinations, int payload_bytes,
                          int batch);
  static Requests Messages(const std::string& queue, const std::vector<Destination>& destinations, int payload_bytes);

  // Publishers begin at different places, evenly spread.
  size_t FirstOf(int publisher, int publishers) const;
  const StampedTemplate& at(uint64_t position) const { return templates_[position % templates_.size()]; }

 private:
  std::vector<StampedTemplate> templates_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_REQUESTS_H_
