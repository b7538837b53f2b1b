#include "server/limits/descriptors.h"

#include <sys/resource.h>

#include <algorithm>

namespace nmq {
namespace {

// What the store has use for, and what of that is for tables.
constexpr uint64_t kFiles = 320;
constexpr uint64_t kTables = 256;

}  // namespace

uint64_t RaiseDescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlimit raised = {limit.rlim_max, limit.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  return limit.rlim_cur;
}

DescriptorShares ShareDescriptors(uint64_t limit) {
  const uint64_t files = std::min(kFiles, limit / 2);
  return {limit - files, static_cast<int>(files * kTables / kFiles)};
}

}  // namespace nmq
