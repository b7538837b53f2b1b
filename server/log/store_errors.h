// The one place where RocksDB's statuses become nmq's.
#ifndef NMQ_SERVER_LOG_STORE_ERRORS_H_
#define NMQ_SERVER_LOG_STORE_ERRORS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rocksdb/status.h"

namespace nmq::log {

inline constexpr char kReasonDiskFull[] = "DISK_FULL";
inline constexpr char kReasonStoreFailed[] = "STORE_FAILED";
inline constexpr char kReasonStoreDamaged[] = "STORE_DAMAGED";
inline constexpr char kReasonStoreIncomplete[] = "STORE_INCOMPLETE";
inline constexpr char kReasonStoreInUse[] = "STORE_IN_USE";
inline constexpr char kReasonStoreDirectory[] = "STORE_DIRECTORY";
inline constexpr char kReasonStoreVersion[] = "STORE_VERSION";
inline constexpr char kReasonTrimmed[] = "TRIMMED";
inline constexpr char kReasonNoDescriptors[] = "NO_DESCRIPTORS";
inline constexpr char kReasonNotWritten[] = "NOT_WRITTEN";

// Whether writing failed for want of room and left nothing: what was not written whole is not there when the store is
// opened anew. That cannot be said of a sync.
bool LeftNothing(const rocksdb::Status& status);

// Whether a file could not be opened, since the process has no descriptors left. Nothing was written then.
bool WantsDescriptors(const rocksdb::Status& status);

// RESOURCE_EXHAUSTED: see above.
absl::Status NoDescriptors(absl::string_view directory);
// RESOURCE_EXHAUSTED: the disk of `directory` has `free_bytes`, and writing wants `reserve_bytes`.
absl::Status DiskFull(absl::string_view directory, uint64_t free_bytes, uint64_t reserve_bytes);
// UNAVAILABLE: nothing is written any more because of `cause`.
absl::Status StoreFailed(absl::string_view directory, const rocksdb::Status& cause);
// DATA_LOSS; `what` names what is wrong and where.
absl::Status Damaged(absl::string_view directory, absl::string_view what);
// DATA_LOSS: what was synced is missing, as `what` says.
absl::Status Incomplete(absl::string_view directory, absl::string_view what);

// Why the store in `directory` could not be opened. `warnings` are RocksDB's last ones: its statuses do not always name
// the file.
absl::Status OpenError(absl::string_view directory, const rocksdb::Status& status, absl::string_view warnings);
// Why something could not be read.
absl::Status ReadError(absl::string_view directory, const rocksdb::Status& status);

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_STORE_ERRORS_H_
