#include "server/limits/memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace nmq {
namespace {

// Address space for the stacks of threads that are yet to start, and for what else is mapped by then.
constexpr uint64_t kThreadsBytes = 64 << 20;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

// The number in `path`; `otherwise` if there is no such file or no number in it, as with "max".
uint64_t ReadBytes(const std::string& path, uint64_t otherwise) {
  uint64_t bytes = 0;
  return absl::SimpleAtoi(ReadFile(path), &bytes) && bytes > 0 ? bytes : otherwise;
}

// The smallest limit of `group`, a path below `mount`, and of the groups above it. In a container the path is often
// that of the host and not there, while `mount` itself is the container's group: walking up finds it.
uint64_t SmallestOnTheWayUp(absl::string_view mount, absl::string_view group, absl::string_view file, uint64_t bytes) {
  while (true) {
    while (absl::EndsWith(group, "/")) group.remove_suffix(1);
    bytes = std::min(bytes, ReadBytes(absl::StrCat(mount, group, "/", file), bytes));
    const size_t slash = group.rfind('/');
    if (slash == absl::string_view::npos) return bytes;
    group = group.substr(0, slash);
  }
}

uint64_t AddressSpaceBytes() {
  rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
  // The first number is the pages that are mapped.
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const uint64_t taken = pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) + kThreadsBytes;
  // What is free between pieces in use is memory that can be given back, but stays mapped; so does what gRPC allocates
  // for bytes that are yet to come.
  return (limit.rlim_cur - std::min<uint64_t>(limit.rlim_cur, taken)) / 2;
}

}  // namespace

uint64_t MemoryLimitBytes(const MemorySources& sources) {
  uint64_t bytes = std::min(sources.physical_bytes, sources.address_space_bytes);
  // Lines of "ID:CONTROLLERS:PATH"; version 2 has ID 0 and no controllers.
  for (const absl::string_view line : absl::StrSplit(sources.cgroups, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    if (parts[1].empty()) {
      bytes = SmallestOnTheWayUp(sources.cgroup_root, parts[2], "memory.max", bytes);
      // Above this the kernel slows the process down until it is hardly there.
      bytes = SmallestOnTheWayUp(sources.cgroup_root, parts[2], "memory.high", bytes);
      continue;
    }
    const std::vector<absl::string_view> controllers = absl::StrSplit(parts[1], ',');
    if (std::find(controllers.begin(), controllers.end(), "memory") == controllers.end()) continue;
    bytes = SmallestOnTheWayUp(absl::StrCat(sources.cgroup_root, "/memory"), parts[2], "memory.limit_in_bytes", bytes);
  }
  return std::max<uint64_t>(bytes, 1);
}

uint64_t MemoryLimitBytes() {
  const long pages = sysconf(_SC_PHYS_PAGES);     // NOLINT(google-runtime-int): as the call has it.
  const long page_bytes = sysconf(_SC_PAGESIZE);  // NOLINT(google-runtime-int)
  const uint64_t physical = pages > 0 && page_bytes > 0 ? static_cast<uint64_t>(pages) * page_bytes : UINT64_MAX;
  return MemoryLimitBytes({physical, ReadFile("/proc/self/cgroup"), "/sys/fs/cgroup", AddressSpaceBytes()});
}

}  // namespace nmq
