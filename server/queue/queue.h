#ifndef NMQ_SERVER_QUEUE_QUEUE_H_
#define NMQ_SERVER_QUEUE_QUEUE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "nmq/v1/registry.pb.h"
#include "server/config/config.h"
#include "server/log/ring.h"
#include "server/log/store.h"
#include "server/metrics/counters.h"
#include "server/presence/client.h"
#include "server/presence/memberships.h"
#include "server/queue/channel.h"
#include "server/queue/cursor.h"
#include "server/queue/delivery.h"
#include "server/queue/filter.h"
#include "server/queue/follower.h"
#include "server/queue/lane.h"
#include "server/queue/pattern_index.h"
#include "server/queue/request_ids.h"
#include "server/queue/schedule.h"
#include "server/queue/start.h"
#include "server/queue/storage.h"
#include "server/queue/subscriber.h"

namespace nmq::broker {

// What whoever expects another last sequence is answered.
absl::Status SequenceMismatch(absl::string_view queue, uint64_t expected_last, uint64_t last);

// What whoever asks is answered when nobody hears the question.
absl::Status NobodyListens(absl::string_view name_space, absl::string_view queue, absl::string_view event);

// Who made a queue: the configuration file, somebody who published to it or a group, or Admin.
enum class QueueOrigin { kDeclared, kAutomatic, kAdmin };

// One queue of a namespace: its messages, the channels through which they are heard, and the cursors of those who
// listen. Thread-safe. Its mutex may be taken under the namespace's; under it only leaf locks are taken.
//
// A queue that has its messages on disk keeps the latest ones in its ring as well. What is written to it goes through a
// Committer, which prepares messages, writes them, and publishes them; a cursor that is behind the ring is given blocks
// that the reader's thread reads.
class Queue : public std::enable_shared_from_this<Queue> {
 public:
  struct Options {
    std::string name_space;
    QueueConfig config;
    QueueOrigin origin;
    uint64_t epoch;
    log::RingTotal* total;                          // must outlive the queue
    ScheduleTotal* scheduled;                       // the namespace's; must outlive the queue
    std::atomic<uint64_t>* stamps;                  // the namespace's; must outlive the queue
    absl::Span<const std::unique_ptr<Lane>> lanes;  // must outlive the queue
    const Clock* clock;                             // must outlive the queue
    std::optional<QueueOnDisk> disk = {};           // where its messages are; not set for a live queue
    absl::Duration request_id_window;
    uint64_t request_ids = 0;          // how many are known at the most
    RetentionConfig ring_bounds = {};  // what the ring holds of a queue on disk
  };
  explicit Queue(Options options);

  // Knows the request ids again that are on disk. Before anything is published; may block on the disk. If they cannot
  // be read, messages with ids are refused.
  void RestoreRequestIds(absl::Time now, int64_t now_us) ABSL_LOCKS_EXCLUDED(mu_);

  const std::string& name() const { return options_.config.name; }
  uint64_t epoch() const { return options_.epoch; }
  bool Accepts(absl::string_view event) const ABSL_LOCKS_EXCLUDED(mu_);
  // Whether messages are on disk, and whether they are synced.
  bool durable() const { return options_.disk.has_value(); }
  bool synced() const { return durable() && options_.disk->sync; }
  v1::Storage storage() const;
  QueueOrigin origin() const { return options_.origin; }
  // Only for a queue with messages on disk.
  const QueueOnDisk& disk() const { return *options_.disk; }
  // The messages that wait for their time.
  Schedule& schedule() { return schedule_; }
  // The messages that are there: [first, end). Only for a queue with messages on disk.
  log::Store::Extent Held() const ABSL_LOCKS_EXCLUDED(mu_);

  // Messages from `from` on that the ring has, as the store's Read gives them, but without their times; null if the
  // ring has not got the first. Only for a queue with messages on disk.
  std::shared_ptr<const log::Block> BlockFromRing(uint64_t from, uint64_t end, uint64_t bytes_max) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // The follower is woken when there are new messages.
  void AddFollower(std::weak_ptr<Follower> follower) ABSL_LOCKS_EXCLUDED(mu_);
  void WakeFollowers() ABSL_LOCKS_EXCLUDED(mu_);

  // A message to append: the publisher's own fields encoded (see entry.h), its event, and its audience, null for
  // everyone. The views must stay valid during the call.
  struct Outgoing {
    absl::string_view body;
    absl::string_view event;
    std::shared_ptr<const log::Audience> audience;
    absl::string_view request_id;  // empty if it has none
    uint32_t index = 0;            // in the publisher's batch
  };
  // A message that is there already.
  struct Duplicate {
    uint32_t index;     // of the one that came again, in its batch
    uint64_t sequence;  // of the one that is there
  };
  struct Appended {
    bool any() const { return last >= first; }

