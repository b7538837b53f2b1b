#ifndef NMQ_SERVER_BROKER_QUEUE_H_
#define NMQ_SERVER_BROKER_QUEUE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "nmq/v1/registry.pb.h"
#include "server/base/mutex.h"
#include "server/broker/channel.h"
#include "server/broker/counters.h"
#include "server/broker/cursor.h"
#include "server/broker/lane.h"
#include "server/broker/start.h"
#include "server/config/config.h"
#include "server/log/ring.h"

namespace nmq::broker {

// One queue of a namespace: its messages, the channels through which they are heard, and the cursors of those who
// listen. Thread-safe. Its mutex may be taken under the namespace's; under it only leaf locks are taken.
class Queue : public std::enable_shared_from_this<Queue> {
 public:
  struct Options {
    std::string name_space;
    QueueConfig config;
    bool automatic;
    uint64_t epoch;
    log::RingTotal* total;                          // must outlive the queue
    std::atomic<uint64_t>* stamps;                  // the namespace's; must outlive the queue
    absl::Span<const std::unique_ptr<Lane>> lanes;  // must outlive the queue
  };
  explicit Queue(Options options);

  const std::string& name() const { return options_.config.name; }
  uint64_t epoch() const { return options_.epoch; }
  bool Accepts(absl::string_view event) const;

  // A message to append: the publisher's own fields encoded (see entry.h), its event, and its audience, null for
  // everyone. The views must stay valid during the call.
  struct Outgoing {
    absl::string_view body;
    absl::string_view event;
    std::shared_ptr<const log::Audience> audience;
  };
  struct Appended {
    uint64_t first = 0;  // sequences
    uint64_t last = 0;
    uint64_t matched = 0;  // the sum of the subscriptions that will hear each, if asked for
  };
  // Appends `messages`, which get neighbouring sequences, and posts to the lanes; wake those afterwards.
  Appended Append(absl::Span<const Outgoing> messages, absl::Time time, int64_t now_us, absl::string_view publisher,
                  bool count_matches) ABSL_LOCKS_EXCLUDED(mu_);

  // Gives up messages that are too old.
  void Trim(int64_t now_us) ABSL_LOCKS_EXCLUDED(mu_);

  // OUT_OF_RANGE if `start` is past what the queue has reached.
  absl::Status CheckStart(const Start& start) const ABSL_LOCKS_EXCLUDED(mu_);

  // Makes `cursor` listen from `start` on, for `targets` (see ChannelKey). `*position` is set to where it starts. The
  // cursor must be detached before it ends.
  void Attach(Cursor* cursor, const Start& start, absl::Span<const uint64_t> targets, v1::QueuePosition* position)
      ABSL_LOCKS_EXCLUDED(mu_);
  void Detach(Cursor* cursor) ABSL_LOCKS_EXCLUDED(mu_);

  // From now on the cursor hears what is for `target`, too.
  void AddTarget(Cursor* cursor, uint64_t target) ABSL_LOCKS_EXCLUDED(mu_);
  // What is published for `target` from now on is not heard; what was published before still is.
  void DropTarget(Cursor* cursor, uint64_t target) ABSL_LOCKS_EXCLUDED(mu_);

  // Adds what comes next to `delivery`, up to `bytes_max` in all but at least one message if it is empty, or one gap if
  // it is empty. False if the cursor has nothing more to do until its channels are posted again.
  bool Read(Cursor* cursor, uint64_t bytes_max, Delivery* delivery) ABSL_LOCKS_EXCLUDED(mu_);

  // Whether the cursor has lost messages that it has not yet been told of.
  bool HasLost(const Cursor& cursor) const ABSL_LOCKS_EXCLUDED(mu_);

  // A position further than the last reported one, if the cursor has nothing to hear up to there. For heartbeats.
  bool TakeProgress(Cursor* cursor, v1::QueuePosition* position) ABSL_LOCKS_EXCLUDED(mu_);

  // Messages, at the most, that the cursor has not been given yet.
  uint64_t Lag(const Cursor& cursor) const ABSL_LOCKS_EXCLUDED(mu_);

  // Marks those who listen to the channel on a lane as ready. Only for that lane's thread.
  void MarkListeners(Channel* channel, int lane, std::vector<Subscription*>* ready) ABSL_LOCKS_EXCLUDED(mu_);

  void Describe(v1::QueueInfo* info) const ABSL_LOCKS_EXCLUDED(mu_);

  Counters& counters() { return counters_; }

 private:
  using Touched = std::vector<Channel*>;

  // What was read of a channel by one who hears all of it, for the next one, who most often reads the same.
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

  void AppendToChannels(const Outgoing& message, uint64_t sequence, Touched* touched)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AppendToTarget(uint64_t target, absl::string_view event, uint64_t sequence, Touched* touched)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void PostLocked(const Touched& touched) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  uint64_t CountMatchesLocked(uint64_t sequence) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::shared_ptr<Channel> ChannelLocked(uint64_t target, absl::string_view event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AddTargetLocked(Cursor* cursor, uint64_t target) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StopListening(Cursor* cursor, Channel* channel) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TrimLocked(int64_t now_us, size_t channels) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TrimChannelsLocked(size_t count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StartLocked(Cursor* cursor, const Start& start) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ResumeLocked(Cursor* cursor, const v1::QueuePosition& position) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  uint64_t LastOfLocked(const Cursor& cursor, uint64_t count) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  v1::Gap GapLocked(uint64_t first, uint64_t count, v1::GapReason reason) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Whether a cursor that scans hears the message: by audience and by event.
  bool Hears(const Cursor& cursor, const log::Record& record) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whether a cursor hears a message of one of its channels.
  bool Passes(const Cursor& cursor, const log::Record& record) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool ReadScanning(Cursor* cursor, uint64_t bytes_max, Delivery* delivery) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool ReadChannels(Cursor* cursor, uint64_t bytes_max, Delivery* delivery) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool ReadChannel(Cursor* cursor, Ear* ear, uint64_t bytes_max, Delivery* delivery) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SkipLostLocked(Cursor* cursor) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static bool IsDone(const Cursor& cursor, const Ear& ear);
  void DropDoneEars(Cursor* cursor) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Add(const log::Record& record, uint64_t bytes_max, Delivery* delivery) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void CaughtUp(Cursor* cursor) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool PendingLocked(const Cursor& cursor) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  Counters counters_;
  mutable Mutex mu_;
  log::Ring ring_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<ChannelKey, std::shared_ptr<Channel>, ChannelKeyHash, ChannelKeyEq> channels_
      ABSL_GUARDED_BY(mu_);
  size_t event_channels_ ABSL_GUARDED_BY(mu_) = 0;    // those of channels_ that are for one event
  Channel* everyone_ ABSL_GUARDED_BY(mu_) = nullptr;  // the one of channels_ that has all that is for everyone
  std::vector<Channel*> channel_list_ ABSL_GUARDED_BY(mu_);
  size_t trim_turn_ ABSL_GUARDED_BY(mu_) = 0;  // the place in channel_list_ to trim next
  absl::flat_hash_set<Cursor*> cursors_ ABSL_GUARDED_BY(mu_);
  LastRead last_read_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_BROKER_QUEUE_H_
