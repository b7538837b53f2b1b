#include "server/broker/group_state.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include "server/broker/group_keys.h"
#include "server/broker/group_members.h"
#include "server/log/circular_buffer.h"

namespace nmq::broker {
namespace {

using Member = GroupMembers::Index;

constexpr char kMaxAttempts[] = "MAX_ATTEMPTS";

// Outdated entries that a list of sequences may hold beside as many as it has current ones.
constexpr size_t kOutdatedMax = 1024;

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
  uint64_t bytes = 0;
  Member member = 0;  // if pending
  uint32_t attempts = 0;
  uint32_t disk = 0;  // what TakeChanges last said of it, as ItemOf has it
  GroupKeys::Slot slot = GroupKeys::kNoSlot;
  State state = kDone;
  bool skipped : 1;
  bool parked : 1;  // Offer found no member
  bool dirty : 1;   // its sequence is in `dirty_`
  Entry() : skipped(false), parked(false), dirty(false) {}
};

// What is to be kept of a message: nothing, that it is done, or its attempts. A skipped message is skipped anew.
constexpr uint32_t kNoItem = 0;
constexpr uint32_t kDoneItem = 1;
constexpr uint32_t kAttemptsItem = 2;  // and above: that many attempts more than none

uint32_t ItemOf(const Entry& entry) {
  if (entry.state == kDone) return entry.skipped ? kNoItem : kDoneItem;
  return entry.attempts == 1 ? kNoItem : kAttemptsItem + entry.attempts;
}

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

int64_t Later(int64_t now, int64_t by) {
  return by > std::numeric_limits<int64_t>::max() - now ? std::numeric_limits<int64_t>::max() : now + by;
}

}  // namespace

