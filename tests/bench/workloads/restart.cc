#include <cstdint>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/bench/harness/system.h"
#include "tests/bench/workloads/cases.h"

namespace nmq::bench {
namespace {

constexpr int kBatch = 100;
constexpr absl::Duration kAnswerPatience = absl::Minutes(1);
constexpr absl::Duration kLook = absl::Microseconds(200);
constexpr double kMebibyte = 1024.0 * 1024.0;

// Publishes one message and waits for its answer.
absl::Status PublishOne(const Subject& subject) {
  const absl::StatusOr<std::unique_ptr<Publisher>> publisher = subject.client->Publish(
      {.queue = kStoredQueue, .way = PublishWay::kUnary, .batch = 1, .window = 1, .max_messages = 1});
  if (!publisher.ok()) return publisher.status();
  const absl::Time deadline = absl::Now() + kAnswerPatience;
  while (!(*publisher)->done() && absl::Now() < deadline) absl::SleepFor(kLook);
  return (*publisher)->Finish();
}

absl::Status CheckSurvivors(uint64_t messages, const Subject& subject) {
  const absl::StatusOr<Consumption> read = subject.client->ReadHistory({.queue = kStoredQueue, .messages = messages});
  if (!read.ok()) return read.status();
  if (read->messages == messages && read->wrong == 0) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(messages, " messages were stored, after the restart ", read->messages,
                                          " were there, ", read->wrong, " twice or out of turn"));
}

absl::Status RunRestart(const Extent& extent, const Subject& subject, const Record& record) {
  const uint64_t messages = extent.messages != 0 ? extent.messages : extent.survivors;
  if (absl::Status status = StoreMessages(messages, kBatch, subject); !status.ok()) return status;
  const absl::StatusOr<Restarted> again = subject.restart();
  if (!again.ok()) return again.status();
  if (absl::Status status = PublishOne(again->subject); !status.ok()) return status;
  const double answered = static_cast<double>(Now() - again->start);
  const absl::StatusOr<ProcessStats> stats = ReadProcessStats(again->subject.server);
  if (!stats.ok()) return stats.status();
  record.Add("stored messages", "", static_cast<double>(messages));
  record.Add("ready after", "s", absl::ToDoubleSeconds(again->ready));
  record.Add("first message answered after", "s", answered / 1e9);
  record.Add("server memory then", "MiB", static_cast<double>(stats->resident) / kMebibyte);
  return CheckSurvivors(messages + 1, again->subject);
}

}  // namespace

void AddRestart(Scale, std::vector<Case>* cases) {
  cases->push_back({.name = "D5/killed", .only_nmq = true, .stores = true, .run = &RunRestart});
}

}  // namespace nmq::bench
