#ifndef NMQ_SERVER_QUEUE_QUEUE_H_
#define NMQ_SERVER_QUEUE_QUEUE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "nmq/v1/registry.pb.h"
#include "server/config/config.h"
#include "server/log/batch.h"
#include "server/log/block.h"
#include "server/log/extent.h"
#include "server/log/ring.h"
#include "server/metrics/counters.h"
#include "server/presence/memberships.h"
#include "server/queue/append.h"
#include "server/queue/appender.h"
#include "server/queue/channel.h"
#include "server/queue/cursor.h"
#include "server/queue/cursor_reader.h"
#include "server/queue/delivery.h"
#include "server/queue/disk_search.h"
#include "server/queue/fanout.h"
#include "server/queue/filter.h"
#include "server/queue/followers.h"
#include "server/queue/known_requests.h"
#include "server/queue/lane.h"
#include "server/queue/message_log.h"
#include "server/queue/preparer.h"
#include "server/queue/queue_on_disk.h"
#include "server/queue/schedule.h"
#include "server/queue/start.h"
#include "server/queue/subscriber.h"

namespace nmq::broker {

// The answer to a client whose question nobody hears.
absl::Status NobodyListens(absl::string_view name_space, absl::string_view queue, absl::string_view event);

// What made a queue: the configuration file, a message published to it or a group, or Admin.
enum class QueueOrigin { kDeclared, kAutomatic, kAdmin };

// One queue of a namespace: the log of its messages, their fan-out to the cursors that listen, and the appender that
// takes messages in. Thread-safe: it holds the mutex that guards these parts, which may be taken under the namespace's;
// under it only leaf locks are taken.
//
// A queue that has its messages on disk keeps the latest ones in memory as well. What is written to it goes through a
// Committer, which prepares messages, writes them, and publishes them; a cursor that is behind the ring is given blocks
// that the reader's thread reads.
class Queue : public std::enable_shared_from_this<Queue>, private CursorReader::Blocks {
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
  // Its present epoch, and that of one of its messages, held or not.
  uint64_t epoch() const { return options_.epoch; }
  uint64_t EpochOf(uint64_t sequence) const { return durable() ? disk().EpochOf(sequence) : epoch(); }
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
  Counters& counters() { return counters_; }
  // The messages that are there: [first, end).
  log::Extent Held() const ABSL_LOCKS_EXCLUDED(mu_);

  // Messages from `from` on that the ring has, as the store's Read gives them, but without their times; null if the
  // ring has not got the first. Only for a queue with messages on disk.
  std::shared_ptr<const log::Block> BlockFromRing(uint64_t from, uint64_t end, uint64_t bytes_max) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // The follower is woken when there are new messages, until it is removed.
  void AddFollower(std::weak_ptr<Follower> follower) { followers_.Add(std::move(follower)); }
  void RemoveFollower(const Follower* follower) { followers_.Remove(follower); }
  void WakeFollowers() { followers_.Wake(); }

  using Outgoing = broker::Outgoing;
  using Duplicate = broker::Duplicate;
  using Appended = broker::Appended;
  using Heard = Hearers;
  using Prepared = broker::Prepared;

  // NOT_FOUND, reason QUEUE_DELETED, after StopTaking.
  absl::Status CheckTakes() const;

  // Appends `messages` to a live queue, those that are no duplicates with neighbouring sequences, and posts to the
  // lanes; wake those afterwards. NOT_FOUND as from CheckTakes; FAILED_PRECONDITION, reason SEQUENCE_MISMATCH, if
  // `expected_last` is set and not the last sequence; only for one message.
  absl::StatusOr<Appended> Append(absl::Span<const Outgoing> messages, absl::Time time, int64_t now_us,
                                  absl::string_view publisher, bool count_matches,
                                  std::optional<uint64_t> expected_last = {}) ABSL_LOCKS_EXCLUDED(mu_);
  // The same for messages of which CheckPrepare was asked before the queue stopped taking any.
  Appended AppendChecked(absl::Span<const Outgoing> messages, absl::Time time, int64_t now_us,
                         absl::string_view publisher, bool count_matches) ABSL_LOCKS_EXCLUDED(mu_);
  // Appends a question to a live queue, if anybody hears it; UNAVAILABLE, reason NOBODY_LISTENS, otherwise. The answer
  // is its sequence. Post and wake as for Append.
  absl::StatusOr<uint64_t> AppendQuestion(const Outgoing& question, absl::Time time, int64_t now_us,
                                          absl::string_view publisher, absl::string_view reply_to, Heard* heard)
      ABSL_LOCKS_EXCLUDED(mu_);
  // OK if anybody would hear the question, as it stands.
  absl::Status CheckHeard(const Outgoing& question) const ABSL_LOCKS_EXCLUDED(mu_);

  // For the committer's thread only, and but for CheckPrepare for queues with messages on disk. Messages that were
  // prepared are published, or taken back, the last ones first.

