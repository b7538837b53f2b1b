#include "server/group/group_state.h"

#include <algorithm>
#include <utility>

#include "server/group/group_keys.h"
#include "server/group/group_members.h"
#include "server/group/group_state_rep.h"

namespace nmq::broker {

GroupState::GroupState(const GroupPolicy& policy, const Saved& saved, GroupStints stints)
    : rep_(std::make_unique<Rep>(policy, stints, /*last_stint=*/0)) {
  rep_->Restore(saved);
}

GroupState::~GroupState() = default;

void GroupState::AddMember(uint64_t member, uint64_t credit_messages, uint64_t credit_bytes) {
  const Rep::Member index = rep_->members.Add(member, credit_messages, credit_bytes);
  rep_->keys.AddMember(index);
  rep_->try_again = true;
}

void GroupState::RemoveMember(uint64_t member, int64_t now_us) {
  Rep& rep = *rep_;
  rep.Tick(now_us);
  const Rep::Member index = rep.members.Find(member);
  if (index == GroupMembers::kNone) return;
  rep.keys.RemoveMember(index);
  // What it has is mostly what is newest.
  for (uint64_t sequence = rep.end(); rep.members.messages(index) > 0 && sequence > rep.base;) {
    Rep::Entry& entry = rep.At(--sequence);
    if (entry.state == Rep::kPending && entry.member == index) rep.TakeBack(sequence, entry, rep.now);
  }
  rep.members.Remove(index);
}

uint64_t GroupState::next() const { return rep_->next; }
bool GroupState::WantsNew() const { return rep_->WantsNew(); }

std::optional<GroupState::Assignment> GroupState::Offer(uint64_t bytes, absl::string_view key, int64_t now_us,
                                                        bool* taken) {
  Rep& rep = *rep_;
  rep.Tick(now_us);
  *taken = false;
  if (!rep.WantsNew()) return std::nullopt;
  const uint64_t sequence = rep.next;
  if (sequence < rep.end() && rep.At(sequence).attempts >= rep.policy.attempts_max) {
    *taken = true;
    rep.Die(sequence, rep.At(sequence), Rep::kMaxAttempts);
    return std::nullopt;
  }
  const GroupKeys::Slot slot = rep.policy.by_key ? GroupKeys::SlotOf(key) : GroupKeys::kNoSlot;
  Rep::Member member;
  bool parks = false;
  if (slot == GroupKeys::kNoSlot) {
    member = rep.members.Choose(bytes);
    if (member == GroupMembers::kNone) return std::nullopt;
  } else {
    member = rep.keys.MemberFor(slot);
    parks = rep.keys.MustWait(slot) || !rep.members.HasCredit(member, bytes);
  }
  *taken = true;
  Rep::Entry& entry = rep.Append();
  entry.bytes = static_cast<uint32_t>(std::min<uint64_t>(bytes, UINT32_MAX));
  entry.slot = slot;
  if (slot != GroupKeys::kNoSlot) rep.keys.Enter(slot);
  std::optional<Assignment> assignment;
  if (parks) {
    entry.parked = true;
    ++rep.parked;
    rep.SetState(entry, Rep::kReady);
    rep.keys.Push(slot, sequence);
    if (Rep::ItemOf(entry) != entry.disk) rep.MarkDirty(sequence, entry);
  } else {
    assignment = rep.Assign(sequence, entry, member);
  }
  rep.Step();
  return assignment;
}

void GroupState::Skip() {
  Rep& rep = *rep_;
  const uint64_t sequence = rep.next;
  Rep::Entry& entry = rep.Append();
  rep.SetState(entry, Rep::kDone);
  entry.skipped = true;
  if (entry.disk != Rep::kNoItem) rep.MarkDirty(sequence, entry);
  rep.Step();
  if (sequence == rep.base) rep.AdvanceFloor();
}

std::vector<GroupState::Assignment> GroupState::Deliver(int64_t now_us, size_t max, AtHand at_hand) {
  Rep& rep = *rep_;
  rep.Tick(now_us);
  while (!rep.delayed.empty() && rep.delayed.top().when <= rep.now) {
    const Rep::Timed timed = rep.delayed.top();
    rep.delayed.pop();
    if (rep.Is(timed, Rep::kDelayed)) rep.MakeReady(timed.sequence, rep.At(timed.sequence));
  }
  std::vector<Assignment> out;
  if (!rep.try_again) return out;
  // In this order: a member for whose keys nothing waits any more may take what has no key.
  rep.DeliverKeyed(max, at_hand, &out);
  rep.DeliverUnkeyed(max, at_hand, &out);
  rep.try_again = out.size() >= max;
  return out;
}

void GroupState::LookAgain() { rep_->try_again = true; }

uint64_t GroupState::DeliveryOf(uint64_t sequence) const {
  const Rep::Entry* const entry = rep_->Find(sequence);
  return entry == nullptr ? 0 : rep_->DeliveryOf(*entry);
}

uint64_t GroupState::last_stint() const { return rep_->stints.last + rep_->members.last_stint(); }

uint64_t GroupState::HolderOf(uint64_t sequence) const {
  return rep_->Is(sequence, Rep::kPending) ? rep_->members.id(rep_->At(sequence).member) : 0;
}

bool GroupState::Done(uint64_t sequence, uint64_t delivery) {
  Rep::Entry* const entry = rep_->FindDelivery(sequence, delivery);
  if (entry == nullptr) return false;
  ++rep_->done_count;
  rep_->Finish(sequence, *entry);
  return true;
}

bool GroupState::Terminate(uint64_t sequence, uint64_t delivery, absl::string_view reason) {
  Rep::Entry* const entry = rep_->FindDelivery(sequence, delivery);
  if (entry == nullptr) return false;
  rep_->Die(sequence, *entry, reason);
  return true;
}

bool GroupState::Retry(uint64_t sequence, uint64_t delivery, int64_t after_us, int64_t now_us) {
  rep_->Tick(now_us);
  Rep::Entry* const entry = rep_->FindDelivery(sequence, delivery);
  if (entry == nullptr || entry->state != Rep::kPending) return false;
  rep_->TakeBack(sequence, *entry, Rep::Later(rep_->now, std::max(after_us, rep_->Backoff(entry->attempts))));
  return true;
}

bool GroupState::Extend(uint64_t sequence, uint64_t delivery, int64_t for_us, int64_t now_us) {
  Rep& rep = *rep_;
  rep.Tick(now_us);
  Rep::Entry* const entry = rep.FindDelivery(sequence, delivery);
  if (entry == nullptr || entry->state != Rep::kPending) return false;
  entry->when = Rep::Later(rep.now, for_us);
  if (rep.extended.size() > 2 * rep.counts[Rep::kPending] + Rep::kOutdatedMax) {
    rep.extended.Clean([&rep](const Rep::Timed& timed) { return !rep.Is(timed, Rep::kPending); });
  }
  rep.extended.push(Rep::Timed{entry->when, sequence});
  return true;
}

bool GroupState::Return(uint64_t sequence, uint64_t delivery) {
  Rep::Entry* const entry = rep_->FindDelivery(sequence, delivery);
  if (entry == nullptr || entry->state != Rep::kPending) return false;
  if (entry->attempts-- > 1) --rep_->redelivered_count;
  entry->stint = 0;
  entry->returned = true;
  if (Rep::ItemOf(*entry) != entry->disk) rep_->MarkDirty(sequence, *entry);
  rep_->members.Give(entry->member, entry->bytes);
  rep_->MakeReady(sequence, *entry);
  return true;
}

void GroupState::Expire(int64_t now_us) {
  Rep& rep = *rep_;
  rep.Tick(now_us);
  const auto expire = [&rep](const Rep::Timed& timed) {
    if (!rep.Is(timed, Rep::kPending)) return;
    Rep::Entry& entry = rep.At(timed.sequence);
    rep.TakeBack(timed.sequence, entry, Rep::Later(rep.now, rep.Backoff(entry.attempts)));
  };
  while (!rep.deadlines.empty() && rep.deadlines.front().when <= rep.now) {
    const Rep::Timed timed = rep.deadlines.front();
    rep.deadlines.pop_front();
    expire(timed);
  }
  while (!rep.extended.empty() && rep.extended.top().when <= rep.now) {
    const Rep::Timed timed = rep.extended.top();
    rep.extended.pop();
    expire(timed);
  }
}

std::optional<int64_t> GroupState::NextTime() const {
  Rep& rep = *rep_;
  const bool due = !rep.ready.empty() || !rep.keys.backlog().empty() || rep.keys.HasOrphans();
  if (due && rep.try_again && !rep.members.all().empty()) return rep.now;
  std::optional<int64_t> time;
  const auto consider = [&time](int64_t when) { time = time.has_value() ? std::min(*time, when) : when; };
  if (rep.PopOutdatedDeadlines()) {
    if (!rep.deadlines.empty()) consider(rep.deadlines.front().when);
    if (!rep.extended.empty()) consider(rep.extended.top().when);
  }
  rep.PopOutdatedDelayed();
  if (!rep.delayed.empty()) consider(rep.delayed.top().when);
  return time;
}

std::vector<GroupState::Dead> GroupState::TakeDead() {
  std::vector<Dead> taken;
  for (Dead& dead : rep_->dead) {
    if (!rep_->Is(dead.sequence, Rep::kDead)) continue;
    rep_->SetState(rep_->At(dead.sequence), Rep::kTaken);
    taken.push_back(std::move(dead));
  }
  rep_->dead.clear();
  return taken;
}

void GroupState::Buried(uint64_t sequence) {
  if (rep_->Is(sequence, Rep::kTaken)) rep_->Finish(sequence, rep_->At(sequence));
}

void GroupState::Revive(const Dead& dead) {
  if (!rep_->Is(dead.sequence, Rep::kTaken)) return;
  rep_->SetState(rep_->At(dead.sequence), Rep::kDead);
  rep_->dead.push_back(dead);
}

void GroupState::Seek(uint64_t sequence) {
  // New stints, so that what was delivered before is not taken for what is delivered from now on.
  auto rep = std::make_unique<Rep>(rep_->policy, rep_->stints, rep_->members.last_stint());
  Saved saved;
  saved.floor = saved.delivered = sequence - 1;
  rep->Restore(saved);
  for (const Rep::Member old : rep_->members.all()) {
    const GroupMembers& members = rep_->members;
    rep->keys.AddMember(rep->members.Add(members.id(old), members.credit_messages(old), members.credit_bytes(old)));
  }
  rep->now = rep_->now;
  rep->try_again = true;
  rep->done_count = rep_->done_count;
  rep->redelivered_count = rep_->redelivered_count;
  rep->dead_count = rep_->dead_count;
  rep_ = std::move(rep);
}

uint64_t GroupState::Forget(uint64_t sequence) {
  Rep& rep = *rep_;
  uint64_t count = 0;
  const uint64_t end = std::min(sequence, rep.end());
  for (uint64_t i = rep.base; i < end; ++i) {
    Rep::Entry& entry = rep.At(i);
    if (entry.state == Rep::kDone) continue;
    ++count;
    rep.Settle(entry, Rep::kDone);
  }
  if (sequence > rep.end()) count += sequence - rep.end();
  rep.AdvanceFloor();
  if (sequence > rep.base && rep.entries.empty()) rep.base = rep.next = sequence;
  return count;
}

GroupState::Changes GroupState::TakeChanges() {
  Rep& rep = *rep_;
  Changes changes;
  changes.floor = floor();
  changes.delivered = delivered();
  changes.marks = changes.floor != rep.told_floor || changes.delivered != rep.told_delivered;
  rep.told_floor = changes.floor;
  rep.told_delivered = changes.delivered;
  changes.erase.swap(rep.erase);
  for (const uint64_t sequence : rep.dirty) {
    Rep::Entry* entry = rep.Find(sequence);
    if (entry == nullptr) continue;
    entry->dirty = false;
    const uint32_t item = Rep::ItemOf(*entry);
    if (item == entry->disk) continue;
    entry->disk = item;
    if (item == Rep::kNoItem) {
      changes.erase.push_back(sequence);
    } else {
      changes.put.push_back(Saved::Item{sequence, item == Rep::kDoneItem, entry->attempts});
    }
  }
  rep.dirty.clear();
  return changes;
}

uint64_t GroupState::floor() const { return rep_->base - 1; }
uint64_t GroupState::delivered() const { return rep_->delivered(); }
uint64_t GroupState::pending() const { return rep_->counts[Rep::kPending]; }
uint64_t GroupState::waiting() const { return rep_->waiting(); }
uint64_t GroupState::members() const { return rep_->members.all().size(); }
uint64_t GroupState::done_count() const { return rep_->done_count; }
uint64_t GroupState::redelivered_count() const { return rep_->redelivered_count; }
uint64_t GroupState::dead_count() const { return rep_->dead_count; }

}  // namespace nmq::broker
