// CRC-32C in the form in which RocksDB's logs have it.
#ifndef NMQ_SERVER_LOG_CRC32C_H_
#define NMQ_SERVER_LOG_CRC32C_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace nmq::log {

// The CRC of `bytes`, rotated and shifted, so that the CRC of bytes that contain one is no special value.
uint32_t MaskedCrc32c(absl::string_view bytes);

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_CRC32C_H_
