#ifndef NMQ_SERVER_GROUP_GROUP_KEYS_H_
#define NMQ_SERVER_GROUP_GROUP_KEYS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/group/group_members.h"

namespace nmq::broker {

// Which member of a group has which keys. Keys are hashed to slots, and a slot stays with its member as long as the
// member is there, but for one case: a slot of which no message is in the group's hands may go to a member that has
// fewer. A slot also holds the sequences that are due and wait for its member. Not thread-safe; `members` outlives it.
class GroupKeys {
 public:
  using Slot = uint16_t;
  using Index = GroupMembers::Index;
  static constexpr size_t kSlots = 1024;
  static constexpr Slot kNoSlot = UINT16_MAX;

  explicit GroupKeys(GroupMembers* members) : members_(members) {}
  GroupKeys(const GroupKeys&) = delete;
  GroupKeys& operator=(const GroupKeys&) = delete;

  // kNoSlot for the empty key.
  static Slot SlotOf(absl::string_view key);

  // Gives the member its share of the slots that are idle.
  void AddMember(Index member);
  // What waits for the member waits for whoever gets its slots. Call before the member is removed.
  void RemoveMember(Index member);

  // The slot's member, chosen if it has none; kNone if nobody is there.
  Index MemberFor(Slot slot);
  // Whether a new message of the slot must wait behind others.
  bool MustWait(Slot slot) const;

  // A message of the slot is in the group's hands, or no longer.
  void Enter(Slot slot) { ++slots_[slot].messages; }
  void Leave(Slot slot);

  // The message waits for the slot's member.
  void Push(Slot slot, uint64_t sequence);
  // Gives slots without a member to members.
  void AdoptOrphans();
  // Members for whom messages wait.
  const std::vector<Index>& backlog() const { return backlog_; }
  bool HasOrphans() const { return !orphans_.empty(); }
  // The lowest sequence that waits in the slot whose turn it is with this member of backlog().
  uint64_t Front(Index member) const { return slots_[queues_[member][0]].waiting.front(); }
  // Takes it out; the turn passes to the next slot.
  void Pop(Index member);

 private:
  struct SlotState {
    Index member = GroupMembers::kNone;
    uint32_t messages = 0;
    std::vector<uint64_t> waiting;  // a heap; the lowest first
  };

  void Give(Slot slot, Index member);
  void Queue(Slot slot);
  void Unqueue(Slot slot);
  void SetQueue(Index member);  // after its queue has changed

  GroupMembers* const members_;
  std::array<SlotState, kSlots> slots_;
  uint32_t assigned_ = 0;                  // slots that have a member
  std::vector<uint32_t> counts_;           // slots by member
  std::vector<std::vector<Slot>> queues_;  // by member: slots in which something waits; the first has its turn
  std::vector<Slot> orphans_;              // slots without a member in which something waits
  std::vector<Index> backlog_;             // members whose queue is not empty
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_GROUP_GROUP_KEYS_H_
