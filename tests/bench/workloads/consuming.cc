#include <cstdint>

#include "absl/strings/str_cat.h"
#include "tests/bench/harness/system.h"
#include "tests/bench/workloads/cases.h"

namespace nmq::bench {
namespace {

constexpr int kBatch = 100;

// What holds for both: everything came, once. `figure` names how fast.
absl::Status Conclude(const absl::StatusOr<Consumption>& consumed, const absl::StatusOr<Usage>& usage,
                      uint64_t messages, absl::string_view figure, const Record& record) {
  if (!consumed.ok()) return consumed.status();
  if (!usage.ok()) return usage.status();
  if (consumed->messages != messages || consumed->wrong != 0) {
    return absl::DataLossError(absl::StrCat(messages, " messages were stored, ", consumed->messages, " came, ",
                                            consumed->wrong, " twice or out of turn"));
  }
  const double count = static_cast<double>(messages);
  record.Add(figure, "1/s", count / absl::ToDoubleSeconds(consumed->time));
  record.Add("server CPU per message", "us", absl::ToDoubleMicroseconds(usage->server_cpu) / count);
  record.Add("client CPU per message", "us", absl::ToDoubleMicroseconds(usage->client_cpu) / count);
  return absl::OkStatus();
}

absl::Status RunConsuming(int consumers, const Extent& extent, const Subject& subject, const Record& record) {
  const uint64_t messages = extent.messages != 0 ? extent.messages : extent.backlog;
  if (absl::Status status = StoreMessages(messages, kBatch, subject); !status.ok()) return status;
  const Watch watch(subject);
  const absl::StatusOr<Consumption> consumed =
      subject.client->Consume({.queue = kStoredQueue, .consumers = consumers, .messages = messages});
  return Conclude(consumed, watch.Read(), messages, "acknowledged", record);
}

absl::Status RunReading(const Extent& extent, const Subject& subject, const Record& record) {
  const uint64_t messages = extent.messages != 0 ? extent.messages : extent.history;
  if (absl::Status status = StoreMessages(messages, kBatch, subject); !status.ok()) return status;
  const Watch watch(subject);
  const absl::StatusOr<Consumption> read = subject.client->ReadHistory({.queue = kStoredQueue, .messages = messages});
  return Conclude(read, watch.Read(), messages, "read", record);
}

}  // namespace

void AddConsuming(Scale, std::vector<Case>* cases) {
  for (const int consumers : {1, 4}) {
    cases->push_back({.name = absl::StrCat("D2/", consumers),
                      .stores = true,
                      .run = [consumers](const Extent& extent, const Subject& subject, const Record& record) {
                        return RunConsuming(consumers, extent, subject, record);
                      }});
  }
  cases->push_back({.name = "D3/earliest", .stores = true, .run = &RunReading});
}

}  // namespace nmq::bench
