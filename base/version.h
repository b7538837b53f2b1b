#ifndef NMQ_BASE_VERSION_H_
#define NMQ_BASE_VERSION_H_

namespace nmq {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace nmq

#endif  // NMQ_BASE_VERSION_H_
