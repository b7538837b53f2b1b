#include "client/cli/input.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/cli/human.h"

namespace nmq {
namespace cli {

LineReader::LineReader(int fd) : fd_(fd), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

LineReader::~LineReader() { close(wake_); }

bool LineReader::Next(std::string* line) {
  size_t end = buffer_.find('\n', at_);
  while (end == std::string::npos) {
    const size_t searched = buffer_.size() - at_;
    if (searched > kLineMax) {
      too_long_ = true;
      return false;
    }
    if (Fill()) {
      end = buffer_.find('\n', searched);
      continue;
    }
    if (stopped_ || at_ == buffer_.size()) return false;
    end = buffer_.size();
  }
  if (stopped_) return false;
  line->assign(buffer_, at_, end - at_);
  done_ += end + 1 - at_;
  at_ = end < buffer_.size() ? end + 1 : end;
  return true;
}

void LineReader::Stop() {
  stopped_ = true;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof one);
}

bool LineReader::Fill() {
  buffer_.erase(0, at_);
  at_ = 0;
  while (!stopped_) {
    pollfd waits[2] = {{.fd = fd_, .events = POLLIN, .revents = 0}, {.fd = wake_, .events = POLLIN, .revents = 0}};
    if (poll(waits, 2, -1) < 0 || waits[1].revents != 0) continue;
    char piece[65536];
    const ssize_t got = read(fd_, piece, sizeof piece);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return false;
    buffer_.append(piece, static_cast<size_t>(got));
    return true;
  }
  return false;
}

absl::StatusOr<std::string> ReadWhole(int fd, uint64_t bytes_max) {
  std::string text;
  char piece[65536];
  while (true) {
    const ssize_t got = read(fd, piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, "cannot read the payload");
    if (got == 0) return text;
    text.append(piece, static_cast<size_t>(got));
    if (text.size() > bytes_max) {
      return absl::ResourceExhaustedError(absl::StrCat("the payload is larger than the ", Bytes(bytes_max),
                                                       " that any server takes; - publishes lines"));
    }
  }
}

bool HasSomething(int fd) {
  struct stat about;
  if (fstat(fd, &about) != 0) return false;
  if (S_ISREG(about.st_mode)) return about.st_size > lseek(fd, 0, SEEK_CUR);
  int waiting = 0;
  return S_ISFIFO(about.st_mode) && ioctl(fd, FIONREAD, &waiting) == 0 && waiting > 0;
}

}  // namespace cli
}  // namespace nmq
