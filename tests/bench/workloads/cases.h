#ifndef NMQ_TESTS_BENCH_WORKLOADS_CASES_H_
#define NMQ_TESTS_BENCH_WORKLOADS_CASES_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tests/bench/harness/report.h"
#include "tests/bench/workloads/measure.h"

namespace nmq::bench {

// Where the figures of one measurement go.
class Record {
 public:
  Record(Report* report, absl::string_view workload, absl::string_view system)
      : report_(report), workload_(workload), system_(system) {}

  void Add(absl::string_view figure, absl::string_view unit, double value) const {
    report_->Add(workload_, system_, figure, unit, value);
  }

 private:
  Report* const report_;
  const std::string workload_;
  const std::string system_;
};

// One thing that is measured, on each system.
struct Case {
  // "W1/10/128": the workload and its parameters.
  std::string name;
  // Only of nmq: how its cost grows, or what only it can do.
  bool only_nmq = false;
  // The system stores messages (kStoredQueue).
  bool stores = false;
  // Connections that clients open at the same time, where subscribers can share them.
  int connections = 100;
  std::function<absl::Status(const Extent&, const Subject&, const Record&)> run;
};

// All of them, or a small version of each.
enum class Scale { kFull, kShort };
std::vector<Case> AllCases(Scale scale);

// What AllCases is made of; each adds its own. W1 and W8: fan-out and its growth.
void AddFanOut(Scale scale, std::vector<Case>* cases);
// W2: latency at a fixed rate.
void AddPaced(Scale scale, std::vector<Case>* cases);
// W3 and W8: rooms, and growth with their number.
void AddRooms(Scale scale, std::vector<Case>* cases);
// W4: many subscribers, each of which wants little.
void AddInterests(Scale scale, std::vector<Case>* cases);
// W5: publishing alone.
void AddPublishing(Scale scale, std::vector<Case>* cases);
// W6: subscriptions that hear nothing.
void AddIdle(Scale scale, std::vector<Case>* cases);
// W7: one subscriber that does not read.
void AddStalled(Scale scale, std::vector<Case>* cases);
// D1: storing messages.
void AddStoring(Scale scale, std::vector<Case>* cases);
// D2 and D3: consuming stored messages with acknowledgements, and reading them.
void AddConsuming(Scale scale, std::vector<Case>* cases);
// D4: live messages beside messages that are stored.
void AddBeside(Scale scale, std::vector<Case>* cases);
// D5: a server that is killed and started again.
void AddRestart(Scale scale, std::vector<Case>* cases);

// Stores that many messages in kStoredQueue, as fast as it goes. DATA_LOSS if not exactly those were accepted.
absl::Status StoreMessages(uint64_t messages, int batch, const Subject& subject);

// Figures that several workloads have.
void AddDeliveries(const Sample& sample, const Record& record);
void AddLatency(const Histogram& latency, absl::string_view name, const Record& record);

// How the cost per delivery grows with the number: the slope of their logarithms, 0 for not at all.
double GrowthExponent(const std::vector<std::pair<double, double>>& costs);
// Adds the exponents to a report that has W8's figures.
void AddGrowth(Report* report);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_WORKLOADS_CASES_H_
