// A disk that does not keep what it is given, for a program that this is preloaded into: while there is the file that
// NMQ_TEST_BROKEN_DISK names, whoever asks for a sync is told of an error, as after a write that went wrong. What the
// file got since its last sync is gone then, if NMQ_TEST_DISK_LOSES is set.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <map>
#include <mutex>

namespace {

std::mutex& Lock() {
  static auto& lock = *new std::mutex;
  return lock;
}

// Sizes at the last sync, by inode.
std::map<ino_t, off_t>& Synced() {
  static auto& synced = *new std::map<ino_t, off_t>;
  return synced;
}

bool Broken() {
  const char* const file = getenv("NMQ_TEST_BROKEN_DISK");
  if (file == nullptr || access(file, F_OK) != 0) return false;
  errno = EIO;
  return true;
}

int Sync(int fd, long call) {
  struct stat file;
  const bool known = getenv("NMQ_TEST_DISK_LOSES") != nullptr && fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
  const std::lock_guard<std::mutex> guard(Lock());
  if (!Broken()) {
    if (known) Synced()[file.st_ino] = file.st_size;
    return static_cast<int>(syscall(call, fd));
  }
  if (known && ftruncate(fd, Synced()[file.st_ino]) != 0) abort();
  errno = EIO;
  return -1;
}

}  // namespace

extern "C" {

int fsync(int fd) { return Sync(fd, SYS_fsync); }

int fdatasync(int fd) { return Sync(fd, SYS_fdatasync); }

int sync_file_range(int fd, off64_t offset, off64_t bytes, unsigned flags) {
  // Without flags it asks for nothing, but whether there is such a call.
  return flags != 0 && Broken() ? -1 : static_cast<int>(syscall(SYS_sync_file_range, fd, offset, bytes, flags));
}

}  // extern "C"