struct GroupState::Rep {
  explicit Rep(const GroupPolicy& group_policy) : policy(group_policy), keys(&members) {
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

  void DeliverUnkeyed(size_t max, std::vector<Assignment>* out);
  void DeliverKeyed(size_t max, std::vector<Assignment>* out);

  bool PopOutdatedDeadlines();
  void CleanDeadlines();
  void PopOutdatedDelayed();

  GroupPolicy policy;
  GroupMembers members;
  GroupKeys keys;

  uint64_t base = 1;          // the sequence of entries[0]; the floor is one less
  uint64_t next = 1;          // to offer or skip
  uint64_t restored_end = 1;  // what is before was delivered before the restart
  log::CircularBuffer<Entry> entries;
  uint64_t counts[kStates] = {};
  uint64_t parked = 0;

  int64_t now = 0;
  // Deadlines; those that are not what the entry says any more are outdated. First deadlines come in order.
  log::CircularBuffer<Timed> deadlines;
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
Entry& GroupState::Rep::Append() {
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
  entry.when = Later(now, policy.ack_deadline_us);
  members.Take(member, entry.bytes);
  if (deadlines.size() > 2 * counts[kPending] + kOutdatedMax) CleanDeadlines();
  deadlines.push_back(Timed{entry.when, sequence});
  if (++entry.attempts > 1) ++redelivered_count;
  if (ItemOf(entry) != entry.disk) MarkDirty(sequence, entry);
  return Assignment{sequence, members.id(member), entry.attempts};
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

void GroupState::Rep::DeliverUnkeyed(size_t max, std::vector<Assignment>* out) {
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
    ready.pop();
    out->push_back(Assign(sequence, entry, member));
  }
}

void GroupState::Rep::DeliverKeyed(size_t max, std::vector<Assignment>* out) {
  keys.AdoptOrphans();
  for (size_t i = 0; i < keys.backlog().size() && out->size() < max;) {
    const Member member = keys.backlog()[i];
    const uint64_t sequence = keys.Front(member);
    if (!Is(sequence, kReady)) {
      keys.Pop(member);
      continue;  // a member without a backlog has made place for another one
    }
    Entry& entry = At(sequence);
    if (!members.HasCredit(member, entry.bytes)) {
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

GroupState::GroupState(const GroupPolicy& policy, const Saved& saved) : rep_(std::make_unique<Rep>(policy)) {
  rep_->Restore(saved);
}

GroupState::~GroupState() = default;

void GroupState::AddMember(uint64_t member, uint64_t credit_messages, uint64_t credit_bytes) {
  const Member index = rep_->members.Add(member, credit_messages, credit_bytes);
  rep_->keys.AddMember(index);
  rep_->try_again = true;
}

void GroupState::RemoveMember(uint64_t member, int64_t now_us) {
  Rep& rep = *rep_;
  rep.Tick(now_us);
  const Member index = rep.members.Find(member);
  if (index == GroupMembers::kNone) return;
  rep.keys.RemoveMember(index);
  // What it has is mostly what is newest.
  for (uint64_t sequence = rep.end(); rep.members.messages(index) > 0 && sequence > rep.base;) {
    Entry& entry = rep.At(--sequence);
    if (entry.state == kPending && entry.member == index) rep.TakeBack(sequence, entry, rep.now);
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
    rep.Die(sequence, rep.At(sequence), kMaxAttempts);
    return std::nullopt;
  }
  const GroupKeys::Slot slot = rep.policy.by_key ? GroupKeys::SlotOf(key) : GroupKeys::kNoSlot;
  Member member;
  bool parks = false;
  if (slot == GroupKeys::kNoSlot) {
    member = rep.members.Choose(bytes);
    if (member == GroupMembers::kNone) return std::nullopt;
  } else {
    member = rep.keys.MemberFor(slot);
    parks = rep.keys.MustWait(slot) || !rep.members.HasCredit(member, bytes);
  }
  *taken = true;
  Entry& entry = rep.Append();
  entry.bytes = bytes;
  entry.slot = slot;
  if (slot != GroupKeys::kNoSlot) rep.keys.Enter(slot);
  std::optional<Assignment> assignment;
  if (parks) {
    entry.parked = true;
    ++rep.parked;
    rep.SetState(entry, kReady);
    rep.keys.Push(slot, sequence);
    if (ItemOf(entry) != entry.disk) rep.MarkDirty(sequence, entry);
  } else {
    assignment = rep.Assign(sequence, entry, member);
  }
  rep.Step();
  return assignment;
}

void GroupState::Skip() {
  Rep& rep = *rep_;
  const uint64_t sequence = rep.next;
  Entry& entry = rep.Append();
  rep.SetState(entry, kDone);
  entry.skipped = true;
  if (entry.disk != kNoItem) rep.MarkDirty(sequence, entry);
  rep.Step();
  if (sequence == rep.base) rep.AdvanceFloor();
}

std::vector<GroupState::Assignment> GroupState::Deliver(int64_t now_us, size_t max) {
  Rep& rep = *rep_;
  rep.Tick(now_us);
  while (!rep.delayed.empty() && rep.delayed.top().when <= rep.now) {
    const Timed timed = rep.delayed.top();
    rep.delayed.pop();
    if (rep.Is(timed, kDelayed)) rep.MakeReady(timed.sequence, rep.At(timed.sequence));
  }
  std::vector<Assignment> out;
  if (!rep.try_again) return out;
  // In this order: a member for whose keys nothing waits any more may take what has no key.
  rep.DeliverKeyed(max, &out);
  rep.DeliverUnkeyed(max, &out);
  rep.try_again = out.size() >= max;
  return out;
}

bool GroupState::Done(uint64_t sequence) {
  Entry* entry = rep_->Find(sequence);
  if (entry == nullptr || entry->attempts == 0 || entry->state >= kDead) return false;
  ++rep_->done_count;
  rep_->Finish(sequence, *entry);
  return true;
}

bool GroupState::Retry(uint64_t sequence, int64_t after_us, int64_t now_us) {
  rep_->Tick(now_us);
  if (!rep_->Is(sequence, kPending)) return false;
  Entry& entry = rep_->At(sequence);
  rep_->TakeBack(sequence, entry, Later(rep_->now, std::max(after_us, rep_->Backoff(entry.attempts))));
  return true;
}

bool GroupState::Extend(uint64_t sequence, int64_t for_us, int64_t now_us) {
  Rep& rep = *rep_;
  rep.Tick(now_us);
  if (!rep.Is(sequence, kPending)) return false;
  Entry& entry = rep.At(sequence);
  entry.when = Later(rep.now, for_us);
  if (rep.extended.size() > 2 * rep.counts[kPending] + kOutdatedMax) {
    rep.extended.Clean([&rep](const Timed& timed) { return !rep.Is(timed, kPending); });
  }
  rep.extended.push(Timed{entry.when, sequence});
  return true;
}

bool GroupState::Terminate(uint64_t sequence, absl::string_view reason) {
  Entry* entry = rep_->Find(sequence);
  if (entry == nullptr || entry->attempts == 0 || entry->state >= kDead) return false;
  rep_->Die(sequence, *entry, reason);
  return true;
}

void GroupState::Expire(int64_t now_us) {
  Rep& rep = *rep_;
  rep.Tick(now_us);
  const auto expire = [&rep](const Timed& timed) {
    if (!rep.Is(timed, kPending)) return;
    Entry& entry = rep.At(timed.sequence);
    rep.TakeBack(timed.sequence, entry, Later(rep.now, rep.Backoff(entry.attempts)));
  };
  while (!rep.deadlines.empty() && rep.deadlines.front().when <= rep.now) {
    const Timed timed = rep.deadlines.front();
    rep.deadlines.pop_front();
    expire(timed);
  }
  while (!rep.extended.empty() && rep.extended.top().when <= rep.now) {
    const Timed timed = rep.extended.top();
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
    if (!rep_->Is(dead.sequence, kDead)) continue;
    rep_->SetState(rep_->At(dead.sequence), kTaken);
    taken.push_back(std::move(dead));
  }
  rep_->dead.clear();
  return taken;
}

void GroupState::Buried(uint64_t sequence) {
  if (rep_->Is(sequence, kTaken)) rep_->Finish(sequence, rep_->At(sequence));
}

void GroupState::Revive(const Dead& dead) {
  if (!rep_->Is(dead.sequence, kTaken)) return;
  rep_->SetState(rep_->At(dead.sequence), kDead);
  rep_->dead.push_back(dead);
}

void GroupState::Seek(uint64_t sequence) {
  auto rep = std::make_unique<Rep>(rep_->policy);
  Saved saved;
  saved.floor = saved.delivered = sequence - 1;
  rep->Restore(saved);
  for (const Member old : rep_->members.all()) {
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
    Entry& entry = rep.At(i);
    if (entry.state == kDone) continue;
    ++count;
    rep.Settle(entry, kDone);
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
    Entry* entry = rep.Find(sequence);
    if (entry == nullptr) continue;
    entry->dirty = false;
    const uint32_t item = ItemOf(*entry);
    if (item == entry->disk) continue;
    entry->disk = item;
    if (item == kNoItem) {
      changes.erase.push_back(sequence);
    } else {
      changes.put.push_back(Saved::Item{sequence, item == kDoneItem, entry->attempts});
    }
  }
  rep.dirty.clear();
  return changes;
}

uint64_t GroupState::floor() const { return rep_->base - 1; }
uint64_t GroupState::delivered() const { return rep_->delivered(); }
uint64_t GroupState::pending() const { return rep_->counts[kPending]; }
uint64_t GroupState::waiting() const { return rep_->waiting(); }
uint64_t GroupState::members() const { return rep_->members.all().size(); }
uint64_t GroupState::done_count() const { return rep_->done_count; }
uint64_t GroupState::redelivered_count() const { return rep_->redelivered_count; }
uint64_t GroupState::dead_count() const { return rep_->dead_count; }

}  // namespace nmq::broker
