#ifndef NMQ_TESTS_UNIT_BROKER_HELD_READS_H_
#define NMQ_TESTS_UNIT_BROKER_HELD_READS_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "server/log/log.h"
#include "tests/testing/notification.h"

namespace nmq::broker {

// Holds up the reads of a log that answers one after another, as a disk does that takes its time, until Release or the
// end. From its constructor's return on nothing more is read.
class HeldReads {
 public:
  explicit HeldReads(log::Log* log) {
    log->Get(log::Table::kMeta, "held", [this](const absl::StatusOr<std::string>&) {
      held_.Notify();
      release_.WaitForNotification();
      over_.Notify();
    });
    held_.WaitForNotification();
  }
  ~HeldReads() { Release(); }
  HeldReads(const HeldReads&) = delete;
  HeldReads& operator=(const HeldReads&) = delete;

  void Release() {
    if (std::exchange(released_, true)) return;
    release_.Notify();
    over_.WaitForNotification();
  }

 private:
  Notification held_;
  Notification release_;
  Notification over_;
  bool released_ = false;
};

}  // namespace nmq::broker

#endif  // NMQ_TESTS_UNIT_BROKER_HELD_READS_H_