    uint64_t first = 1;  // sequences; `last` is less if all messages are duplicates
    uint64_t last = 0;
    std::vector<Duplicate> duplicates;
    uint64_t matched = 0;  // the sum of the subscriptions that will hear each, if asked for
  };
  // Appends `messages` to a live queue, those that are no duplicates with neighbouring sequences, and posts to the
  // lanes; wake those afterwards. FAILED_PRECONDITION, reason SEQUENCE_MISMATCH, if `expected_last` is set and not the
  // last sequence; only for one message.
  absl::StatusOr<Appended> Append(absl::Span<const Outgoing> messages, absl::Time time, int64_t now_us,
                                  absl::string_view publisher, bool count_matches,
                                  std::optional<uint64_t> expected_last = {}) ABSL_LOCKS_EXCLUDED(mu_);

  // Who hears a message at once: the client of each subscription.
  using Heard = std::vector<std::shared_ptr<Client>>;

  // For the committer's thread only, for queues with messages on disk. Messages that were prepared are published, or
  // taken back, the last ones first.
  struct Prepared {
    struct Entry {
      absl::string_view event;
      std::shared_ptr<const log::Audience> audience;
      size_t size;
      uint64_t stamp;
    };
    uint64_t first = 0;  // sequence
    std::vector<Entry> entries;
    std::string bytes;  // the encoded entries, one after another
    std::vector<Duplicate> duplicates;
  };
  // Whether the messages may be taken, after all that was prepared before.
  absl::Status CheckPrepare(absl::Span<const Outgoing> messages) const;
  // FAILED_PRECONDITION, reason SEQUENCE_MISMATCH, if `expected_last` is not the last sequence that was prepared,
  // unless the message is a duplicate.
  absl::Status CheckLast(const Outgoing& message, uint64_t expected_last, int64_t now_us) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // Gives the messages that are no duplicates their sequences, and adds them to `batch`, with their request ids. What
  // is a duplicate of a message that is prepared only must not be answered before that one is.
  void Prepare(absl::Span<const Outgoing> messages, absl::Time time, int64_t now_us, absl::string_view publisher,
               absl::string_view reply_to, log::Store::Batch* batch, Prepared* prepared) ABSL_LOCKS_EXCLUDED(mu_);
  // They are on disk: now they are heard, by `heard` if that is not null. Wake the lanes afterwards.
  Appended Publish(Prepared* prepared, int64_t now_us, bool count_matches, Heard* heard) ABSL_LOCKS_EXCLUDED(mu_);
  // They could not be written.
  void TakeBack(const Prepared& prepared) ABSL_LOCKS_EXCLUDED(mu_);
  // Adds the deletion of request ids that are known no more to `batch`; NoteDropped once that is written.
  void DropRequestIds(log::Store::Batch* batch) ABSL_LOCKS_EXCLUDED(mu_);
  void NoteDropped() ABSL_LOCKS_EXCLUDED(mu_);

  // Whether request ids are on disk that are known no more.
  bool HasIdsToDrop() const ABSL_LOCKS_EXCLUDED(mu_);
  // Appends a question to a live queue, if anybody hears it; UNAVAILABLE, reason NOBODY_LISTENS, otherwise. The answer
  // is its sequence. Post and wake as for Append.
  absl::StatusOr<uint64_t> AppendQuestion(const Outgoing& question, absl::Time time, int64_t now_us,
                                          absl::string_view publisher, absl::string_view reply_to, Heard* heard)
      ABSL_LOCKS_EXCLUDED(mu_);
  // OK if anybody would hear the question, as it stands.
  absl::Status CheckHeard(const Outgoing& question) const ABSL_LOCKS_EXCLUDED(mu_);

  // What it holds and accepts.
  QueueConfig config() const ABSL_LOCKS_EXCLUDED(mu_);
  // Changes the events that it accepts, sorted, and what it holds. What it holds above that goes with the next message,
  // or the next look.
  void Change(std::vector<std::string> events, const RetentionConfig& retention) ABSL_LOCKS_EXCLUDED(mu_);
  // Gives up the messages up to `last`, all if it is 0; the answer is how many. Who had not heard them is told a gap.
  // OUT_OF_RANGE if the queue has not reached `last`. May block on the disk.
  absl::StatusOr<uint64_t> Purge(uint64_t last) ABSL_LOCKS_EXCLUDED(mu_);
  // Whether what is before `first` went by Purge or Close.
  bool WasPurged(uint64_t first) const ABSL_LOCKS_EXCLUDED(mu_);
  // The queue is deleted: it holds nothing any more, which its cursors are told before they end (Cursor::done), and
  // takes nothing on disk. Wake the lanes afterwards. The answer is how many messages went.
  uint64_t Close() ABSL_LOCKS_EXCLUDED(mu_);

