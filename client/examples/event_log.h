// The logger's memory, in a SQLite file: every event, a summary, and where to go on.
#ifndef NMQ_CLIENT_EXAMPLES_EVENT_LOG_H_
#define NMQ_CLIENT_EXAMPLES_EVENT_LOG_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cpp/options.h"
#include "client/examples/database.h"

namespace nmq {
namespace examples {

// Three tables:
//   log        a row an event, under its queue, epoch and sequence; a gap is a row without an event
//   summary    count, bytes and last time of each queue and event
//   positions  the last sequence of each queue
// Each event or gap changes all three in one transaction, so that they always agree, and what comes again changes
// nothing. Not thread-safe.
class EventLog {
 public:
  static absl::StatusOr<std::unique_ptr<EventLog>> Open(const std::string& path);

  absl::Status Append(const Message& message);
  // `now` is when it was noticed.
  absl::Status AppendGap(const Gap& gap, absl::Time now);

  // For StartAfter(): what comes after the last row of each queue. Empty if the log is.
  absl::StatusOr<std::vector<v1::QueuePosition>> Positions();

  // Rows added since Open().
  uint64_t events() const { return events_; }
  uint64_t gaps() const { return gaps_; }

 private:
  explicit EventLog(std::unique_ptr<Database> database);

  absl::Status AppendRow(const Message& message, bool* added);
  absl::Status SetPosition(const std::string& queue, uint64_t epoch, uint64_t sequence);

  const std::unique_ptr<Database> database_;
  const std::unique_ptr<Statement> insert_;
  const std::unique_ptr<Statement> insert_gap_;
  const std::unique_ptr<Statement> summarize_;
  const std::unique_ptr<Statement> set_position_;
  const std::unique_ptr<Statement> positions_;
  uint64_t events_ = 0;
  uint64_t gaps_ = 0;
};

}  // namespace examples
}  // namespace nmq

#endif  // NMQ_CLIENT_EXAMPLES_EVENT_LOG_H_
