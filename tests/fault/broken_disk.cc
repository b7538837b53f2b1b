// A disk that does not keep what it is given, for a program that this is preloaded into: while there is the file that
// NMQ_TEST_BROKEN_DISK names, whoever asks for a sync is told of an error, as after a write that went wrong.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace {

bool Broken() {
  const char* const file = getenv("NMQ_TEST_BROKEN_DISK");
  if (file == nullptr || access(file, F_OK) != 0) return false;
  errno = EIO;
  return true;
}

}  // namespace

extern "C" {

int fsync(int fd) { return Broken() ? -1 : static_cast<int>(syscall(SYS_fsync, fd)); }

int fdatasync(int fd) { return Broken() ? -1 : static_cast<int>(syscall(SYS_fdatasync, fd)); }

int sync_file_range(int fd, off64_t offset, off64_t bytes, unsigned flags) {
  // Without flags it asks for nothing, but whether there is such a call.
  return flags != 0 && Broken() ? -1 : static_cast<int>(syscall(SYS_sync_file_range, fd, offset, bytes, flags));
}

}  // extern "C"
