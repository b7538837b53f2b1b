#include "absl/strings/str_cat.h"
#include "tests/bench/workloads/cases.h"

namespace nmq::bench {
namespace {

absl::Status RunPublishing(const PublisherSpec& spec, const Extent& extent, const Subject& subject,
                           const Record& record) {
  const absl::StatusOr<Sample> sample = MeasurePublishing(extent, subject, spec);
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
