#include "tests/testing/stepped_clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>

namespace nmq {
namespace {

constexpr char kShim[] = "tests/testing/libclock_shim.so";  // from the root of the runfiles
constexpr char kFile[] = "NMQ_TEST_CLOCK";

[[noreturn]] void Fail(const char* what) {
  perror(what);
  abort();
}

std::atomic<int64_t>* MapOffset() {
  const char* const path = getenv(kFile);
  const int file = path == nullptr ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) Fail("no clock to set; RunUnderSteppedClock was not called");
  void* const memory = mmap(nullptr, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) Fail("mmap");
  close(file);
  return static_cast<std::atomic<int64_t>*>(memory);
}

}  // namespace

void RunUnderSteppedClock(char** argv) {
  if (getenv(kFile) != nullptr) return;
  const char* const folder = getenv("TEST_TMPDIR");
  const std::string path = std::string(folder == nullptr ? "/tmp" : folder) + "/clock-" + std::to_string(getpid());
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, sizeof(int64_t)) != 0) Fail(path.c_str());
  close(file);
  setenv(kFile, path.c_str(), 1);
  setenv("LD_PRELOAD", std::filesystem::absolute(kShim).c_str(), 1);
  execv("/proc/self/exe", argv);
  Fail("execv");
}

void StepClock(absl::Duration step) {
  static std::atomic<int64_t>* const offset = MapOffset();
  offset->fetch_add(absl::ToInt64Nanoseconds(step));
}

}  // namespace nmq
