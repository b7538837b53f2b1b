#ifndef NMQ_SERVER_ACCESS_FILE_ACCESS_H_
#define NMQ_SERVER_ACCESS_FILE_ACCESS_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "server/access/access_list.h"
#include "server/call/access.h"

namespace nmq {

// Who may do what by a file, which is read again when it changes. Callers show a token, as OAuth 2.0 does (RFC 6750):
// `authorization: Bearer TOKEN`. Thread-safe.
class FileAccess final : public Access {
 public:
  // As AccessList::Parse says, or why the file cannot be read.
  static absl::StatusOr<std::unique_ptr<FileAccess>> Load(const std::string& path);

  // To be called about once a second. Reads the file again if it is not as it was, and no more written: the same at two
  // calls. True if that changes what may be done. A file that is of no use is named in the log, once, and what was read
  // before holds. From one thread.
  bool Refresh();

  size_t identities() const { return list()->identities(); }

  absl::StatusOr<std::shared_ptr<const Principal>> Identify(
      std::optional<absl::string_view> authorization) const override;
  absl::Status Check(const Call& call, Right right, absl::string_view name_space) const override;

 private:
  explicit FileAccess(const std::string& path) : path_(path) {}

  std::shared_ptr<const AccessList> list() const ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<std::shared_ptr<const AccessList>> Read() const;

  const std::string path_;
  // For the thread that refreshes.
  std::string stamp_;  // of the file when it was read last
  std::string seen_;   // the same when it was looked at last
  std::string told_;   // what the log has of a file that is of no use
  mutable Mutex mu_;   // a leaf
  std::shared_ptr<const AccessList> list_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nmq

#endif  // NMQ_SERVER_ACCESS_FILE_ACCESS_H_
