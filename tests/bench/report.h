#ifndef NMQ_TESTS_BENCH_REPORT_H_
#define NMQ_TESTS_BENCH_REPORT_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace nmq::bench {

// The figures of all workloads and rounds. Not thread-safe.
class Report {
 public:
  // One round's value of a figure.
  void Add(absl::string_view workload, absl::string_view figure, absl::string_view unit, double value);

  // The values of a figure, in the order of the rounds; empty if there are none.
  std::vector<double> Values(absl::string_view workload, absl::string_view figure) const;

  // Figures down, workloads across: the medians, and below them "min..max" where rounds differ.
  void PrintTable(std::ostream& out) const;
  // An array of {workload, figure, unit, value, min, max, rounds}, where value is the median.
  void PrintJson(std::ostream& out) const;

 private:
  struct Series {
    std::string workload;
    std::string figure;
    std::string unit;
    std::vector<double> values;
  };

  const Series* Find(absl::string_view workload, absl::string_view figure) const;

  std::vector<Series> series_;
};

// The middle value, or the mean of the two in the middle. There must be a value.
double Median(std::vector<double> values);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_REPORT_H_
