// How much memory this process may use.
#ifndef NMQ_SERVER_LIMITS_MEMORY_H_
#define NMQ_SERVER_LIMITS_MEMORY_H_

#include <cstdint>
#include <string>

namespace nmq {

// Where the operating system says how much memory there is.
struct MemorySources {
  uint64_t physical_bytes;
  // Which control groups this process is in: the content of /proc/self/cgroup.
  std::string cgroups;
  // Where control groups are mounted.
  std::string cgroup_root;
  // What RLIMIT_AS leaves for what this process has yet to map.
  uint64_t address_space_bytes = UINT64_MAX;
};

// The smallest of the machine's physical memory, the limits (memory.max and memory.high, or memory.limit_in_bytes) of
// the process's control groups and the groups above them, version 2 or 1, and what RLIMIT_AS leaves beside the program
// and its threads' stacks. At least 1.
uint64_t MemoryLimitBytes();

// The same for given sources.
uint64_t MemoryLimitBytes(const MemorySources& sources);

}  // namespace nmq

#endif  // NMQ_SERVER_LIMITS_MEMORY_H_
