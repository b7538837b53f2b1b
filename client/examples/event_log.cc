#include "client/examples/event_log.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/examples/json.h"
#include "client/examples/rfc3339.h"

namespace nmq {
namespace examples {
namespace {

// With NORMAL a power cut may take the last transactions, positions and all: they are heard again.
constexpr char kSchema[] = R"(
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS log (
    queue TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    event TEXT,             -- NULL: a gap, from `sequence` to `last`
    time TEXT NOT NULL,
    id TEXT,
    publisher TEXT,
    key TEXT,
    content_type TEXT,
    headers TEXT,           -- a JSON object
    payload BLOB,
    last INTEGER,           -- of a gap; NULL if not known
    missing INTEGER,        -- of a gap: how many, at the most; NULL if not known
    reason TEXT,            -- of a gap
    PRIMARY KEY (queue, epoch, sequence)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS summary (
    queue TEXT NOT NULL,
    event TEXT NOT NULL,
    count INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    last_time TEXT NOT NULL,
    PRIMARY KEY (queue, event)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS positions (
    queue TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    sequence INTEGER NOT NULL
  ) WITHOUT ROWID)";

constexpr char kInsert[] = R"(
  INSERT OR IGNORE INTO log (queue, epoch, sequence, event, time, id, publisher, key, content_type, headers, payload)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?))";

constexpr char kInsertGap[] = R"(
  INSERT OR IGNORE INTO log (queue, epoch, sequence, time, last, missing, reason) VALUES (?, ?, ?, ?, ?, ?, ?))";

constexpr char kSummarize[] = R"(
  INSERT INTO summary (queue, event, count, bytes, last_time) VALUES (?, ?, 1, ?, ?)
  ON CONFLICT (queue, event) DO UPDATE SET
    count = count + 1, bytes = bytes + excluded.bytes, last_time = MAX(last_time, excluded.last_time))";

// Never back within an epoch. Another epoch is a newer one: only what was not in the log yet comes here.
constexpr char kSetPosition[] = R"(
  INSERT INTO positions (queue, epoch, sequence) VALUES (?, ?, ?)
  ON CONFLICT (queue) DO UPDATE SET epoch = excluded.epoch, sequence = excluded.sequence
  WHERE excluded.epoch <> epoch OR excluded.sequence > sequence)";

// Epochs and sequences have 63 bits for ever.
int64_t Signed(uint64_t number) { return static_cast<int64_t>(number); }

std::string HeadersJson(const Message& message) {
  JsonObject json;
  for (const auto& [name, value] :
       std::map<std::string, std::string>(message.headers().begin(), message.headers().end())) {
    json.Text(name, value);
  }
  return json.str();
}

}  // namespace

EventLog::EventLog(std::unique_ptr<Database> database)
    : database_(std::move(database)),
      insert_(database_->Prepare(kInsert)),
      insert_gap_(database_->Prepare(kInsertGap)),
      summarize_(database_->Prepare(kSummarize)),
      set_position_(database_->Prepare(kSetPosition)),
      positions_(database_->Prepare("SELECT queue, epoch, sequence FROM positions")) {}

absl::StatusOr<std::unique_ptr<EventLog>> EventLog::Open(const std::string& path) {
  absl::StatusOr<std::unique_ptr<Database>> database = Database::Open(path);
  if (!database.ok()) return database.status();
  absl::Status status = (*database)->Run(kSchema);
  if (!status.ok()) return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
  return std::unique_ptr<EventLog>(new EventLog(*std::move(database)));
}

absl::Status EventLog::Append(const Message& message) {
  bool added = false;
  absl::Status status = database_->Transact([&] {
    absl::Status appended = AppendRow(message, &added);
    if (!appended.ok() || !added) return appended;
    appended = summarize_->Text(1, message.queue())
                   .Text(2, message.event())
                   .Integer(3, Signed(message.payload().size()))
                   .Text(4, Rfc3339(message.publish_time()))
                   .Run();
    if (!appended.ok()) return appended;
    return SetPosition(message.queue(), message.epoch(), message.sequence());
  });
  if (status.ok() && added) ++events_;
  return status;
}

absl::Status EventLog::AppendRow(const Message& message, bool* added) {
  absl::Status status = insert_->Text(1, message.queue())
                            .Integer(2, Signed(message.epoch()))
                            .Integer(3, Signed(message.sequence()))
                            .Text(4, message.event())
                            .Text(5, Rfc3339(message.publish_time()))
                            .Text(6, message.id())
                            .Text(7, message.publisher())
                            .Text(8, message.key())
                            .Text(9, message.content_type())
                            .Text(10, HeadersJson(message))
                            .Blob(11, message.payload())
                            .Run();
  *added = database_->changes() > 0;
  return status;
}

absl::Status EventLog::AppendGap(const Gap& gap, absl::Time now) {
  bool added = false;
  absl::Status status = database_->Transact([&] {
    insert_gap_->Text(1, gap.queue()).Integer(2, Signed(gap.epoch())).Integer(3, Signed(gap.first()));
    insert_gap_->Text(4, Rfc3339(now)).Null(5).Null(6).Text(7, v1::GapReason_Name(gap.reason()));
    if (gap.last() > 0) insert_gap_->Integer(5, Signed(gap.last()));
    if (gap.has_count()) insert_gap_->Integer(6, Signed(gap.count()));
    absl::Status appended = insert_gap_->Run();
    added = appended.ok() && database_->changes() > 0;
    if (!added || gap.last() == 0) return appended;
    return SetPosition(gap.queue(), gap.epoch(), gap.last());
  });
  if (status.ok() && added) ++gaps_;
  return status;
}

absl::Status EventLog::SetPosition(const std::string& queue, uint64_t epoch, uint64_t sequence) {
  return set_position_->Text(1, queue).Integer(2, Signed(epoch)).Integer(3, Signed(sequence)).Run();
}

absl::StatusOr<std::vector<v1::QueuePosition>> EventLog::Positions() {
  std::vector<v1::QueuePosition> positions;
  while (true) {
    absl::StatusOr<bool> row = positions_->Step();
    if (!row.ok()) return row.status();
    if (!*row) return positions;
    v1::QueuePosition& position = positions.emplace_back();
    position.set_queue(positions_->GetText(0));
    position.set_epoch(static_cast<uint64_t>(positions_->GetInteger(1)));
    position.set_sequence(static_cast<uint64_t>(positions_->GetInteger(2)));
  }
}

}  // namespace examples
}  // namespace nmq
