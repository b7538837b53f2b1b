#include "tests/bench/workloads/cases.h"

#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace nmq::bench {
namespace {

double Millis(int64_t nanos) { return static_cast<double>(nanos) / 1e6; }

}  // namespace

std::vector<Case> AllCases(Scale scale) {
  std::vector<Case> cases;
  AddFanOut(scale, &cases);
  AddPaced(scale, &cases);
  AddRooms(scale, &cases);
  AddInterests(scale, &cases);
  AddPublishing(scale, &cases);
  AddIdle(scale, &cases);
  AddStalled(scale, &cases);
  AddStoring(scale, &cases);
  AddConsuming(scale, &cases);
  AddBeside(scale, &cases);
  AddRestart(scale, &cases);
  return cases;
}

void AddDeliveries(const Sample& sample, const Record& record) {
  const double count = static_cast<double>(sample.deliveries);
  if (count == 0) return;
  record.Add("deliveries", "1/s", count / absl::ToDoubleSeconds(sample.usage.time));
  record.Add("server CPU per delivery", "us", absl::ToDoubleMicroseconds(sample.usage.server_cpu) / count);
  record.Add("client CPU per delivery", "us", absl::ToDoubleMicroseconds(sample.usage.client_cpu) / count);
}

void AddLatency(const Histogram& latency, absl::string_view name, const Record& record) {
  if (latency.count() == 0) return;
  record.Add(absl::StrCat(name, " p50"), "ms", Millis(latency.Quantile(0.5)));
  record.Add(absl::StrCat(name, " p99"), "ms", Millis(latency.Quantile(0.99)));
  record.Add(absl::StrCat(name, " p99.9"), "ms", Millis(latency.Quantile(0.999)));
}

double GrowthExponent(const std::vector<std::pair<double, double>>& costs) {
  double x = 0, y = 0, xx = 0, xy = 0;
  for (const auto& [number, cost] : costs) {
    const double log_number = std::log(number);
    const double log_cost = std::log(cost);
    x += log_number;
    y += log_cost;
    xx += log_number * log_number;
    xy += log_number * log_cost;
  }
  const double n = static_cast<double>(costs.size());
  return (n * xy - x * y) / (n * xx - x * x);
}

void AddGrowth(Report* report) {
  for (const absl::string_view kind : {"W8/subscribers", "W8/rooms"}) {
    for (const std::string& system : report->Systems()) {
      std::vector<std::pair<double, double>> costs;
      for (const std::string& workload : report->Workloads()) {
        if (!absl::StartsWith(workload, absl::StrCat(kind, "/"))) continue;
        const std::vector<double> values = report->Values(workload, system, "server CPU per delivery");
        double number;
        const std::vector<std::string> parts = absl::StrSplit(workload, '/');
        if (values.empty() || Median(values) <= 0 || !absl::SimpleAtod(parts.back(), &number)) continue;
        costs.emplace_back(number, Median(values));
      }
      if (costs.size() >= 2) report->Add(kind, system, "exponent of cost per delivery", "", GrowthExponent(costs));
    }
  }
}

}  // namespace nmq::bench
