#ifndef NMQ_CLIENT_CLI_HISTOGRAM_H_
#define NMQ_CLIENT_CLI_HISTOGRAM_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace nmq {
namespace cli {

// How long things took, to about 3 %: 32 steps for each doubling, from a microsecond to a day. Not thread-safe.
class Histogram {
 public:
  void Add(absl::Duration time);
  // Takes in what another one counted.
  void Merge(const Histogram& other);

  uint64_t count() const { return count_; }
  absl::Duration mean() const;
  absl::Duration least() const { return least_; }
  absl::Duration most() const { return most_; }
  // The time that this part of them took at the most: 0.5 for the median. Zero if there are none.
  absl::Duration Quantile(double part) const;

  // Rows with bars, one for each of ten ranges or fewer, at most `width` characters wide; empty if there are none.
  std::string Bars(size_t width) const;

 private:
  static constexpr int kSteps = 32;
  static constexpr int kDoublings = 37;

  static size_t IndexOf(absl::Duration time);
  // The upper end of that step.
  static absl::Duration EndOf(size_t index);

  std::array<uint64_t, kSteps* kDoublings> steps_ = {};
  uint64_t count_ = 0;
  absl::Duration sum_;
  absl::Duration least_;
  absl::Duration most_;
};

// With three digits: "812 us", "1.23 ms", "4.56 s".
std::string TimeText(absl::Duration time);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_HISTOGRAM_H_
