#include "client/examples/records.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/examples/json.h"
#include "client/examples/rfc3339.h"

namespace nmq {
namespace examples {
namespace {

constexpr char kSchema[] = R"(
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    body TEXT NOT NULL,
    time TEXT NOT NULL
  ))";

absl::Status NoRecord(int64_t id) { return absl::NotFoundError(absl::StrCat("there is no record ", id)); }

Record Read(const Statement& row) { return {row.GetInteger(0), row.GetText(1), row.GetText(2)}; }

}  // namespace

std::string Record::ToJson() const { return JsonObject().Number("id", id).Json("body", body).Text("time", time).str(); }

Records::Records(std::unique_ptr<Database> database)
    : database_(std::move(database)),
      insert_(database_->Prepare("INSERT INTO records (body, time) VALUES (?, ?)")),
      update_(database_->Prepare("UPDATE records SET body = ?, time = ? WHERE id = ?")),
      delete_(database_->Prepare("DELETE FROM records WHERE id = ?")),
      get_(database_->Prepare("SELECT id, body, time FROM records WHERE id = ?")),
      list_(database_->Prepare("SELECT id, body, time FROM records ORDER BY id DESC LIMIT ?")) {}

absl::StatusOr<std::unique_ptr<Records>> Records::Open(const std::string& path) {
  absl::StatusOr<std::unique_ptr<Database>> database = Database::Open(path);
  if (!database.ok()) return database.status();
  absl::Status status = (*database)->Run(kSchema);
  if (!status.ok()) return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
  return std::unique_ptr<Records>(new Records(*std::move(database)));
}

absl::StatusOr<Record> Records::Create(absl::string_view body, absl::Time now) {
  Record record{.id = 0, .body = std::string(body), .time = Rfc3339(now)};
  absl::Status status = database_->Transact([&] {
    absl::Status inserted = insert_->Text(1, record.body).Text(2, record.time).Run();
    record.id = database_->last_insert_id();
    return inserted;
  });
  if (!status.ok()) return status;
  return record;
}

absl::StatusOr<Record> Records::Update(int64_t id, absl::string_view body, absl::Time now) {
  Record record{.id = id, .body = std::string(body), .time = Rfc3339(now)};
  absl::Status status = database_->Transact([&] {
    absl::Status updated = update_->Text(1, record.body).Text(2, record.time).Integer(3, id).Run();
    return updated.ok() && database_->changes() == 0 ? NoRecord(id) : updated;
  });
  if (!status.ok()) return status;
  return record;
}

absl::StatusOr<Record> Records::Delete(int64_t id) {
  absl::StatusOr<Record> record;
  absl::Status status = database_->Transact([&] {
    record = Get(id);
    return record.ok() ? delete_->Integer(1, id).Run() : record.status();
  });
  if (!status.ok()) return status;
  return record;
}

absl::StatusOr<Record> Records::Get(int64_t id) {
  absl::StatusOr<bool> row = get_->Integer(1, id).Step();
  if (!row.ok()) return row.status();
  if (!*row) return NoRecord(id);
  Record record = Read(*get_);
  absl::Status status = get_->Run();
  if (!status.ok()) return status;
  return record;
}

absl::StatusOr<std::vector<Record>> Records::List(int limit) {
  std::vector<Record> records;
  list_->Integer(1, limit);
  while (true) {
    absl::StatusOr<bool> row = list_->Step();
    if (!row.ok()) return row.status();
    if (!*row) return records;
    records.push_back(Read(*list_));
  }
}

}  // namespace examples
}  // namespace nmq
