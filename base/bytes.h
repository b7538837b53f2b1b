// Units of memory.
#ifndef NMQ_BASE_BYTES_H_
#define NMQ_BASE_BYTES_H_

#include <cstdint>

namespace nmq {

inline constexpr uint64_t kKiB = uint64_t{1} << 10;
inline constexpr uint64_t kMiB = uint64_t{1} << 20;
inline constexpr uint64_t kGiB = uint64_t{1} << 30;

}  // namespace nmq

#endif  // NMQ_BASE_BYTES_H_
