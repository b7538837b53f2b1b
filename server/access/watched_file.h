#ifndef NMQ_SERVER_ACCESS_WATCHED_FILE_H_
#define NMQ_SERVER_ACCESS_WATCHED_FILE_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nmq {

// A file that may change, and is read again when it has. For one thread at a time.
class WatchedFile {
 public:
  explicit WatchedFile(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }

  // What it holds, or why it cannot be read. Taken() says that this is of use.
  absl::StatusOr<std::string> Read();
  void Taken();
  // It is of no use: the log says so, once for each reason; what was taken before holds. It is looked at again.
  void Refused(const absl::Status& why, absl::string_view what);

  // To be called about once a second: whether it is not as it was taken, and no more written, since it is the same at
  // two calls; or is written at each of three.
  bool HasChanged();

 private:
  const std::string path_;
  std::string read_;   // its stamp of before it was read last: what is written meanwhile is read the next time
  std::string taken_;  // that when it was taken last
  std::string seen_;   // when it was looked at last
  int writing_ = 0;    // looks since it was taken or read at which it was another each time
  std::string told_;   // what the log has of it
};

}  // namespace nmq

#endif  // NMQ_SERVER_ACCESS_WATCHED_FILE_H_
