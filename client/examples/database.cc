#include "client/examples/database.h"

#include "absl/strings/str_cat.h"

namespace nmq {
namespace examples {
namespace {

constexpr int kBusyTimeoutMs = 5000;

absl::Status Error(sqlite3* database, int code) {
  const std::string message =
      absl::StrCat("SQLite: ", database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code));
  switch (code & 0xFF) {
    case SQLITE_CONSTRAINT:
      return absl::FailedPreconditionError(message);
    case SQLITE_FULL:
    case SQLITE_TOOBIG:
      return absl::ResourceExhaustedError(message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(message);
    default:
      return absl::InternalError(message);
  }
}

}  // namespace

Statement::Statement(sqlite3* database, absl::string_view sql) : database_(database) {
  error_ = sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                              &statement_, nullptr);
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::Keep(int code) {
  if (error_ == SQLITE_OK) error_ = code;
  return *this;
}

Statement& Statement::Text(int parameter, absl::string_view value) {
  return Keep(sqlite3_bind_text64(statement_, parameter, value.empty() ? "" : value.data(), value.size(),
                                  SQLITE_TRANSIENT, SQLITE_UTF8));
}

Statement& Statement::Blob(int parameter, absl::string_view value) {
  return Keep(
      sqlite3_bind_blob64(statement_, parameter, value.empty() ? "" : value.data(), value.size(), SQLITE_TRANSIENT));
}

Statement& Statement::Integer(int parameter, int64_t value) {
  return Keep(sqlite3_bind_int64(statement_, parameter, value));
}

Statement& Statement::Null(int parameter) { return Keep(sqlite3_bind_null(statement_, parameter)); }

absl::StatusOr<bool> Statement::Step() {
  if (error_ != SQLITE_OK) return Reset(error_);
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  absl::Status status = Reset(code);
  if (!status.ok()) return status;
  return false;
}

absl::Status Statement::Run() {
  absl::StatusOr<bool> row = true;
  while (row.ok() && *row) row = Step();
  return row.status();
}

absl::Status Statement::Reset(int code) {
  absl::Status status = code == SQLITE_DONE ? absl::OkStatus() : Error(database_, code);
  sqlite3_reset(statement_);
  if (statement_ != nullptr) error_ = SQLITE_OK;
  return status;
}

std::string Statement::GetText(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return std::string(bytes != nullptr ? bytes : "", sqlite3_column_bytes(statement_, column));
}

int64_t Statement::GetInteger(int column) const { return sqlite3_column_int64(statement_, column); }

bool Statement::IsNull(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  std::unique_ptr<Database> database(new Database(handle));
  if (code != SQLITE_OK) {
    const absl::Status error = Error(handle, code);
    return absl::Status(error.code(), absl::StrCat(path, ": ", error.message()));
  }
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  absl::Status status = database->Run("PRAGMA journal_mode = WAL");
  if (!status.ok()) return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
  return database;
}

Database::~Database() { sqlite3_close_v2(database_); }

absl::Status Database::Run(const std::string& sql) {
  const int code = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Error(database_, code);
}

std::unique_ptr<Statement> Database::Prepare(absl::string_view sql) {
  return std::make_unique<Statement>(database_, sql);
}

absl::Status Database::Transact(absl::FunctionRef<absl::Status()> body) {
  absl::Status status = Run("BEGIN IMMEDIATE");
  if (!status.ok()) return status;
  status = body();
  if (status.ok()) status = Run("COMMIT");
  // What failed may have ended the transaction already.
  if (!status.ok() && sqlite3_get_autocommit(database_) == 0) Run("ROLLBACK").IgnoreError();
  return status;
}

}  // namespace examples
}  // namespace nmq
