#ifndef NMQ_SERVER_GROUP_GROUP_H_
#define NMQ_SERVER_GROUP_GROUP_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "nmq/storage/v1/storage.pb.h"
#include "nmq/v1/message_queue.pb.h"
#include "nmq/v1/registry.pb.h"
#include "server/group/acknowledge_answer.h"
#include "server/group/block_reader.h"
#include "server/group/errands.h"
#include "server/group/filter.h"
#include "server/group/group_runner.h"
#include "server/group/group_state.h"
#include "server/group/outbox.h"
#include "server/limits/limits.h"
#include "server/log/batch.h"
#include "server/log/block.h"
#include "server/queue/committer.h"
#include "server/queue/follower.h"
#include "server/queue/mailbox.h"
#include "server/queue/queue.h"

namespace nmq::broker {

class Subscription;

// A group of a queue on disk: it reads the queue, shares the messages among its members, and keeps on disk what became
// of them. All of its work is done on the runner's thread, in turns; what others want of it waits in its inbox until
// then. It waits for no disk: a turn asks the log, and a later one takes in the answer. While a group saves it does
// nothing else; while it reads, it does what it needs no message for. Thread-safe.
class Group : public Follower, public std::enable_shared_from_this<Group> {
 public:
  struct Options {
    std::string name_space;
    std::shared_ptr<Queue> queue;
    std::shared_ptr<Queue> dead_letters;
    storage::v1::Group group;
    absl::flat_hash_set<uint64_t> rooms;  // the numbers of its rooms
    const Limits* limits;                 // these must outlive the group
    const Clock* clock;
    GroupRunner* runner;
    Committer* committer;
    uint64_t last_stint;  // that may have been given before: see GroupStints
  };
  Group(Options options, const GroupState::Saved& saved);

  const std::string& name() const { return options_.group.options().name(); }
  const std::string& queue_name() const { return options_.queue->name(); }
  const storage::v1::Group& group() const { return options_.group; }

  // The number of a member that is to be added.
  uint64_t NextMember() { return ++last_member_; }
  // The subscription ends if the group can no longer read its queue.
  void AddMember(uint64_t member, const std::shared_ptr<Subscription>& subscription, std::shared_ptr<Mailbox> mailbox,
                 uint64_t credit_messages, uint64_t credit_bytes) ABSL_LOCKS_EXCLUDED(mu_);
  // What the member has goes to others.
  void RemoveMember(uint64_t member) ABSL_LOCKS_EXCLUDED(mu_);

  // `done` is called once, on another thread, under no lock: when what became of the messages is on disk, as far as
  // the operating system is concerned, and dead letters are in their queue. `client` is the id of the client that makes
  // the request: what names no delivery is about what this client's members have. INVALID_ARGUMENT or
  // RESOURCE_EXHAUSTED at once if it is out of bounds, or too much waits already; then `done` is not called.
  using AcknowledgeDone = AcknowledgeAnswer::Done;
  absl::Status Acknowledge(v1::AcknowledgeRequest request, const std::string& client, AcknowledgeDone done)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Changes that Admin asks for. `done` is called once, on the runner's thread: when the change is made and on disk, or
  // with the reason why not. The group does nothing else meanwhile. What was delivered before a seek cannot be
  // acknowledged after it. A retired group delivers nothing, ends the subscriptions of its members, present and future,
  // and writes nothing but dead letters that are on their way.
  using ChangeDone = std::function<void(absl::Status)>;
  void SetPaused(bool paused, ChangeDone done) ABSL_LOCKS_EXCLUDED(mu_);
  void Seek(uint64_t sequence, ChangeDone done) ABSL_LOCKS_EXCLUDED(mu_);
  void Retire(ChangeDone done) ABSL_LOCKS_EXCLUDED(mu_);

  // The queue has new messages.
  void Wake() override;

  void Describe(v1::GroupInfo* info) const ABSL_LOCKS_EXCLUDED(mu_);

  // For the runner only: does what there is to do. When to do so again, in microseconds of the monotonic clock.
  std::optional<int64_t> Turn();

 private:
  // How long nothing is tried after the disk has failed; in microseconds.
  static constexpr int64_t kRetryUs = 1'000'000;

  struct Member {
    std::string client;  // its id
    std::weak_ptr<Subscription> subscription;
    std::shared_ptr<Mailbox> mailbox;
    Outbox outbox;  // what goes out at the end of the turn
  };
  using Members = absl::flat_hash_set<uint64_t>;
  struct Status {
    uint64_t members = 0;
    uint64_t floor = 0;
    uint64_t delivered = 0;
    uint64_t pending = 0;
    uint64_t waiting = 0;
    uint64_t done = 0;
    uint64_t redelivered = 0;
    uint64_t dead = 0;
    uint64_t lost = 0;
    bool paused = false;
  };
  struct Command {
    std::function<void(int64_t now_us)> run;
    uint64_t acknowledged = 0;  // messages that it names
  };

