#ifndef NMQ_SERVER_QUEUE_CURSOR_H_
#define NMQ_SERVER_QUEUE_CURSOR_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "nmq/v1/message_queue.pb.h"
#include "server/log/block.h"
#include "server/queue/channel.h"
#include "server/queue/filter.h"
#include "server/queue/waiting.h"

namespace nmq::broker {

class Queue;
class Subscriber;

// A place in a channel.
struct Ear {
  // Whether the channel has something for it, held or lost.
  bool pending() const { return next < end(); }
  // Whether what is published from now on is for it.
  bool open() const { return limit == std::numeric_limits<uint64_t>::max(); }
  uint64_t end() const { return std::min(channel->end(), limit); }

  uint64_t target;  // the channel's
  std::shared_ptr<Channel> channel;
  uint64_t next = 0;                                      // the running number to hear next
  uint64_t limit = std::numeric_limits<uint64_t>::max();  // ends there: the client left the room
};

// How far a subscription has come in a queue. It starts by scanning what the queue holds, message by message, until it
// has caught up; from then on it hears channels. Guarded by the queue's mutex, but for `ready`.
struct Cursor {
  // Goes on behind `last`.
  void PassOver(uint64_t last);
  // Whether the ear is for a room that the client left, and all that was for it has been heard. A cursor that scans
  // hears nothing through channels.
  bool IsDone(const Ear& ear) const { return !ear.open() && (scanning || !ear.pending()); }
  void DropDoneEars();
  // Whether there is something to hear, or to tell.
  bool pending() const;

  std::shared_ptr<Queue> queue;
  Subscriber* subscriber;
  EventFilter filter;
  bool hold = false;  // when it is slow it goes back to scanning, and reads from disk
  bool scanning = false;
  std::unique_ptr<Waiting> waiting;  // null unless the overflow policy has to know what comes
  // Messages that were read from disk: those it is at, and those after them.
  std::shared_ptr<const log::Block> block;
  std::shared_ptr<const log::Block> block_ahead;
  bool loading = false;   // block_ahead is being read
  uint64_t next = 1;      // everything before was delivered, or was not for this subscription, or was reported as a gap
  uint64_t lost = 0;      // messages from `next` on that its channels no longer hold, passed over and not yet told
  uint64_t reported = 0;  // the last position that the subscriber knows of
  std::vector<v1::Gap> gaps;   // to be told before anything else
  std::vector<Ear> ears;       // in no order
  size_t closed_ears = 0;      // those of them that are not open
  size_t closed_ears_max = 0;  // to be looked through when there are more
  bool done = false;           // its queue is deleted and has nothing more for it; only for the lane's thread
  bool ready = false;          // in its subscription's list of cursors with something to do; only for the lane's thread
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_CURSOR_H_
