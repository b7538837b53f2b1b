// SQLite with absl::Status.
#ifndef NMQ_CLIENT_EXAMPLES_DATABASE_H_
#define NMQ_CLIENT_EXAMPLES_DATABASE_H_

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nmq {
namespace examples {

// A prepared statement, to be used again and again. What is bound stays bound until it is bound anew. Errors are kept:
// the next Step() or Run() returns the first one. Not thread-safe; must not outlive its database.
class Statement {
 public:
  Statement(sqlite3* database, absl::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Parameters count from 1.
  Statement& Text(int parameter, absl::string_view value);
  Statement& Blob(int parameter, absl::string_view value);
  Statement& Integer(int parameter, int64_t value);
  Statement& Null(int parameter);

  // To the next row; false after the last one, and the statement is ready to be run again. Go on to the last one, or
  // call Run(): a statement that stops halfway holds what it reads.
  absl::StatusOr<bool> Step();
  // To the end, whatever rows there are.
  absl::Status Run();

  // Of the row that Step() went to. Columns count from 0.
  std::string GetText(int column) const;
  int64_t GetInteger(int column) const;
  bool IsNull(int column) const;

 private:
  Statement& Keep(int code);
  absl::Status Reset(int code);

  sqlite3* const database_;
  sqlite3_stmt* statement_ = nullptr;
  int error_ = SQLITE_OK;
};

// A file that others may read meanwhile (write-ahead log). Not thread-safe.
class Database {
 public:
  // Makes the file if it is not there.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // One or several statements.
  absl::Status Run(const std::string& sql);
  // Runs `body` in a transaction: on disk (as far as `PRAGMA synchronous` says) if this returns OK, undone if not.
  absl::Status Transact(absl::FunctionRef<absl::Status()> body);
  // Errors in `sql` show when it is run.
  std::unique_ptr<Statement> Prepare(absl::string_view sql);

  int64_t last_insert_id() const { return sqlite3_last_insert_rowid(database_); }
  // Rows that the last statement inserted, changed or deleted.
  int changes() const { return sqlite3_changes(database_); }

 private:
  explicit Database(sqlite3* database) : database_(database) {}

  sqlite3* const database_;
};

}  // namespace examples
}  // namespace nmq

#endif  // NMQ_CLIENT_EXAMPLES_DATABASE_H_