  void Post(std::function<void(int64_t now_us)> command) ABSL_LOCKS_EXCLUDED(mu_);
  // The same for what comes of the group's own doing: it is done even while a change is being written.
  void PostResult(std::function<void(int64_t now_us)> result) ABSL_LOCKS_EXCLUDED(mu_);
  void DoCommands(int64_t now_us) ABSL_LOCKS_EXCLUDED(mu_);

  // Has what `fill` adds written and synced, after what was noted before and what the committer has already; then, if
  // that went well, calls `apply`, and in any case `done`.
  void StartChange(std::function<void(log::Batch*)> fill, std::function<void()> apply, ChangeDone done, int64_t now_us);
  void EndMembers();
  // Forgets what was read of the queue, and what is being read.
  void StopReading();
  // What the member has not been sent is not delivered to it.
  void TakeBackUnsent(const Member& member);
  // Answers those who wait for dead letters, which never come now.
  void DropBurials(const absl::Status& status);
  absl::Status DeletedStatus() const;
  void Note(const v1::AcknowledgeRequest& request, const std::string& client,
            const std::shared_ptr<AcknowledgeAnswer>& answer, int64_t now_us);
  // `own` are the members of the client that says it; null if it has none.
  bool NoteOne(const v1::Acknowledgement& one, uint64_t sequence, const Members* own, int64_t now_us);
  // What the queue no longer holds is lost to the group.
  void GiveUp(uint64_t first);
  // What the disk had lost before this run.
  void TellLoss();
  void Redeliver(int64_t now_us);
  void OfferNew(uint64_t end, int64_t now_us);
  // Asks the log for a block; its answer leads to a turn that takes it in.
  void Ask(BlockReader* reader, uint64_t sequence, uint64_t end);
  void TakeIn(BlockReader* reader, BlockReader::Answer answer, int64_t now_us);
  // The members hear why the group cannot read; it tries again in a while.
  void FailReading(const absl::Status& status, int64_t now_us);
  // Whether the message's time is over; then it is to be told as a gap.
  bool TakeExpired(const log::Block& block, uint64_t sequence);
  void Stage(const GroupState::Assignment& assignment, const log::Block& block);
  void BuryDead(int64_t now_us);
  void Bury(const GroupState::Dead& dead, const log::Block& block, int64_t now_us);
  void Buried(const GroupState::Dead& dead, const absl::Status& status, int64_t now_us);
  // Has written what is to be saved. False if there is nothing, or it is not to be tried again yet; otherwise a turn
  // comes when the log has answered.
  bool BeginSave(int64_t now_us);
  // For the log's thread.
  void Answered(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  // Takes in the log's answer, if it is there.
  bool EndSave(int64_t now_us) ABSL_LOCKS_EXCLUDED(mu_);
  // What comes after saving: others hear what the turn has done.
  void Conclude(int64_t now_us);
  void SendOut();
  void Report() ABSL_LOCKS_EXCLUDED(mu_);
  void ReleaseAnswers();
  // When the next turn is due.
  std::optional<int64_t> NextTurn(int64_t now_us) const;

  const Options options_;
  const GroupFilter filter_;
  std::atomic<uint64_t> last_member_{0};
  std::atomic<bool> posted_{false};

  // For the runner's thread only.
  GroupState state_;
  absl::flat_hash_map<uint64_t, Member> members_;
  absl::flat_hash_map<std::string, Members> members_of_;     // by the client's id
  BlockReader new_;                                          // of messages that come for the first time
  BlockReader again_;                                        // of those that are delivered again
  BlockReader dead_;                                         // of those that become dead letters
  std::deque<GroupState::Dead> dying_;                       // that are to become dead letters
  std::shared_ptr<log::Batch> batch_;                        // what is to be saved; the log's while it saves
  std::optional<Errands::Errand> saving_;                    // set from BeginSave to EndSave
  std::function<void()> after_save_;                         // the change that waits for it
  absl::Status saved_;                                       // how the last try to save went
  int64_t retry_us_ = 0;                                     // nothing is tried again before
  std::vector<std::shared_ptr<AcknowledgeAnswer>> answers_;  // to be let go when all is saved
  absl::flat_hash_map<uint64_t, std::shared_ptr<AcknowledgeAnswer>> burials_;  // that wait for a dead letter
  std::vector<v1::Gap> gaps_;                                                  // to be told at the end of the turn
  bool told_loss_ = false;
  uint64_t lost_ = 0;
  storage::v1::Group kept_;  // as it is on disk
  bool paused_ = false;
  bool retired_ = false;
  bool changing_ = false;  // a change is being written: what was before is not written any more
  bool more_ = false;      // the turn has not done all there is to do

  mutable Mutex mu_;  // a leaf: nothing is locked under it
  std::deque<Command> inbox_ ABSL_GUARDED_BY(mu_);
  std::vector<std::function<void(int64_t now_us)>> results_ ABSL_GUARDED_BY(mu_);
  uint64_t waiting_acknowledgements_ ABSL_GUARDED_BY(mu_) = 0;  // messages that those in the inbox name
  Status status_ ABSL_GUARDED_BY(mu_);                          // at the end of the last turn
  std::optional<absl::Status> written_ ABSL_GUARDED_BY(mu_);    // the log's answer
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_GROUP_GROUP_H_
