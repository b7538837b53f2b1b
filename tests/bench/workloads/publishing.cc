#include "absl/strings/str_cat.h"
#include "tests/bench/workloads/cases.h"

namespace nmq::bench {
namespace {

// Nobody listens.
class NoSubscribers final : public SubscriberSet {
 public:
  ReceiveTotals Totals() const override { return {}; }
  uint64_t Slowest() const override { return 0; }
  absl::Status Health() const override { return absl::OkStatus(); }
  absl::Duration heartbeat() const override { return absl::ZeroDuration(); }
  void RecordLatency(int64_t, int64_t) override {}
  Histogram Stop() override { return {}; }
};

absl::Status RunPublishing(const PublisherSpec& spec, const Extent& extent, const Subject& subject,
                           const Record& record) {
  const Load load = {.eager = spec, .fan_out = 0};
  NoSubscribers nobody;
  const absl::StatusOr<Sample> sample = Measure(extent, subject, load, &nobody);
  if (!sample.ok()) return sample.status();
  const double published = static_cast<double>(sample->published);
  record.Add("published", "1/s", published / absl::ToDoubleSeconds(sample->usage.time));
  record.Add("server CPU per message", "us", absl::ToDoubleMicroseconds(sample->usage.server_cpu) / published);
  AddLatency(sample->answers, "answer", record);
  return absl::OkStatus();
}

Case PublishingCase(const std::string& name, const PublisherSpec& spec) {
  return {.name = name, .run = [spec](const Extent& extent, const Subject& subject, const Record& record) {
            return RunPublishing(spec, extent, subject, record);
          }};
}

}  // namespace

void AddPublishing(Scale scale, std::vector<Case>* cases) {
  const bool full = scale == Scale::kFull;
  for (const int callers : full ? std::vector<int>{1, 4, 16, 64} : std::vector<int>{4}) {
    cases->push_back(PublishingCase(absl::StrCat("W5/unary/", callers),
                                    {.queue = "bench", .way = PublishWay::kUnary, .batch = 1, .window = callers}));
  }
  for (const int batch : full ? std::vector<int>{1, 10, 100} : std::vector<int>{10}) {
    cases->push_back(PublishingCase(absl::StrCat("W5/stream/", batch), {.queue = "bench", .batch = batch}));
  }
}

}  // namespace nmq::bench