  // Whether the messages may be taken, after all that was prepared before.
  absl::Status CheckPrepare(absl::Span<const Outgoing> messages) const;
  // FAILED_PRECONDITION, reason SEQUENCE_MISMATCH, if `expected_last` is not the last sequence that was prepared,
  // unless the message is a duplicate.
  absl::Status CheckLast(const Outgoing& message, uint64_t expected_last, int64_t now_us) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // Gives the messages that are no duplicates their sequences, and adds them to `batch`, with their request ids. A
  // duplicate of a message that is prepared only must not be answered before that one is.
  void Prepare(absl::Span<const Outgoing> messages, absl::Time time, int64_t now_us, absl::string_view publisher,
               absl::string_view reply_to, log::Batch* batch, Prepared* prepared) ABSL_LOCKS_EXCLUDED(mu_);
  // They are on disk: now they are heard, by `heard` if that is not null. Wake the lanes afterwards.
  Appended Publish(Prepared* prepared, int64_t now_us, bool count_matches, Heard* heard) ABSL_LOCKS_EXCLUDED(mu_);
  // They could not be written.
  void TakeBack(const Prepared& prepared) ABSL_LOCKS_EXCLUDED(mu_);
  // Adds the deletion of request ids that are known no more to `batch`; NoteDropped once that is written.
  void DropRequestIds(log::Batch* batch) ABSL_LOCKS_EXCLUDED(mu_);
  void NoteDropped() ABSL_LOCKS_EXCLUDED(mu_);

  // Whether request ids are on disk that are known no more. From any thread.
  bool HasIdsToDrop() const ABSL_LOCKS_EXCLUDED(mu_);

  // What it holds and accepts.
  QueueConfig config() const ABSL_LOCKS_EXCLUDED(mu_);
  // Changes the events that it accepts, sorted, and what it holds. What it holds above that goes with the next message,
  // or the next look.
  void Change(std::vector<std::string> events, const RetentionConfig& retention) ABSL_LOCKS_EXCLUDED(mu_);
  // Gives up the messages up to `last`, all if it is 0; the answer is how many. A cursor that had not heard them is
  // told a gap. OUT_OF_RANGE if the queue has not reached `last`. May block on the disk.
  absl::StatusOr<uint64_t> Purge(uint64_t last) ABSL_LOCKS_EXCLUDED(mu_);
  // Whether what is before `first` went by Purge or Close.
  bool WasPurged(uint64_t first) const ABSL_LOCKS_EXCLUDED(mu_);
  // The queue is about to be deleted: it takes nothing more, but what was checked before.
  void StopTaking() ABSL_LOCKS_EXCLUDED(mu_);
  // The queue is deleted, after StopTaking: it holds nothing any more, which its cursors are told before they end
  // (Cursor::done), and takes nothing on disk. Wake the lanes afterwards. The answer is how many messages went.
  uint64_t Close() ABSL_LOCKS_EXCLUDED(mu_);

  // Gives up messages that are too old.
  void Trim(int64_t now_us) ABSL_LOCKS_EXCLUDED(mu_);
  // Gives up messages on disk that the retention does not keep. May block on the disk.
  absl::Status TrimDisk(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // Where `start` is in a queue on disk, if that takes a search: of the last messages that `filter` and the memberships
  // let through, or of a time. See disk_search.h.
  void FindStart(const Start& start, EventFilter filter, SearchFor who, FoundSequence done) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // Where the last `count` messages begin that `filter` and `memberships` let through, of a live queue. May take long
  // without keeping others from the queue: CANCELLED once `stop` is set, if it is not null.
  absl::StatusOr<uint64_t> FindLastInMemory(uint64_t count, const EventFilter& filter, const Memberships& memberships,
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
  // Marks the cursors that listen to the channel on a lane as ready. Only for that lane's thread.
  void MarkListeners(Channel* channel, int lane, std::vector<Subscriber*>* ready) ABSL_LOCKS_EXCLUDED(mu_);

  void Describe(v1::QueueInfo* info) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Ask(Cursor* cursor, uint64_t from, uint64_t end) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The log has answered what was asked for a cursor, if its subscriber is still there.
  void Asked(Cursor* cursor, const std::shared_ptr<Subscriber>& subscriber, uint64_t from,
             absl::StatusOr<std::shared_ptr<const log::Block>> block) ABSL_LOCKS_EXCLUDED(mu_);
  // Gives the cursor its block, which is null if the queue begins only at `first` now.
  void Answer(Cursor* cursor, Subscriber& subscriber, uint64_t first,
              absl::StatusOr<std::shared_ptr<const log::Block>> block) ABSL_LOCKS_EXCLUDED(mu_);
  void Post(const Fanout::Touched& touched) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  Counters counters_;
  Schedule schedule_;
  Followers followers_;
  std::optional<Preparer> preparer_;  // only for the committer's thread; not set for a live queue
  absl::Status restored_;             // whether the request ids on disk could be read; set before anything is published

  std::atomic<bool> any_event_;     // whether it accepts all events
  std::atomic<bool> taking_{true};  // set under the mutex, like the next one
  std::atomic<bool> closed_{false};

  mutable Mutex mu_;
  std::vector<std::string> events_ ABSL_GUARDED_BY(mu_);
  MessageLog log_ ABSL_GUARDED_BY(mu_);
  Fanout fanout_ ABSL_GUARDED_BY(mu_);
  KnownRequests requests_ ABSL_GUARDED_BY(mu_);
  Appender appender_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_QUEUE_H_
