#ifndef NMQ_SERVER_QUEUE_CURSOR_START_H_
#define NMQ_SERVER_QUEUE_CURSOR_START_H_

#include "absl/status/status.h"
#include "server/queue/cursor.h"
#include "server/queue/message_log.h"
#include "server/queue/start.h"

namespace nmq::broker {

// Where in a queue a cursor starts. Under the queue's mutex.

// OUT_OF_RANGE if `start` is past what the queue has reached.
absl::Status CheckStart(const MessageLog& log, const Start& start);

// Sets where the cursor starts, with the gap that it is to be told of first, if there is one.
void PlaceCursor(const MessageLog& log, const Start& start, Cursor* cursor);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_CURSOR_START_H_
