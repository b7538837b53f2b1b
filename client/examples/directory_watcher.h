// What happens to the files of a directory, from inotify.
#ifndef NMQ_CLIENT_EXAMPLES_DIRECTORY_WATCHER_H_
#define NMQ_CLIENT_EXAMPLES_DIRECTORY_WATCHER_H_

#include <sys/inotify.h>
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace nmq {
namespace examples {

struct FileChange {
  enum class Kind {
    kCreate,
    kModify,
    kDelete,
    // Changes are missing: look at the directory itself.
    kOverflow,
  };
  Kind kind = Kind::kCreate;
  // Relative to the watched directory; any bytes.
  std::string path = {};
  bool directory = false;
  // As found when the change was read; not of what is gone.
  std::optional<uint64_t> size = {};
  // When the file was last modified; when the change was read, of what is gone.
  absl::Time time = {};
  // Of kOverflow: why.
  std::string reason = {};
};

// Watches a directory and those in it, also those that appear later.
//
// A file is modified when it has been written to and is closed, or when it stays open for `settle` afterwards. A move
// is a delete and a create; a move onto a file is a create; a directory that is moved away is one delete. What is in a
// directory that appears is created, too; what was there when the watcher started is not. Symbolic links are not
// followed. Not thread-safe.
class DirectoryWatcher {
 public:
  static absl::StatusOr<std::unique_ptr<DirectoryWatcher>> Open(const std::string& directory,
                                                                absl::Duration settle = absl::Seconds(1));
  ~DirectoryWatcher();
  DirectoryWatcher(const DirectoryWatcher&) = delete;
  DirectoryWatcher& operator=(const DirectoryWatcher&) = delete;

  // Readable when there is something for Read().
  int fd() const { return fd_; }
  // When to call Read() even if fd() is not readable.
  absl::Time due() const;
  // Appends what has happened, as much as is there. NOT_FOUND when the directory itself is gone.
  absl::Status Read(absl::Time now, std::vector<FileChange>* changes);

  size_t directories() const { return watches_.size(); }

 private:
  DirectoryWatcher(int fd, std::string root, absl::Duration settle);

  absl::Status Process(const inotify_event& event);
  void Appear(const std::string& path, bool is_directory);
  void Vanish(const std::string& path, bool is_directory, bool moved);
  void Report(FileChange::Kind kind, const std::string& path, bool is_directory);
  void ReportOverflow(std::string reason);
  // Watches a directory and all in it; those that are not known yet are reported if asked.
  void WatchTree(const std::string& top, bool report);
  bool Watch(const std::string& path);
  void Unwatch(const std::string& top);
  std::string FullPath(const std::string& path) const;

  const int fd_;
  const std::string root_;
  const absl::Duration settle_;
  int root_watch_ = -1;
  // Of the call of Read() that runs.
  absl::Time now_;
  std::vector<FileChange>* changes_ = nullptr;
  // Directories, by inotify's number; "" is the root.
  absl::flat_hash_map<int, std::string> watches_;
  // Found while looking into a new directory, by inode; inotify may tell of them once more.
  std::map<std::string, ino_t> found_;
  // Written to, and not closed since: the time of the first write.
  std::map<std::string, absl::Time> written_;
};

}  // namespace examples
}  // namespace nmq

#endif  // NMQ_CLIENT_EXAMPLES_DIRECTORY_WATCHER_H_
