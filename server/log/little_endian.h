// Unsigned numbers in bytes, the least significant one first.
#ifndef NMQ_SERVER_LOG_LITTLE_ENDIAN_H_
#define NMQ_SERVER_LOG_LITTLE_ENDIAN_H_

#include <cstddef>
#include <cstdint>

namespace nmq::log {

// Both use sizeof(T) bytes, which are there.
template <typename T>
void PutLittle(T number, char* to) {
  for (size_t i = 0; i < sizeof(T); ++i) to[i] = static_cast<char>(number >> (8 * i));
}

template <typename T>
T GetLittle(const char* from) {
  T number = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    number = static_cast<T>(number | static_cast<T>(static_cast<T>(static_cast<uint8_t>(from[i])) << (8 * i)));
  }
  return number;
}

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_LITTLE_ENDIAN_H_
