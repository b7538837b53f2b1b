#ifndef NMQ_TESTS_BENCH_HARNESS_HISTOGRAM_H_
#define NMQ_TESTS_BENCH_HARNESS_HISTOGRAM_H_

#include <cstdint>
#include <vector>

namespace nmq::bench {

// Counts values from 0 up to 2^40 (18 minutes, in nanoseconds) in buckets that are at most 1/64 of a value wide. Larger
// values count as the largest. Not thread-safe: one for each thread, merged in the end.
class Histogram {
 public:
  Histogram();

  void Add(int64_t value);
  void Merge(const Histogram& other);
  uint64_t count() const { return count_; }
  int64_t max() const { return max_; }
  // The value below or at which `fraction` (0 to 1) of all values are, rounded up to its bucket's end but never above
  // max(); 0 if there are none.
  int64_t Quantile(double fraction) const;

 private:
  std::vector<uint64_t> buckets_;
  uint64_t count_ = 0;
  int64_t max_ = 0;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_HARNESS_HISTOGRAM_H_