  // Gives up messages that are too old.
  void Trim(int64_t now_us) ABSL_LOCKS_EXCLUDED(mu_);
  // Gives up messages on disk that the retention does not keep. May block on the disk.
  absl::Status TrimDisk(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // Where `start` is, if that takes a look at the disk: of a time, and of the last messages that `filter` and
  // `memberships` let through. May block on the disk, for long: CANCELLED once `stop` is set, if it is not null.
  absl::StatusOr<uint64_t> FindStart(const Start& start, const EventFilter& filter, const Memberships& memberships,
                                     const std::atomic<bool>* stop = nullptr) const ABSL_LOCKS_EXCLUDED(mu_);

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

  // Marks the cursor as ready if it is still there. Only for its lane's thread.
  void MarkCursor(Cursor* cursor, int lane, std::vector<Subscriber*>* ready) ABSL_LOCKS_EXCLUDED(mu_);

  // Marks those who listen to the channel on a lane as ready. Only for that lane's thread.
  void MarkListeners(Channel* channel, int lane, std::vector<Subscriber*>* ready) ABSL_LOCKS_EXCLUDED(mu_);

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

  void NoteRequestIds(absl::Span<const Outgoing> messages, int64_t now_us, log::Store::Batch* batch, Prepared* prepared)
      ABSL_LOCKS_EXCLUDED(mu_);
  void AppendToChannels(const log::Audience* audience, absl::string_view event, uint64_t sequence, Touched* touched)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The patterns with channels that an event is for.
  using Matching = absl::InlinedVector<absl::string_view, 4>;
  // Tells those who must know of each message of the channel.
  void TellWatchers(const Channel& channel, uint64_t sequence) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AppendToTarget(uint64_t target, absl::string_view event, const Matching& matching, uint64_t sequence,
                      Touched* touched) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void PostLocked(const Touched& touched) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  uint64_t CountMatchesLocked(uint64_t sequence) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::shared_ptr<Channel> ChannelLocked(uint64_t target, absl::string_view event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AddTargetLocked(Cursor* cursor, uint64_t target) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StopListening(Cursor* cursor, Channel* channel) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TrimLocked(int64_t now_us, size_t channels) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TrimChannelsLocked(size_t count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StartLocked(Cursor* cursor, const Start& start) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ResumeLocked(Cursor* cursor, const v1::QueuePosition& position) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  uint64_t FirstSinceLocked(int64_t time_us) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  uint64_t LastOfLocked(const Cursor& cursor, uint64_t count) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  v1::Gap GapLocked(uint64_t first, uint64_t end, uint64_t count, v1::GapReason reason) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Gives up what is before `first` in memory, as purged.
  void PurgeLocked(uint64_t first) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Why a cursor that has lost what is before `end` has lost it.
  v1::GapReason LossReasonLocked(uint64_t end) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return end <= purged_end_ ? v1::GAP_REASON_PURGED : v1::GAP_REASON_SLOW_SUBSCRIBER;
  }

  // The oldest sequence that is held, in memory or on disk.
  uint64_t FirstLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return durable() ? disk_first_ : ring_.first(); }
  // Where a cursor goes on that has lost messages.
  uint64_t LossEndLocked(const Cursor& cursor) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return cursor.scanning ? FirstLocked() : ring_.first();
  }

