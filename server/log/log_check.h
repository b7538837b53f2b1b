// A look at the end of RocksDB's logs (the write-ahead logs and the manifests), before RocksDB reads them.
#ifndef NMQ_SERVER_LOG_LOG_CHECK_H_
#define NMQ_SERVER_LOG_LOG_CHECK_H_

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"

namespace nmq::log {

// Logs consist of blocks of this size; no record goes beyond its block.
inline constexpr size_t kLogBlockBytes = 32 << 10;

// RocksDB takes a record that seems to go beyond the end of the file for one that was being written when the power
// went, and forgets it and all after it. That is right only if nothing whole follows: otherwise its length is damaged,
// and what follows was reported stored. Returns the offset of such a record in `block`, the last block of a log.
std::optional<size_t> FindDamagedLength(absl::string_view block);

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_LOG_CHECK_H_
