#include "server/group/group_members.h"

#include <tuple>

namespace nmq::broker {

GroupMembers::Index GroupMembers::Add(uint64_t id, uint64_t credit_messages, uint64_t credit_bytes) {
  Index index = Find(id);
  if (index == kNone) {
    if (free_.empty()) {
      index = static_cast<Index>(members_.size());
      members_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    members_[index] = Member();
    members_[index].id = id;
    members_[index].stint = ++last_stint_;
    by_id_[id] = index;
    heap_.push_back(index);
    members_[index].position = static_cast<uint32_t>(heap_.size() - 1);
  }
  members_[index].credit_messages = credit_messages;
  members_[index].credit_bytes = credit_bytes;
  Update(index);
  return index;
}

void GroupMembers::Remove(Index index) {
  by_id_.erase(members_[index].id);
  free_.push_back(index);
  const uint32_t position = members_[index].position;
  const Index last = heap_.back();
  heap_.pop_back();
  if (last == index) return;
  Place(last, position);
  Update(last);
}

GroupMembers::Index GroupMembers::Find(uint64_t id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? kNone : it->second;
}

bool GroupMembers::HasCredit(Index index, uint64_t bytes) const {
  const Member& member = members_[index];
  if (member.messages >= member.credit_messages) return false;
  if (member.messages == 0) return true;
  return member.bytes <= member.credit_bytes && bytes <= member.credit_bytes - member.bytes;
}

bool GroupMembers::IsOpen(Index index) const {
  const Member& member = members_[index];
  if (member.backlog || member.messages >= member.credit_messages) return false;
  return member.messages == 0 || member.bytes < member.credit_bytes;
}

GroupMembers::Index GroupMembers::Choose(uint64_t bytes) const {
  if (!AnyOpen()) return kNone;
  if (HasCredit(heap_[0], bytes)) return heap_[0];
  Index best = kNone;
  for (const Index index : heap_) {
    if (!IsOpen(index) || !HasCredit(index, bytes)) continue;
    if (best == kNone || Before(index, best)) best = index;
  }
  return best;
}

void GroupMembers::Take(Index index, uint64_t bytes) {
  Member& member = members_[index];
  ++member.messages;
  member.bytes += bytes;
  member.turn = ++turn_;
  Update(index);
}

void GroupMembers::Give(Index index, uint64_t bytes) {
  Member& member = members_[index];
  --member.messages;
  member.bytes -= bytes;
  Update(index);
}

void GroupMembers::SetBacklog(Index index, bool backlog) {
  if (members_[index].backlog == backlog) return;
  members_[index].backlog = backlog;
  Update(index);
}

bool GroupMembers::Before(Index a, Index b) const {
  const Member& x = members_[a];
  const Member& y = members_[b];
  return std::make_tuple(!IsOpen(a), x.messages, x.turn, a) < std::make_tuple(!IsOpen(b), y.messages, y.turn, b);
}

void GroupMembers::Place(Index index, uint32_t position) {
  heap_[position] = index;
  members_[index].position = position;
}

void GroupMembers::Update(Index index) {
  uint32_t position = members_[index].position;
  while (position > 0) {
    const uint32_t parent = (position - 1) / 2;
    if (!Before(index, heap_[parent])) break;
    Place(heap_[parent], position);
    position = parent;
  }
  while (true) {
    uint32_t child = 2 * position + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && Before(heap_[child + 1], heap_[child])) ++child;
    if (!Before(heap_[child], index)) break;
    Place(heap_[child], position);
    position = child;
  }
  Place(index, position);
}

}  // namespace nmq::broker
