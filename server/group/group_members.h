#ifndef NMQ_SERVER_GROUP_GROUP_MEMBERS_H_
#define NMQ_SERVER_GROUP_GROUP_MEMBERS_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace nmq::broker {

// The members of a group: how much each may have unacknowledged and has, and who is to get the next message. Members
// are known by an index, which is given to another member once this one is removed. Not thread-safe.
class GroupMembers {
 public:
  using Index = uint32_t;
  static constexpr Index kNone = UINT32_MAX;

  // Stints are numbered from the one after `last_stint` on.
  explicit GroupMembers(uint32_t last_stint = 0) : last_stint_(last_stint) {}

  // A member that is there already gets the new credit.
  Index Add(uint64_t id, uint64_t credit_messages, uint64_t credit_bytes);
  void Remove(Index index);
  Index Find(uint64_t id) const;  // kNone if there is none
  uint64_t id(Index index) const { return members_[index].id; }
  // The number of the member's time in the group, from when it was added until it is removed: no other member has it.
  uint32_t stint(Index index) const { return members_[index].stint; }
  uint32_t last_stint() const { return last_stint_; }
  uint64_t messages(Index index) const { return members_[index].messages; }
  uint64_t credit_messages(Index index) const { return members_[index].credit_messages; }
  uint64_t credit_bytes(Index index) const { return members_[index].credit_bytes; }
  const std::vector<Index>& all() const { return heap_; }  // in no particular order

  // Whether a message of this size may go to the member. A member that has nothing may get one of any size.
  bool HasCredit(Index index, uint64_t bytes) const;
  // Whether the member can take new messages: it has credit for a small one, and no backlog.
  bool IsOpen(Index index) const;
  // The open member with credit for this that has the fewest messages; of several, the one that has waited longest for
  // its last one. kNone if there is none.
  Index Choose(uint64_t bytes) const;
  bool AnyOpen() const { return !heap_.empty() && IsOpen(heap_[0]); }

  // The member has a message more, or less.
  void Take(Index index, uint64_t bytes);
  void Give(Index index, uint64_t bytes);
  // Whether messages wait for this very member: then it gets no others.
  void SetBacklog(Index index, bool backlog);

 private:
  struct Member {
    uint64_t id = 0;
    uint64_t credit_messages = 0;
    uint64_t credit_bytes = 0;
    uint64_t messages = 0;
    uint64_t bytes = 0;
    uint64_t turn = 0;      // when it got its last message
    uint32_t position = 0;  // in heap_
    uint32_t stint = 0;
    bool backlog = false;
  };

  bool Before(Index a, Index b) const;
  void Place(Index index, uint32_t position);
  void Update(Index index);  // after a change of what Before looks at

  std::vector<Member> members_;
  std::vector<Index> free_;
  std::vector<Index> heap_;  // the first is to get the next message
  absl::flat_hash_map<uint64_t, Index> by_id_;
  uint64_t turn_ = 0;
  uint32_t last_stint_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_GROUP_GROUP_MEMBERS_H_
