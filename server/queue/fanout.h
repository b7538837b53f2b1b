#ifndef NMQ_SERVER_QUEUE_FANOUT_H_
#define NMQ_SERVER_QUEUE_FANOUT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "glog/logging.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/log/audience.h"
#include "server/queue/append.h"
#include "server/queue/channel_table.h"
#include "server/queue/cursor.h"
#include "server/queue/cursor_reader.h"
#include "server/queue/hearing.h"
#include "server/queue/lane.h"
#include "server/queue/match_counter.h"
#include "server/queue/message_log.h"
#include "server/queue/start.h"
#include "server/queue/subscriber.h"

namespace nmq::broker {

// A message that has got its place in a queue, wherever that was given to it: by an appender here, or by another
// server whose queue this one follows.
struct Arrival {
  uint64_t sequence;                                     // the next one of the log
  uint64_t stamp;                                        // see Record in ring.h
  const std::shared_ptr<const log::Audience>& audience;  // null for everyone
  absl::string_view event;
  size_t size;  // of its entry
};

// Lets subscriptions hear what arrives in a queue: notes it in the channels that it is for, posts those to the lanes
// whose subscriptions listen to them, and knows the cursors. Thread-compatible: the queue's mutex guards it.
class Fanout {
 public:
  // The channels that got something.
  using Touched = std::vector<Channel*>;

  // All must outlive the fan-out.
  Fanout(MessageLog* log, absl::Span<const std::unique_ptr<Lane>> lanes, CursorReader::Blocks* blocks)
      : log_(*log), lanes_(lanes), channels_(static_cast<int>(lanes.size())), reader_(log, blocks) {}

  // Takes a message into the log and into its channels, which are added to `touched`. `write` is called with the place
  // for its bytes, and writes them all. To be posted afterwards, under the same lock.
  template <typename Write>
  void Add(const Arrival& arrival, int64_t now_us, Touched* touched, Write write) {
    DCHECK_EQ(arrival.sequence, log_.end());
    write(log_.Append(arrival.size, arrival.stamp, now_us, arrival.audience));
    if (channels_.size() > 0) AddToChannels(arrival, touched);
  }
  // Posts the channels to the lanes that listen to them; wake those afterwards, without the lock. `owner` is called for
  // the queue whose fan-out this is, which the lanes hold until they look.
  template <typename Owner>
  void Post(const Touched& touched, Owner owner) {
    for (Channel* channel : touched) {
      for (const auto& lane : lanes_) {
        const int index = lane->index();
        if (channel->dirty[index] || channel->listeners[index].empty()) continue;
        channel->dirty[index] = true;
        lane->PostChannel(owner(), channel->shared_from_this());
      }
    }
  }
  // Posts all cursors.
  template <typename Owner>
  void PostCursors(Owner owner) {
    for (Cursor* cursor : cursors_) cursor->subscriber->lane()->PostCursor(owner(), cursor);
  }

  // Counts how many subscriptions will hear messages, until a cursor comes or goes.
  MatchCounter NewMatchCounter() const { return MatchCounter(&channels_, log_.members()); }
  // Adds the client of each subscription that would hear a message of this event.
  void AddHearers(const Hearing& message, absl::string_view event, Hearers* hearers) const;

  // Gives up what the log holds above its bounds, and lets up to `channels` channels forget it.
  void Trim(int64_t now_us, size_t channels);
  // To be called when the log has given up messages.
  void Forget();

  // See Queue.
  void Attach(Cursor* cursor, const Start& start, absl::Span<const uint64_t> targets, v1::QueuePosition* position);
  void Detach(Cursor* cursor);
  void AddTarget(Cursor* cursor, uint64_t target);
  void DropTarget(Cursor* cursor, uint64_t target);
  void MarkCursor(Cursor* cursor, int lane, std::vector<Subscriber*>* ready);
  void MarkListeners(Channel* channel, int lane, std::vector<Subscriber*>* ready);
  // Whether the cursor is there and is the subscription's: it may be gone, and another one in its place.
  bool Has(const Cursor* cursor, const Subscriber& subscriber) const {
    return cursors_.contains(cursor) && cursor->subscriber == &subscriber;
  }
  size_t cursors() const { return cursors_.size(); }

  CursorReader& reader() { return reader_; }
  const CursorReader& reader() const { return reader_; }

 private:
  void AddToChannels(const Arrival& arrival, Touched* touched);
  // Tells the cursors that must know of each message of the channel.
  void TellWatchers(const Channel& channel, uint64_t sequence);
  void Listen(Cursor* cursor, uint64_t target, absl::string_view event);
  void StopListening(Cursor* cursor, Channel* channel);

  MessageLog& log_;
  const absl::Span<const std::unique_ptr<Lane>> lanes_;
  ChannelTable channels_;
  absl::flat_hash_set<Cursor*> cursors_;
  CursorReader reader_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_FANOUT_H_
