#include "tests/bench/harness/disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tests/bench/harness/client.h"

namespace nmq::bench {
namespace {

absl::StatusOr<Histogram> MeasureFile(int fd, size_t bytes, int times, absl::Duration patience) {
  const std::string block(bytes, 'x');
  const int64_t end = Now() + absl::ToInt64Nanoseconds(patience);
  Histogram syncs;
  for (int i = 0; i < times; ++i) {
    const int64_t start = Now();
    if (write(fd, block.data(), block.size()) != static_cast<ssize_t>(block.size()) || fdatasync(fd) != 0) {
      return absl::InternalError(absl::StrCat("writing to the disk: ", strerror(errno)));
    }
    const int64_t now = Now();
    syncs.Add(now - start);
    if (now >= end) break;
  }
  return syncs;
}

}  // namespace

absl::StatusOr<Histogram> MeasureSyncs(const std::string& folder, size_t bytes, int times, absl::Duration patience) {
  const std::string path = absl::StrCat(folder, "/syncs");
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return absl::InternalError(absl::StrCat(path, ": ", strerror(errno)));
  absl::StatusOr<Histogram> syncs = MeasureFile(fd, bytes, times, patience);
  close(fd);
  unlink(path.c_str());
  return syncs;
}

}  // namespace nmq::bench
