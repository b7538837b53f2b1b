#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/bench/harness/disk.h"
#include "tests/bench/harness/system.h"
#include "tests/bench/workloads/cases.h"

namespace nmq::bench {
namespace {

// How the disk itself is measured: one page, for about as long as a server.
constexpr size_t kDiskBytes = 4096;
constexpr int kDiskTimes = 5000;
constexpr int kDiskTimesShort = 5;
constexpr absl::Duration kDiskPatience = absl::Seconds(1);

constexpr absl::Duration kStorePatience = absl::Minutes(10);

double Millis(int64_t nanos) { return static_cast<double>(nanos) / 1e6; }

absl::Status RunStoring(const PublisherSpec& spec, bool latency, const Extent& extent, const Subject& subject,
                        const Record& record) {
  const int times = extent.messages == 0 ? kDiskTimes : kDiskTimesShort;
  const absl::StatusOr<Histogram> disk = MeasureSyncs(subject.folder, kDiskBytes, times, kDiskPatience);
  if (!disk.ok()) return disk.status();
  const absl::StatusOr<Sample> sample = MeasurePublishing(extent, subject, spec);
  if (!sample.ok()) return sample.status();
  const double published = static_cast<double>(sample->published);
  record.Add("stored", "1/s", published / absl::ToDoubleSeconds(sample->usage.time));
  record.Add("server CPU per message", "us", absl::ToDoubleMicroseconds(sample->usage.server_cpu) / published);
  const double disk_p50 = Millis(disk->Quantile(0.5));
  if (latency && sample->answers.count() != 0) {
    record.Add("answer p50", "ms", Millis(sample->answers.Quantile(0.5)));
    record.Add("answer p99", "ms", Millis(sample->answers.Quantile(0.99)));
    record.Add("answer p50 / disk's own p50", "", Millis(sample->answers.Quantile(0.5)) / disk_p50);
  }
  record.Add("disk's own sync p50", "ms", disk_p50);
  record.Add("disk's own sync p99", "ms", Millis(disk->Quantile(0.99)));
  return absl::OkStatus();
}

Case StoringCase(const std::string& name, const PublisherSpec& spec, bool latency) {
  return {.name = name,
          .stores = true,
          .run = [spec, latency](const Extent& extent, const Subject& subject, const Record& record) {
            return RunStoring(spec, latency, extent, subject, record);
          }};
}

}  // namespace

void AddStoring(Scale scale, std::vector<Case>* cases) {
  const int window = scale == Scale::kFull ? 64 : 8;
  cases->push_back(StoringCase("D1/one", {.queue = kStoredQueue, .way = PublishWay::kUnary, .batch = 1, .window = 1},
                               /*latency=*/true));
  cases->push_back(StoringCase(absl::StrCat("D1/", window),
                               {.queue = kStoredQueue, .way = PublishWay::kUnary, .batch = 1, .window = window},
                               /*latency=*/true));
  // The peers' messages of D1/64 share a stream already.
  Case streamed = StoringCase(absl::StrCat("D1/", window, "/stream"),
                              {.queue = kStoredQueue, .batch = 1, .window = window}, /*latency=*/true);
  streamed.only_nmq = true;
  cases->push_back(std::move(streamed));
  cases->push_back(StoringCase("D1/stream", {.queue = kStoredQueue, .batch = 100}, /*latency=*/false));
}

absl::Status StoreMessages(uint64_t messages, int batch, const Subject& subject) {
  const absl::StatusOr<std::unique_ptr<Publisher>> publisher =
      subject.client->Publish({.queue = kStoredQueue, .batch = batch, .max_messages = messages});
  if (!publisher.ok()) return publisher.status();
  AwaitFor(kStorePatience, [&] { return (*publisher)->done(); });
  if (absl::Status status = (*publisher)->Finish(); !status.ok()) return status;
  if ((*publisher)->accepted() == messages) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(messages, " messages were to be stored, ", (*publisher)->accepted(), " were accepted"));
}

}  // namespace nmq::bench
