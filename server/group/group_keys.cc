#include "server/group/group_keys.h"

#include <algorithm>
#include <functional>
#include <tuple>

#include "absl/hash/hash.h"

namespace nmq::broker {

GroupKeys::Slot GroupKeys::SlotOf(absl::string_view key) {
  return key.empty() ? kNoSlot : static_cast<Slot>(absl::HashOf(key) % kSlots);
}

void GroupKeys::AddMember(Index member) {
  if (queues_.size() <= member) {
    queues_.resize(member + 1);
    counts_.resize(member + 1);
  }
  const uint32_t share = assigned_ / static_cast<uint32_t>(members_->all().size());
  for (size_t slot = 0; slot < kSlots && counts_[member] < share; ++slot) {
    const SlotState& state = slots_[slot];
    if (state.member == GroupMembers::kNone || state.messages > 0 || counts_[state.member] <= share) continue;
    Give(static_cast<Slot>(slot), member);
  }
}

void GroupKeys::RemoveMember(Index member) {
  const std::vector<Slot> queue = std::move(queues_[member]);
  queues_[member].clear();
  SetQueue(member);
  for (size_t slot = 0; slot < kSlots; ++slot) {
    if (slots_[slot].member == member) Give(static_cast<Slot>(slot), GroupMembers::kNone);
  }
  orphans_.insert(orphans_.end(), queue.begin(), queue.end());
}

GroupKeys::Index GroupKeys::MemberFor(Slot slot) {
  if (slots_[slot].member != GroupMembers::kNone) return slots_[slot].member;
  Index best = GroupMembers::kNone;
  const auto rank = [this](Index member) {
    return std::make_tuple(!members_->IsOpen(member), counts_[member], members_->messages(member), member);
  };
  for (const Index member : members_->all()) {
    if (best == GroupMembers::kNone || rank(member) < rank(best)) best = member;
  }
  if (best != GroupMembers::kNone) Give(slot, best);
  return best;
}

bool GroupKeys::MustWait(Slot slot) const {
  const SlotState& state = slots_[slot];
  if (!state.waiting.empty()) return true;
  return state.member != GroupMembers::kNone && !queues_[state.member].empty();
}

void GroupKeys::Leave(Slot slot) {
  SlotState& state = slots_[slot];
  if (--state.messages > 0) return;
  // What waited there was settled meanwhile.
  if (!state.waiting.empty()) Unqueue(slot);
  state.waiting.clear();
  if (state.member == GroupMembers::kNone) return;
  const auto members = static_cast<uint32_t>(members_->all().size());
  if (counts_[state.member] > (assigned_ + members - 1) / members) Give(slot, GroupMembers::kNone);
}

void GroupKeys::Push(Slot slot, uint64_t sequence) {
  SlotState& state = slots_[slot];
  state.waiting.push_back(sequence);
  std::push_heap(state.waiting.begin(), state.waiting.end(), std::greater<>());
  if (state.waiting.size() == 1) Queue(slot);
}

void GroupKeys::AdoptOrphans() {
  if (orphans_.empty() || members_->all().empty()) return;
  std::vector<Slot> orphans;
  orphans.swap(orphans_);
  for (const Slot slot : orphans) {
    MemberFor(slot);
    Queue(slot);
  }
}

void GroupKeys::Pop(Index member) {
  std::vector<Slot>& queue = queues_[member];
  const Slot slot = queue.front();
  std::vector<uint64_t>& waiting = slots_[slot].waiting;
  std::pop_heap(waiting.begin(), waiting.end(), std::greater<>());
  waiting.pop_back();
  queue.erase(queue.begin());
  if (!waiting.empty()) queue.push_back(slot);
  SetQueue(member);
}

void GroupKeys::Give(Slot slot, Index member) {
  SlotState& state = slots_[slot];
  if (state.member != GroupMembers::kNone) {
    --counts_[state.member];
    --assigned_;
  }
  state.member = member;
  if (member != GroupMembers::kNone) {
    ++counts_[member];
    ++assigned_;
  }
}

void GroupKeys::Queue(Slot slot) {
  const Index member = slots_[slot].member;
  if (member == GroupMembers::kNone) {
    orphans_.push_back(slot);
    return;
  }
  queues_[member].push_back(slot);
  SetQueue(member);
}

void GroupKeys::Unqueue(Slot slot) {
  const Index member = slots_[slot].member;
  std::vector<Slot>& queue = member == GroupMembers::kNone ? orphans_ : queues_[member];
  queue.erase(std::find(queue.begin(), queue.end(), slot));
  if (member != GroupMembers::kNone) SetQueue(member);
}

void GroupKeys::SetQueue(Index member) {
  const bool waits = !queues_[member].empty();
  members_->SetBacklog(member, waits);
  const auto it = std::find(backlog_.begin(), backlog_.end(), member);
  if (waits == (it != backlog_.end())) return;
  if (waits) {
    backlog_.push_back(member);
  } else {
    *it = backlog_.back();
    backlog_.pop_back();
  }
}

}  // namespace nmq::broker
