#ifndef NMQ_SERVER_ACCESS_FILE_ACCESS_H_
#define NMQ_SERVER_ACCESS_FILE_ACCESS_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "server/access/access_list.h"
#include "server/access/jwks.h"
#include "server/access/watched_file.h"
#include "server/call/access.h"

namespace nmq {

// Who may do what by a file, which is read again when it changes. Callers show a token, as OAuth 2.0 does (RFC 6750):
// `authorization: Bearer TOKEN`; without one, the certificate of their connection stands for them. Thread-safe.
class FileAccess final : public Access {
 public:
  // As AccessList::Parse says, or why a file cannot be read. `clock` must outlive it.
  static absl::StatusOr<std::unique_ptr<FileAccess>> Load(const std::string& path, const Clock* clock = &RealClock());

  // To be called about once a second. Reads the file again, and those with keys that it names, if they are not as they
  // were, and no more written: the same at two calls. True if that changes what may be done. A file that is of no use
  // is named in the log, once, and what was read of it before holds. From one thread.
  bool Refresh();

  size_t identities() const { return list()->identities(); }
  size_t issuers() const { return list()->issuers(); }

  absl::StatusOr<std::shared_ptr<const Principal>> Identify(std::optional<absl::string_view> authorization,
                                                            const ClientCertificate* certificate) const override;
  absl::Status Check(const Call& call, Right right, const Named& what) const override;
  std::unique_ptr<AccessView> View(const Call& call, absl::string_view name_space) const override;
  bool Grants(const Principal* to, Right right, const Named& what) const override;
  absl::Status Explain(const Call& call, const v1::ExplainRequest& request,
                       v1::ExplainResponse* response) const override;

 private:
  struct Keys {
    explicit Keys(std::string path) : file(std::move(path)) {}

    WatchedFile file;
    std::shared_ptr<const Jwks> keys;
  };
  // By the names in the file.
  using KeyFiles = std::map<std::string, std::shared_ptr<Keys>>;

  FileAccess(const std::string& path, const Clock* clock) : clock_(*clock), file_(path) {}

  std::shared_ptr<const AccessList> list() const ABSL_LOCKS_EXCLUDED(mu_);
  // Reads the file.
  absl::Status Read();
  // Makes the list of a text. Reads the files with keys that it names, those that are known only if `fresh`; of one
  // that is of no use what was read before holds.
  absl::Status Take(const std::string& text, bool fresh);
  // Reads the keys again that have changed; true if there are any.
  bool RefreshKeys();
  static absl::Status ReadKeys(Keys* keys);
  std::string KeysPath(const std::string& jwks_file) const;

  const Clock& clock_;
  // For the thread that refreshes.
  WatchedFile file_;
  std::string text_;    // what it had when it was of use
  KeyFiles key_files_;  // that this names
  mutable Mutex mu_;    // a leaf
  std::shared_ptr<const AccessList> list_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nmq

#endif  // NMQ_SERVER_ACCESS_FILE_ACCESS_H_
