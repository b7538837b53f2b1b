#ifndef NMQ_SERVER_QUEUE_CURSOR_LOSS_H_
#define NMQ_SERVER_QUEUE_CURSOR_LOSS_H_

#include "server/queue/cursor.h"
#include "server/queue/message_log.h"

namespace nmq::broker {

// What a cursor loses since its queue gives up messages that it has not read. All under the queue's mutex.

// Counts the messages that the cursor could have heard and that are no longer held, and goes on behind them; one that
// holds goes back to scanning instead.
void SkipLost(const MessageLog& log, Cursor* cursor);

// The same, and adds the gaps that tell of them. Of what the queue gave up, what came while too many waited was dropped
// before, and is told so.
void TellLost(const MessageLog& log, Cursor* cursor);

// Whether the cursor has lost messages by being slow that it has not been told of yet.
bool HasLost(const MessageLog& log, const Cursor& cursor);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_CURSOR_LOSS_H_
