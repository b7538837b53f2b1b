#include "server/housekeeping/broker_tasks.h"

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "glog/logging.h"

namespace nmq {
namespace {

constexpr absl::Duration kPeriod = absl::Seconds(1);
// How late a message may come that waits for its time.
constexpr absl::Duration kDeliverPeriod = absl::Milliseconds(200);

// Says in the log that the disk fails, or that it works again: once for each change; the words alone, such as how much
// is free, are no change.
class DiskHealthLog {
 public:
  explicit DiskHealthLog(const broker::Broker* broker) : broker_(broker) {}

  void Look() {
    const absl::Status health = broker_->DiskHealth();
    if (health.code() == logged_) return;
    logged_ = health.code();
    if (health.ok()) {
      LOG(WARNING) << "the disk can be written to again";
    } else {
      LOG(ERROR) << health.message();
    }
  }

 private:
  const broker::Broker* const broker_;
  absl::StatusCode logged_ = absl::StatusCode::kOk;
};

}  // namespace

std::vector<Housekeeper::Task> PromptTasks(broker::Broker* broker) {
  return {
      {"due messages", kDeliverPeriod, [broker] { broker->DeliverDue(); }},
      {"leases", kPeriod, [broker] { broker->ExpireLeases(); }},
      {"groups", kPeriod, [broker] { broker->TickGroups(); }},
      {"disk health", kPeriod, [log = DiskHealthLog(broker)]() mutable { log.Look(); }},
  };
}

std::vector<Housekeeper::Task> MaintenanceTasks(broker::Broker* broker) {
  return {
      {"store", kPeriod, [broker] { broker->MaintainStore(); }},
      {"retention", kPeriod, [broker] { broker->TrimQueues(); }},
  };
}

}  // namespace nmq
