#include "server/access/watched_file.h"

#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "server/config/text_file.h"

namespace nmq {
namespace {

// After so many looks at a file that is being written, it is read all the same: somebody may write it for ever.
constexpr int kLooksMax = 3;

// Changes with the file; empty if there is none.
std::string StampOf(const std::string& path) {
  struct stat found = {};
  if (stat(path.c_str(), &found) != 0) return "";
  return absl::StrCat(found.st_dev, ".", found.st_ino, ".", found.st_size, ".", found.st_mtim.tv_sec, ".",
                      found.st_mtim.tv_nsec, ".", found.st_ctim.tv_sec, ".", found.st_ctim.tv_nsec);
}

}  // namespace

absl::StatusOr<std::string> WatchedFile::Read() {
  read_ = StampOf(path_);
  return ReadFile(path_);
}

void WatchedFile::Taken() {
  taken_ = read_;
  told_.clear();
}

void WatchedFile::Refused(const absl::Status& why, absl::string_view what) {
  // It may be readable the next time without having changed.
  std::string message(why.message());
  if (message == told_) return;
  LOG(ERROR) << what << " as it was: " << message;
  told_ = std::move(message);
}

bool WatchedFile::HasChanged() {
  std::string stamp = StampOf(path_);
  if (stamp == taken_) {
    writing_ = 0;
    return false;
  }
  writing_ = stamp == std::exchange(seen_, stamp) ? kLooksMax : writing_ + 1;
  if (writing_ < kLooksMax) return false;
  writing_ = 0;
  return true;
}

}  // namespace nmq
