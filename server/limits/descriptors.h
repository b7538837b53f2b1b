// How the file descriptors that this process may have are divided.
#ifndef NMQ_SERVER_LIMITS_DESCRIPTORS_H_
#define NMQ_SERVER_LIMITS_DESCRIPTORS_H_

#include <cstdint>

namespace nmq {

// Raises the soft limit (RLIMIT_NOFILE) to the hard one. What it is then.
uint64_t RaiseDescriptorLimit();

struct DescriptorShares {
  // Connections have descriptors with lower numbers only; the others are for files.
  uint64_t connections;
  // How many tables the store may keep open. Its logs and the like come besides.
  int store_files;
};

DescriptorShares ShareDescriptors(uint64_t limit);

}  // namespace nmq

#endif  // NMQ_SERVER_LIMITS_DESCRIPTORS_H_
