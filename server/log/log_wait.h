// Calls of a log that wait for the answer: for threads that serve nobody else, as at start.
#ifndef NMQ_SERVER_LOG_LOG_WAIT_H_
#define NMQ_SERVER_LOG_LOG_WAIT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/log/batch.h"
#include "server/log/block.h"
#include "server/log/extent.h"
#include "server/log/log.h"

namespace nmq::log {

absl::Status WriteAndWait(Log* log, Batch* batch, Sync sync);
absl::Status TrimAndWait(Log* log, uint64_t queue, uint64_t first, Sync sync);
absl::StatusOr<std::shared_ptr<const Block>> ReadAndWait(Log* log, uint64_t queue, uint64_t from, uint64_t end,
                                                         uint64_t bytes_max);
absl::StatusOr<Extent> FindExtentAndWait(Log* log, uint64_t queue);
absl::StatusOr<uint64_t> FindTimeAndWait(Log* log, uint64_t queue, uint64_t first, uint64_t end, int64_t time_us);
absl::StatusOr<uint64_t> FindBytesAndWait(Log* log, uint64_t queue, uint64_t first, uint64_t end, uint64_t bytes_max);
absl::StatusOr<uint64_t> BytesOfAndWait(Log* log, uint64_t queue, uint64_t first, uint64_t end);
absl::StatusOr<std::string> GetAndWait(Log* log, Table table, absl::string_view key);
// Calls `visit` for all keys in [from, to), in order, until it returns false.
absl::Status ScanAndWait(Log* log, Table table, absl::string_view from, absl::string_view to,
                         absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit);

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_LOG_WAIT_H_
