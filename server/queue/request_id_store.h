#ifndef NMQ_SERVER_QUEUE_REQUEST_ID_STORE_H_
#define NMQ_SERVER_QUEUE_REQUEST_ID_STORE_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/log/batch.h"
#include "server/log/log.h"

namespace nmq::broker {

// How the request ids of a queue are kept in the log's table of requests: under the queue's number and the message's
// sequence, each 8 bytes, big-endian, are the publish time in microseconds since 1970, in the same form, and the id. So
// the oldest come first, and are deleted as a range.

void PutRequestId(uint64_t queue, uint64_t sequence, int64_t time_us, absl::string_view id, log::Batch* batch);

// Deletes the ids of the messages with sequences in [first, end), which are not none.
void DeleteRequestIds(uint64_t queue, uint64_t first, uint64_t end, log::Batch* batch);

// Calls `visit` for each id, the oldest first. Waits for the disk. DATA_LOSS if they are damaged.
absl::Status LoadRequestIds(log::Log* log, uint64_t queue,
                            absl::FunctionRef<void(absl::string_view id, uint64_t sequence, int64_t time_us)> visit);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_REQUEST_ID_STORE_H_
