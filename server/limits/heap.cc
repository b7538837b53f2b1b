#include "server/limits/heap.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/bytes.h"

namespace nmq {
namespace {

// From this much on the C library's own ways, which are faster, cost too little to care.
constexpr uint64_t kPlenty = 4 * kGiB;
constexpr int kPoolsMax = 2;
constexpr int kOwnMappingBytes = 256 << 10;
constexpr size_t kStackBytes = kMiB;
// With less than this part of the memory mapped, there is no need to look closer.
constexpr uint64_t kAskPart = 2;
// Not worth giving back.
constexpr uint64_t kLittle = 8 * kMiB;
// Less of the whole is not worth it either.
constexpr uint64_t kWorthPart = 8;

bool AddressSpaceIsLimited() {
  rlimit limit;
  return getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

struct Pages {
  uint64_t mapped_bytes = 0;
  uint64_t resident_bytes = 0;  // but for files'
};

// Both 0 if they are not known.
Pages ReadPages() {
  const int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  char text[128];
  const ssize_t size = read(fd, text, sizeof(text) - 1);
  close(fd);
  if (size <= 0) return {};
  text[size] = '\0';
  uint64_t mapped = 0;
  uint64_t resident = 0;
  uint64_t shared = 0;
  if (sscanf(text, "%lu %lu %lu", &mapped, &resident, &shared) != 3) return {};
  const auto page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return {mapped * page_bytes, (resident - std::min(resident, shared)) * page_bytes};
}

// What is in memory, and in use by nobody.
uint64_t IdleBytes() {
  const struct mallinfo2 heap = mallinfo2();
  const uint64_t resident = ResidentBytes();
  return resident - std::min<uint64_t>(resident, heap.uordblks + heap.hblkhd);
}

}  // namespace

void FitHeap(uint64_t memory_bytes) {
  if (AddressSpaceIsLimited()) {
    // Each pool reserves 64 MiB, each thread as much as the shell allows the first one.
    mallopt(M_ARENA_MAX, 1);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kStackBytes);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
  } else if (memory_bytes < kPlenty) {
    mallopt(M_ARENA_MAX, kPoolsMax);
  }
  if (memory_bytes < kPlenty) mallopt(M_MMAP_THRESHOLD, kOwnMappingBytes);
}

uint64_t ResidentBytes() { return ReadPages().resident_bytes; }

uint64_t UsedBytes(uint64_t memory_bytes) {
  const Pages pages = ReadPages();
  // To ask the heap takes longer the more pieces of it are free.
  if (!AddressSpaceIsLimited() || pages.mapped_bytes < memory_bytes / kAskPart) return pages.resident_bytes;
  const struct mallinfo2 heap = mallinfo2();
  return std::max<uint64_t>(pages.resident_bytes, heap.uordblks + heap.hblkhd);
}

void GiveBackFreeMemory(bool at_once) {
  static uint64_t idle_before = 0;
  static uint64_t stays = 0;  // what giving back left the last time: in pages that are not wholly free
  const uint64_t idle = IdleBytes();
  const uint64_t idle_always = std::min(std::exchange(idle_before, idle), idle);
  stays = std::min(stays, idle);
  const bool worth =
      at_once ? idle > stays + kLittle : idle_always > stays + std::max(kLittle, ResidentBytes() / kWorthPart);
  if (!worth) return;
  malloc_trim(0);
  stays = IdleBytes();
}

}  // namespace nmq
