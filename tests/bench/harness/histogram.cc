#include "tests/bench/harness/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace nmq::bench {
namespace {

// Values below 2 * kSteps have a bucket each; then every doubling has kSteps buckets.
constexpr int kStepBits = 6;
constexpr int64_t kSteps = int64_t{1} << kStepBits;
constexpr int kValueBits = 40;
constexpr int64_t kLargest = (int64_t{1} << kValueBits) - 1;
constexpr size_t kBuckets = static_cast<size_t>((kValueBits - kStepBits + 1) * kSteps);

size_t BucketOf(int64_t value) {
  const int shift = std::max(0, static_cast<int>(std::bit_width(static_cast<uint64_t>(value))) - kStepBits - 1);
  return static_cast<size_t>(shift * kSteps + (value >> shift));
}

int64_t EndOf(size_t bucket) {
  const int64_t index = static_cast<int64_t>(bucket);
  if (index < 2 * kSteps) return index;
  const int shift = static_cast<int>(index / kSteps) - 1;
  return ((index - shift * kSteps + 1) << shift) - 1;
}

}  // namespace

Histogram::Histogram() : buckets_(kBuckets) {}

void Histogram::Add(int64_t value) {
  value = std::clamp(value, int64_t{0}, kLargest);
  ++buckets_[BucketOf(value)];
  ++count_;
  max_ = std::max(max_, value);
}

void Histogram::Merge(const Histogram& other) {
  for (size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

int64_t Histogram::Quantile(double fraction) const {
  if (count_ == 0) return 0;
  const double wish = std::ceil(std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count_));
  const uint64_t rank = std::clamp(static_cast<uint64_t>(wish), uint64_t{1}, count_);
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(EndOf(i), max_);
  }
  return max_;
}

}  // namespace nmq::bench