  // What decides who hears a message.
  struct Hearing {
    uint64_t stamp;
    const log::Audience* audience;  // null for everyone
    const char* entry;
  };
  static Hearing HearingOf(const log::Record& record) {
    return {record.stamp, record.audience.get(), log::Ring::data(record)};
  }
  // Whether somebody hears the message: by audience and by event.
  bool Hears(const EventFilter& filter, const Memberships& memberships, const Hearing& message) const;
  bool Hears(const Cursor& cursor, const log::Record& record) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AddHeard(const Hearing& message, Heard* heard) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsMemberOfAny(const Memberships& memberships, const std::vector<uint64_t>& ids, uint64_t stamp) const;
  // Whether the time of a message is over.
  bool Expired(const log::Audience* audience) const {
    return audience != nullptr && audience->expired(absl::ToUnixMicros(options_.clock->Now()));
  }
  // Whether a cursor hears a message of this channel, which is one of its own.
  bool Passes(const Cursor& cursor, const Channel& channel, const log::Record& record) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool ReadScanning(Cursor* cursor, uint64_t bytes_max, Delivery* delivery) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What of a block a cursor hears; kWaiting if a block has to be read first.
  enum class BlockRead { kDone, kFull, kWaiting };
  BlockRead ReadBlocks(Cursor* cursor, uint64_t bytes_max, Delivery* delivery) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HaveBlock(Cursor* cursor) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AskForBlock(Cursor* cursor, uint64_t from) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void LoadBlock(Cursor* cursor, const std::shared_ptr<Subscriber>& subscriber, uint64_t from, uint64_t end)
      ABSL_LOCKS_EXCLUDED(mu_);
  bool IsCursorOf(const Cursor* cursor, const Subscriber& subscriber) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Hearing HearingOf(const log::Block& block, uint64_t sequence, log::Audience* audience) const;
  absl::StatusOr<uint64_t> FindLast(uint64_t count, uint64_t first, uint64_t end, const EventFilter& filter,
                                    const Memberships& memberships, const std::atomic<bool>* stop) const;
  bool ReadChannels(Cursor* cursor, uint64_t bytes_max, Delivery* delivery) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool ReadChannel(Cursor* cursor, Ear* ear, uint64_t bytes_max, Delivery* delivery) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SkipLostLocked(Cursor* cursor) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static bool IsDone(const Cursor& cursor, const Ear& ear);
  void DropDoneEars(Cursor* cursor) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // A message that a cursor hears, and where its entry is.
  struct Piece {
    uint64_t sequence;
    const log::Audience* audience;  // null for everyone
    log::Chunk* chunk;
    uint32_t offset;
    uint32_t length;
  };
  static Piece PieceOf(const log::Record& record, uint64_t sequence) {
    return {sequence, record.audience.get(), record.chunk, record.offset, record.length};
  }
  // Adds the message to the delivery, or a gap if it is not to be delivered any more. False if that has no room there.
  bool Take(Cursor* cursor, const Piece& piece, uint64_t bytes_max, Delivery* delivery)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Tells of messages that came while too many waited, and goes on behind them. Nothing if the delivery has no room.
  void TellDropped(Cursor* cursor, const Waiting::Run& run, Delivery* delivery) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void PassOverLocked(Cursor* cursor, uint64_t last) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TellLostLocked(Cursor* cursor) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool AddMissing(uint64_t sequence, v1::GapReason reason, Delivery* delivery) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static bool Add(const Piece& piece, uint64_t bytes_max, Delivery* delivery);
  void CaughtUp(Cursor* cursor) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool PendingLocked(const Cursor& cursor) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  Counters counters_;
  Schedule schedule_;

  // For the committer's thread only.
  uint64_t next_sequence_ = 1;
  int64_t last_time_us_ = 0;  // of the last message, since 1970
  uint64_t dropping_ = 0;     // the last message whose request id is being deleted from disk

  absl::Status restored_;  // whether the request ids on disk could be read; set before anything is published

  std::atomic<bool> any_event_;      // whether it accepts all events
  std::atomic<bool> closed_{false};  // set under the mutex

  mutable Mutex mu_;
  std::vector<std::string> events_ ABSL_GUARDED_BY(mu_);
  RetentionConfig retention_ ABSL_GUARDED_BY(mu_);
  log::Ring ring_ ABSL_GUARDED_BY(mu_);
  uint64_t purged_end_ ABSL_GUARDED_BY(mu_) = 0;  // what went before this was purged
  RequestIds request_ids_ ABSL_GUARDED_BY(mu_);   // with those of messages that are prepared
  uint64_t dropped_ ABSL_GUARDED_BY(mu_) = 0;     // up to this message they were deleted from disk
  absl::flat_hash_map<ChannelKey, std::shared_ptr<Channel>, ChannelKeyHash, ChannelKeyEq> channels_
      ABSL_GUARDED_BY(mu_);
  size_t name_channels_ ABSL_GUARDED_BY(mu_) = 0;     // those of channels_ that are for one event
  size_t pattern_channels_ ABSL_GUARDED_BY(mu_) = 0;  // and for those that match a pattern
  PatternIndex patterns_ ABSL_GUARDED_BY(mu_);        // of these, each as often as it has channels
  Channel* everyone_ ABSL_GUARDED_BY(mu_) = nullptr;  // the one of channels_ that has all that is for everyone
  std::vector<Channel*> channel_list_ ABSL_GUARDED_BY(mu_);
  size_t trim_turn_ ABSL_GUARDED_BY(mu_) = 0;  // the place in channel_list_ to trim next
  absl::flat_hash_set<Cursor*> cursors_ ABSL_GUARDED_BY(mu_);
  LastRead last_read_ ABSL_GUARDED_BY(mu_);
  std::atomic<bool> has_followers_{false};
  std::vector<std::weak_ptr<Follower>> followers_ ABSL_GUARDED_BY(mu_);
  uint64_t disk_first_ ABSL_GUARDED_BY(mu_) = 1;  // the oldest sequence on disk
  uint64_t disk_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t disk_oldest_us_ ABSL_GUARDED_BY(mu_) = 0;  // no message on disk is older; since 1970
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_QUEUE_H_
