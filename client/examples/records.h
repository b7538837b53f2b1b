// The API server's table of records, in a SQLite file.
#ifndef NMQ_CLIENT_EXAMPLES_RECORDS_H_
#define NMQ_CLIENT_EXAMPLES_RECORDS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/examples/database.h"

namespace nmq {
namespace examples {

struct Record {
  int64_t id = 0;
  // A JSON value.
  std::string body;
  // When it was last written, RFC 3339.
  std::string time;

  // {"id":1,"body":{...},"time":"..."}
  std::string ToJson() const;
};

// Each change is one transaction, on disk when the call returns. NOT_FOUND if there is no such record. Not thread-safe.
class Records {
 public:
  static absl::StatusOr<std::unique_ptr<Records>> Open(const std::string& path);

  // Ids grow, and are not used again.
  absl::StatusOr<Record> Create(absl::string_view body, absl::Time now);
  absl::StatusOr<Record> Update(int64_t id, absl::string_view body, absl::Time now);
  // Returns what is gone.
  absl::StatusOr<Record> Delete(int64_t id);

  absl::StatusOr<Record> Get(int64_t id);
  // The newest first.
  absl::StatusOr<std::vector<Record>> List(int limit);

 private:
  explicit Records(std::unique_ptr<Database> database);

  const std::unique_ptr<Database> database_;
  const std::unique_ptr<Statement> insert_;
  const std::unique_ptr<Statement> update_;
  const std::unique_ptr<Statement> delete_;
  const std::unique_ptr<Statement> get_;
  const std::unique_ptr<Statement> list_;
};

}  // namespace examples
}  // namespace nmq

#endif  // NMQ_CLIENT_EXAMPLES_RECORDS_H_
