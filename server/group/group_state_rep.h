// What is behind GroupState: the state of each message above the floor, and the moves from one to the next.
#ifndef NMQ_SERVER_GROUP_GROUP_STATE_REP_H_
#define NMQ_SERVER_GROUP_GROUP_STATE_REP_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/circular_buffer.h"
#include "server/group/group_keys.h"
#include "server/group/group_members.h"
#include "server/group/group_state.h"

namespace nmq::broker {

struct GroupState::Rep {
  using Member = GroupMembers::Index;

  static constexpr char kMaxAttempts[] = "MAX_ATTEMPTS";
  // Outdated entries that a list of sequences may hold beside as many as it has current ones.
  static constexpr size_t kOutdatedMax = 1024;

  enum State : uint8_t {
    kRestored,  // was with a member, or waited, before the restart; to be offered again
    kPending,   // with a member
    kDelayed,   // waits until `when`
    kReady,     // waits for a member
    kDead,      // TakeDead will tell
    kTaken,     // TakeDead has told
    kDone,
    kStates,
  };

  // A message above the floor.
  struct Entry {
    int64_t when = 0;  // the deadline if pending, the time of the next delivery if delayed
    uint32_t bytes = 0;
    uint32_t stint = 0;  // of the member that got it last; 0 if none did
    Member member = 0;   // if pending
    uint32_t attempts = 0;
    uint32_t disk = 0;  // what TakeChanges last said of it, as ItemOf has it
    GroupKeys::Slot slot = GroupKeys::kNoSlot;
    State state = kDone;
    bool skipped : 1;
    bool parked : 1;  // Offer found no member
    bool dirty : 1;   // its sequence is in `dirty_`
    bool returned : 1;
    Entry() : skipped(false), parked(false), dirty(false), returned(false) {}
  };

  // What is to be kept of a message: nothing, that it is done, or its attempts. A skipped message is skipped anew.
  static constexpr uint32_t kNoItem = 0;
  static constexpr uint32_t kDoneItem = 1;
  static constexpr uint32_t kAttemptsItem = 2;  // and above: that many attempts more than none
  static uint32_t ItemOf(const Entry& entry);

  // A time, never past the last one that there is.
  static int64_t Later(int64_t now, int64_t by);

  struct Timed {
    int64_t when;
    uint64_t sequence;
    bool operator>(const Timed& other) const {
      return when != other.when ? when > other.when : sequence > other.sequence;
    }
  };

  // A heap, the least first, from which what is outdated can be taken out.
  template <typename T>
  class Heap {
   public:
    bool empty() const { return items_.empty(); }
    size_t size() const { return items_.size(); }
    const T& top() const { return items_.front(); }
    void push(T item) {
      items_.push_back(item);
      std::push_heap(items_.begin(), items_.end(), std::greater<>());
    }
    void pop() {
      std::pop_heap(items_.begin(), items_.end(), std::greater<>());
      items_.pop_back();
    }
    template <typename Outdated>
    void Clean(Outdated outdated) {
      items_.erase(std::remove_if(items_.begin(), items_.end(), outdated), items_.end());
      std::make_heap(items_.begin(), items_.end(), std::greater<>());
    }

   private:
    std::vector<T> items_;
  };

  Rep(const GroupPolicy& group_policy, const GroupStints& known_stints, uint32_t last_stint)
      : policy(group_policy), stints(known_stints), members(last_stint), keys(&members) {
    policy.attempts_max = std::max<uint32_t>(policy.attempts_max, 1);
  }

  void Restore(const Saved& saved);

  uint64_t end() const { return base + entries.size(); }
  Entry& At(uint64_t sequence) { return entries[sequence - base]; }
  Entry* Find(uint64_t sequence) { return sequence < base || sequence >= end() ? nullptr : &At(sequence); }
  bool Is(uint64_t sequence, State state) {
    const Entry* entry = Find(sequence);
    return entry != nullptr && entry->state == state;
  }
  bool Is(const Timed& timed, State state) {
    return Is(timed.sequence, state) && At(timed.sequence).when == timed.when;
  }
  // A name has the attempt in its last bits.
  static constexpr int kAttemptBits = 10;
  static constexpr uint64_t kAttemptMask = (1 << kAttemptBits) - 1;
  uint64_t DeliveryOf(const Entry& entry) const {
    if (entry.stint == 0 || entry.state >= kDead) return 0;
    return (stints.last + entry.stint) << kAttemptBits | (entry.attempts & kAttemptMask);
  }
  // The entry, if it is not settled and its last delivery has this name; else null.
  Entry* FindDelivery(uint64_t sequence, uint64_t delivery);
  uint64_t delivered() const { return std::max(restored_end, next) - 1; }
  uint64_t waiting() const { return counts[kRestored] + counts[kDelayed] + counts[kReady]; }

  void Tick(int64_t now_us) { now = std::max(now, now_us); }
  bool WantsNew() const;
  int64_t Backoff(uint32_t attempts) const;
  void MarkDirty(uint64_t sequence, Entry& entry);
  void SetState(Entry& entry, State state);

  Entry& Append();
  void Step();
  void PassSettled();
  Assignment Assign(uint64_t sequence, Entry& entry, Member member);
  void Settle(Entry& entry, State state);
  void Finish(uint64_t sequence, Entry& entry);
  void Die(uint64_t sequence, Entry& entry, absl::string_view reason);
  void TakeBack(uint64_t sequence, Entry& entry, int64_t when);
  void MakeReady(uint64_t sequence, Entry& entry);
  void AdvanceFloor();

  void DeliverUnkeyed(size_t max, AtHand at_hand, std::vector<Assignment>* out);
  void DeliverKeyed(size_t max, AtHand at_hand, std::vector<Assignment>* out);

  bool PopOutdatedDeadlines();
  void CleanDeadlines();
  void PopOutdatedDelayed();

  GroupPolicy policy;
  const GroupStints stints;  // as this began; those of its members count from `last` on
  GroupMembers members;
  GroupKeys keys;

  uint64_t base = 1;          // the sequence of entries[0]; the floor is one less
  uint64_t next = 1;          // to offer or skip
  uint64_t restored_end = 1;  // what is before was delivered before the restart
  CircularBuffer<Entry> entries;
  uint64_t counts[kStates] = {};
  uint64_t parked = 0;

  int64_t now = 0;
  // Deadlines; those that are not what the entry says any more are outdated. First deadlines come in order.
  CircularBuffer<Timed> deadlines;
  Heap<Timed> extended;
  Heap<Timed> delayed;     // outdated likewise
  Heap<uint64_t> ready;    // without a key; outdated unless kReady
  bool blocked = false;    // the first of `ready` finds no member: what is new must not go before it
  bool try_again = false;  // whether Deliver may find members for what is due

  std::vector<Dead> dead;
  std::vector<uint64_t> dirty;  // sequences of which ItemOf may differ from `disk`
  std::vector<uint64_t> erase;
  uint64_t told_floor = 0;
  uint64_t told_delivered = 0;

  uint64_t done_count = 0;
  uint64_t redelivered_count = 0;
  uint64_t dead_count = 0;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_GROUP_GROUP_STATE_REP_H_
