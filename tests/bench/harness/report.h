#ifndef NMQ_TESTS_BENCH_HARNESS_REPORT_H_
#define NMQ_TESTS_BENCH_HARNESS_REPORT_H_

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace nmq::bench {

// The figures of all workloads, systems and rounds. Not thread-safe.
class Report {
 public:
  // One round's value of a figure.
  void Add(absl::string_view workload, absl::string_view system, absl::string_view figure, absl::string_view unit,
           double value);

  // The values of a figure, in the order of the rounds; empty if there are none.
  std::vector<double> Values(absl::string_view workload, absl::string_view system, absl::string_view figure) const;
  // What there are figures of, in the order of their first appearance.
  std::vector<std::string> Workloads() const;
  std::vector<std::string> Systems() const;

  // Workloads and their figures down, systems across: the medians, and below them "min..max" where rounds differ.
  void PrintTable(std::ostream& out) const;
  // An object of the given texts and "records", an array of {workload, system, figure, unit, median, min, max, rounds}.
  void PrintJson(const std::vector<std::pair<std::string, std::string>>& texts, std::ostream& out) const;

 private:
  struct Series {
    std::string workload;
    std::string system;
    std::string figure;
    std::string unit;
    std::vector<double> values;
  };

  const Series* Find(absl::string_view workload, absl::string_view system, absl::string_view figure) const;
  void PrintFigure(const std::string& workload, const std::string& figure, std::ostream& out) const;

  std::vector<Series> series_;
};

// The middle value, or the mean of the two in the middle. There must be a value.
double Median(std::vector<double> values);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_HARNESS_REPORT_H_
