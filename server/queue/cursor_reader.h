#ifndef NMQ_SERVER_QUEUE_CURSOR_READER_H_
#define NMQ_SERVER_QUEUE_CURSOR_READER_H_

#include <cstdint>
#include <vector>

#include "nmq/v1/message_queue.pb.h"
#include "server/log/chunk.h"
#include "server/queue/cursor.h"
#include "server/queue/delivery.h"
#include "server/queue/message_log.h"

namespace nmq::broker {

// Gives the cursors of a queue what comes next for them. Thread-compatible: the queue's mutex guards it.
class CursorReader {
 public:
  // Reads blocks of the queue from disk for cursors that are behind the ring.
  class Blocks {
   public:
    virtual ~Blocks() = default;
    // Reads messages from `from` on that are before `end` into the cursor's block_ahead, sets `loading` to false, and
    // posts the cursor to its lane. Returns before that; called under the queue's mutex.
    virtual void Ask(Cursor* cursor, uint64_t from, uint64_t end) = 0;
  };

  // Both must outlive the reader. `blocks` is used only if the log has messages on disk.
  CursorReader(const MessageLog* log, Blocks* blocks) : log_(*log), blocks_(blocks) {}

  // Adds what comes next to `delivery`, up to `bytes_max` in all but at least one message if it is empty, or one gap if
  // it is empty. False if the cursor has nothing more to do until its channels are posted again.
  bool Read(Cursor* cursor, uint64_t bytes_max, Delivery* delivery);

  // A position further than the last reported one, if the cursor has nothing to hear up to there.
  bool TakeProgress(Cursor* cursor, v1::QueuePosition* position) const;

  // Messages, at the most, that the cursor has not been given yet.
  uint64_t Lag(const Cursor& cursor) const;

  // To be called when the ring has given up messages: what was read last must not keep them.
  void ForgetTrimmed() {
    if (last_read_.first < log_.ring().first()) last_read_ = LastRead();
  }
  // To be called before a channel goes.
  void Forget(const Channel* channel) {
    if (last_read_.channel == channel) last_read_ = LastRead();
  }

 private:
  // What was read of a channel by a cursor that hears all of it, for the next one, which most often reads the same.
  struct LastRead {
    const Channel* channel = nullptr;
    uint64_t begin = 0;  // running numbers
    uint64_t end = 0;
    uint64_t first = 0;  // sequences
    uint64_t last = 0;
    uint64_t bytes_max = 0;
    std::vector<log::ByteRange> ranges;
    uint64_t bytes = 0;
    uint64_t messages = 0;
  };

  bool ReadScanning(Cursor* cursor, uint64_t bytes_max, Delivery* delivery);
  // What of its blocks a cursor hears; kWaiting if a block has to be read first.
  enum class BlockRead { kDone, kFull, kWaiting };
  BlockRead ReadBlocks(Cursor* cursor, uint64_t bytes_max, Delivery* delivery);
  bool HaveBlock(Cursor* cursor);
  void AskForBlock(Cursor* cursor, uint64_t from);
  bool ReadChannels(Cursor* cursor, uint64_t bytes_max, Delivery* delivery);
  bool ReadChannel(Cursor* cursor, Ear* ear, uint64_t bytes_max, Delivery* delivery);
  // Adds the message to the delivery, or a gap if it is not to be delivered any more. False if that has no room there.
  bool Take(Cursor* cursor, const Piece& piece, uint64_t bytes_max, Delivery* delivery) const;
  // Tells of messages that came while too many waited, and goes on behind them. Nothing if the delivery has no room.
  void TellDropped(Cursor* cursor, const Waiting::Run& run, Delivery* delivery) const;
  bool AddMissing(uint64_t sequence, v1::GapReason reason, Delivery* delivery) const;
  void CaughtUp(Cursor* cursor) const;

  const MessageLog& log_;
  Blocks* const blocks_;
  LastRead last_read_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_CURSOR_READER_H_
