#include "server/group/group_state_rep.h"

#include <limits>
#include <string>
#include <utility>

namespace nmq::broker {

uint32_t GroupState::Rep::ItemOf(const Entry& entry) {
  if (entry.state == kDone) return entry.skipped ? kNoItem : kDoneItem;
  return entry.attempts == 1 ? kNoItem : kAttemptsItem + entry.attempts;
}

int64_t GroupState::Rep::Later(int64_t now, int64_t by) {
  return by > std::numeric_limits<int64_t>::max() - now ? std::numeric_limits<int64_t>::max() : now + by;
}

GroupState::Rep::Entry* GroupState::Rep::FindDelivery(uint64_t sequence, uint64_t delivery) {
  Entry* const entry = Find(sequence);
  if (entry == nullptr || entry->state >= kDead || entry->attempts == 0) return nullptr;
  if (entry->stint != 0) return DeliveryOf(*entry) == delivery ? entry : nullptr;
  // It was delivered before the restart, and not since.
  const uint64_t stint = delivery >> kAttemptBits;
  const bool is_before = stint > stints.earliest && stint <= stints.last;
  return is_before && (delivery & kAttemptMask) == (entry->attempts & kAttemptMask) ? entry : nullptr;
}

void GroupState::Rep::Restore(const Saved& saved) {
  base = next = saved.floor + 1;
  const uint64_t window = saved.delivered > saved.floor ? saved.delivered - saved.floor : 0;
  restored_end = base + std::min<uint64_t>(window, kWindowMax);
  told_floor = saved.floor;
  told_delivered = saved.delivered;
  for (uint64_t sequence = base; sequence < restored_end; ++sequence) {
    Entry entry;
    entry.state = kRestored;
    entry.attempts = 1;
    entries.push_back(entry);
  }
  counts[kRestored] = entries.size();
  for (const Saved::Item& item : saved.items) {
    Entry* entry = Find(item.sequence);
    if (entry == nullptr) {
      erase.push_back(item.sequence);
      continue;
    }
    entry->attempts = item.attempts;
    if (item.done) SetState(*entry, kDone);
    entry->disk = ItemOf(*entry);
  }
  AdvanceFloor();
}

bool GroupState::Rep::WantsNew() const {
  if (blocked || parked >= kParkedMax || !members.AnyOpen()) return false;
  return next < end() || entries.size() < kWindowMax;
}

// Before the delivery that follows so many.
int64_t GroupState::Rep::Backoff(uint32_t attempts) const {
  const uint32_t doublings = attempts < 1 ? 0 : attempts - 1;
  if (policy.backoff_us <= 0) return 0;
  if (doublings >= 62 || policy.backoff_us > (policy.backoff_max_us >> doublings)) return policy.backoff_max_us;
  return policy.backoff_us << doublings;
}

void GroupState::Rep::MarkDirty(uint64_t sequence, Entry& entry) {
  if (entry.dirty) return;
  entry.dirty = true;
  if (dirty.size() > 2 * entries.size() + kOutdatedMax) {
    dirty.erase(std::remove_if(dirty.begin(), dirty.end(), [this](uint64_t old) { return old < base; }), dirty.end());
  }
  dirty.push_back(sequence);
}

void GroupState::Rep::SetState(Entry& entry, State state) {
  --counts[entry.state];
  ++counts[state];
  entry.state = state;
}

// The entry of the message `next`.
GroupState::Rep::Entry& GroupState::Rep::Append() {
  if (next == end()) {
    entries.push_back(Entry());
    ++counts[kDone];
  }
  return At(next);
}

void GroupState::Rep::Step() {
  ++next;
  PassSettled();
}

// Of what was there before the restart, only what is not done or dead is offered.
void GroupState::Rep::PassSettled() {
  while (next < end() && At(next).state != kRestored) ++next;
}

GroupState::Assignment GroupState::Rep::Assign(uint64_t sequence, Entry& entry, Member member) {
  SetState(entry, kPending);
  if (entry.parked) {
    entry.parked = false;
    --parked;
  }
  entry.member = member;
  entry.stint = members.stint(member);
  entry.when = Later(now, policy.ack_deadline_us);
  members.Take(member, entry.bytes);
  if (deadlines.size() > 2 * counts[kPending] + kOutdatedMax) CleanDeadlines();
  deadlines.push_back(Timed{entry.when, sequence});
  if (++entry.attempts > 1) ++redelivered_count;
  if (ItemOf(entry) != entry.disk) MarkDirty(sequence, entry);
  // What was meant for another member may have a lower sequence than what this one got for the first time.
  const uint32_t attempt = entry.returned ? std::max<uint32_t>(entry.attempts, 2) : entry.attempts;
  return Assignment{sequence, members.id(member), attempt, DeliveryOf(entry)};
}

// Nobody is to have the message any more.
void GroupState::Rep::Settle(Entry& entry, State state) {
  if (entry.state == kPending) {
    members.Give(entry.member, entry.bytes);
    try_again = true;
  }
  if (entry.state == kReady) {
    blocked = false;
    try_again = true;
  }
  if (entry.parked) {
    entry.parked = false;
    --parked;
  }
  // A restored message enters its slot when it is offered.
  if (entry.slot != GroupKeys::kNoSlot) keys.Leave(entry.slot);
  entry.slot = GroupKeys::kNoSlot;
  SetState(entry, state);
}

void GroupState::Rep::Finish(uint64_t sequence, Entry& entry) {
  Settle(entry, kDone);
  if (sequence != base) {
    MarkDirty(sequence, entry);
    if (sequence == next) Step();
    return;
  }
  AdvanceFloor();
}

void GroupState::Rep::Die(uint64_t sequence, Entry& entry, absl::string_view reason) {
  Settle(entry, kDead);
  dead.push_back(Dead{sequence, entry.attempts, std::string(reason)});
  ++dead_count;
  if (sequence == next) Step();
}

void GroupState::Rep::TakeBack(uint64_t sequence, Entry& entry, int64_t when) {
  if (entry.attempts >= policy.attempts_max) {
    Die(sequence, entry, kMaxAttempts);
    return;
  }
  members.Give(entry.member, entry.bytes);
  try_again = true;
  if (when <= now) {
    MakeReady(sequence, entry);
    return;
  }
  SetState(entry, kDelayed);
  entry.when = when;
  if (delayed.size() > 2 * counts[kDelayed] + kOutdatedMax) {
    delayed.Clean([this](const Timed& timed) { return !Is(timed, kDelayed); });
  }
  delayed.push(Timed{when, sequence});
}

void GroupState::Rep::MakeReady(uint64_t sequence, Entry& entry) {
  SetState(entry, kReady);
  try_again = true;
  if (entry.slot != GroupKeys::kNoSlot) {
    keys.Push(entry.slot, sequence);
  } else {
    ready.push(sequence);
  }
}

void GroupState::Rep::AdvanceFloor() {
  while (!entries.empty() && entries.front().state == kDone) {
    if (entries.front().disk != kNoItem) erase.push_back(base);
    entries.pop_front();
    --counts[kDone];
    ++base;
  }
  if (next < base) next = base;
  PassSettled();
}

void GroupState::Rep::DeliverUnkeyed(size_t max, AtHand at_hand, std::vector<Assignment>* out) {
  blocked = false;
  while (out->size() < max && !ready.empty()) {
    const uint64_t sequence = ready.top();
    if (!Is(sequence, kReady)) {
      ready.pop();
      continue;
    }
    Entry& entry = At(sequence);
    const Member member = members.Choose(entry.bytes);
    if (member == GroupMembers::kNone) {
      blocked = true;
      return;
    }
    if (!at_hand(sequence)) return;
    ready.pop();
    out->push_back(Assign(sequence, entry, member));
  }
}

void GroupState::Rep::DeliverKeyed(size_t max, AtHand at_hand, std::vector<Assignment>* out) {
  keys.AdoptOrphans();
  for (size_t i = 0; i < keys.backlog().size() && out->size() < max;) {
    const Member member = keys.backlog()[i];
    const uint64_t sequence = keys.Front(member);
    if (!Is(sequence, kReady)) {
      keys.Pop(member);
      continue;  // a member without a backlog has made place for another one
    }
    Entry& entry = At(sequence);
    if (!members.HasCredit(member, entry.bytes) || !at_hand(sequence)) {
      ++i;
      continue;
    }
    keys.Pop(member);
    out->push_back(Assign(sequence, entry, member));
  }
}

// Whether there is a deadline.
bool GroupState::Rep::PopOutdatedDeadlines() {
  while (!deadlines.empty() && !Is(deadlines.front(), kPending)) deadlines.pop_front();
  while (!extended.empty() && !Is(extended.top(), kPending)) extended.pop();
  return !deadlines.empty() || !extended.empty();
}

void GroupState::Rep::CleanDeadlines() {
  for (size_t left = deadlines.size(); left > 0; --left) {
    const Timed timed = deadlines.front();
    deadlines.pop_front();
    if (Is(timed, kPending)) deadlines.push_back(timed);
  }
}

void GroupState::Rep::PopOutdatedDelayed() {
  while (!delayed.empty() && !Is(delayed.top(), kDelayed)) delayed.pop();
}

}  // namespace nmq::broker
