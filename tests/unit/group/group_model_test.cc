// The state of a group against a naive reference, at random.
#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/group/group_state.h"

namespace nmq::broker {
namespace {

constexpr int kRuns = 100;
constexpr int kStepsPerRun = 1000;
constexpr int64_t kSecond = 1'000'000;
constexpr uint64_t kMembers = 5;
constexpr uint64_t kFirst = 100;

// A message as an onlooker sees it.
struct Message {
  uint64_t bytes = 0;
  std::string key;
  bool skipped = false;
  uint64_t member = 0;  // who has it; 0: nobody
  int64_t deadline = 0;
  uint32_t attempts = 0;
  uint32_t written_attempts = 0;  // at least so many are known after a restart
  bool returned = false;          // in this run
  uint64_t delivery = 0;          // the name of the last one of this run that went out; 0 if none did
  bool done = false;
  bool dead = false;  // told by TakeDead
  bool buried = false;
};

struct Delivery {
  int run;  // of the server
  uint32_t attempt;
};

struct Credit {
  uint64_t messages;
  uint64_t bytes;
};

class Comparison {
 public:
  explicit Comparison(uint64_t seed) : random_(seed) {
    policy_.ack_deadline_us = 10 * kSecond;
    policy_.attempts_max = 1 + static_cast<uint32_t>(Below(5));
    policy_.backoff_us = Below(2) == 0 ? 0 : kSecond;
    policy_.backoff_max_us = 3 * kSecond;
    policy_.by_key = Below(2) == 0;
    saved_.floor = saved_.delivered = kFirst - 1;
    group_ = std::make_unique<GroupState>(policy_, saved_);
  }

  void Step() {
    switch (Below(16)) {
      case 0:
        AddMember();
        break;
      case 1:
        if (Below(4) == 0) RemoveMember();
        break;
      case 2:
        PassTime();
        break;
      case 3:
        Retry();
        break;
      case 4:
        Extend();
        break;
      case 5:
        if (Below(3) == 0) Terminate();
        break;
      case 6:
        Bury();
        break;
      case 7:
        Write();
        break;
      case 8:
        if (Below(20) == 0) Restart();
        break;
      case 9:
        if (Below(50) == 0) Forget();
        break;
      case 10:
      case 11:
      case 12:
        Done();
        break;
      default:
        Turn();
        break;
    }
    Check();
  }

  // Ends everything, and checks that nothing is left.
  void Finish() {
    ending_ = true;
    for (int i = 0; i < 20000 && group_->floor() + 1 < next_new_; ++i) {
      if (members_.empty() || Below(10) == 0) AddMember();
      Turn();
      for (auto& [sequence, message] : messages_) {
        if (message.member != 0) DoneOf(sequence);
      }
      Bury();
      if (group_->NextTime().has_value()) now_ = std::max(now_, *group_->NextTime());
      ExpireAndDeliver();
      Check();
    }
    EXPECT_EQ(group_->floor() + 1, next_new_);
    for (const auto& [sequence, message] : messages_) {
      EXPECT_EQ(message.skipped + message.done + message.buried, 1) << sequence;
    }
    Write();
    EXPECT_TRUE(saved_items_.empty());
  }

 private:
  uint64_t Below(uint64_t n) { return random_() % n; }

  void AddMember() {
    const uint64_t member = 1 + Below(kMembers);
    if (members_.contains(member)) return;
    members_[member] = Credit{1 + Below(8), 100};
    group_->AddMember(member, members_[member].messages, members_[member].bytes);
  }

  void RemoveMember() {
    const uint64_t member = 1 + Below(kMembers);
    members_.erase(member);
    group_->RemoveMember(member, now_);
    for (auto& [sequence, message] : messages_) {
      if (message.member == member) message.member = 0;
    }
  }

  void PassTime() {
    now_ += static_cast<int64_t>(Below(4)) * kSecond;
    ExpireAndDeliver();
  }

  void ExpireAndDeliver() {
    group_->Expire(now_);
    for (auto& [sequence, message] : messages_) {
      if (message.member != 0 && message.deadline <= now_) message.member = 0;
    }
    const size_t max = 1 + Below(20);
    const std::vector<GroupState::Assignment> assignments = group_->Deliver(now_, max);
    EXPECT_LE(assignments.size(), max);
    for (const GroupState::Assignment& assignment : assignments) TakeIn(assignment);
    if (!ending_ && Below(10) == 0 && !assignments.empty()) {
      for (uint64_t i = Below(assignments.size()); i < assignments.size(); ++i) Return(assignments[i]);
    } else if (assignments.size() < max) {
      const std::optional<int64_t> time = group_->NextTime();
      EXPECT_TRUE(!time.has_value() || *time > now_) << "nothing is left to do now";
    }
  }

  void Turn() {
    ExpireAndDeliver();
    for (uint64_t i = Below(10); i > 0 && group_->WantsNew(); --i) {
      const uint64_t sequence = group_->next();
      if (ending_ && sequence >= next_new_) return;
      Message& message = Read(sequence);
      if (message.skipped) {
        group_->Skip();
        continue;
      }
      bool taken = false;
      const auto assignment = group_->Offer(message.bytes, message.key, now_, &taken);
      if (!taken) {
        EXPECT_FALSE(assignment.has_value());
        EXPECT_EQ(group_->next(), sequence);
        return;
      }
      EXPECT_GT(group_->next(), sequence);
      if (assignment.has_value()) {
        EXPECT_EQ(assignment->sequence, sequence);
        TakeIn(*assignment);
      }
    }
  }

  // The message, made if nobody has read it yet.
  Message& Read(uint64_t sequence) {
    EXPECT_LE(sequence, next_new_) << "no message is left out";
    next_new_ = std::max(next_new_, sequence + 1);
    const auto [it, made] = messages_.try_emplace(sequence);
    if (made) {
      it->second.bytes = Below(20) == 0 ? 500 : Below(60);
      it->second.key = Below(3) == 0 ? "" : absl::StrCat("key", Below(12));
      it->second.skipped = Below(5) == 0;
    }
    return it->second;
  }

  // A delivery, checked against all that was seen.
  void TakeIn(const GroupState::Assignment& assignment) {
    ASSERT_TRUE(messages_.contains(assignment.sequence));
    Message& message = messages_[assignment.sequence];
    EXPECT_FALSE(message.skipped || message.done || message.dead) << assignment.sequence;
    EXPECT_EQ(message.member, 0u) << assignment.sequence << " is with two members";
    ASSERT_TRUE(members_.contains(assignment.member));
    EXPECT_EQ(assignment.attempt, std::max(message.attempts + 1, message.returned ? 2u : 1u)) << assignment.sequence;
    EXPECT_LE(message.attempts + 1, policy_.attempts_max);
    if (policy_.by_key && !message.key.empty()) CheckKey(assignment, message);
    CheckCredit(assignment.member, message.bytes);
    message.member = assignment.member;
    ++message.attempts;
    EXPECT_TRUE(names_.emplace(assignment.sequence, assignment.delivery).second) << "two have one name";
    deliveries_[assignment.sequence][assignment.delivery] = {run_, message.attempts};
    EXPECT_EQ(group_->DeliveryOf(assignment.sequence), assignment.delivery);
    EXPECT_EQ(group_->HolderOf(assignment.sequence), assignment.member);
    message.delivery = assignment.delivery;
    message.deadline = now_ + policy_.ack_deadline_us;
  }

  // The message did not go out.
  void Return(const GroupState::Assignment& assignment) {
    Message& message = messages_[assignment.sequence];
    EXPECT_TRUE(group_->Return(assignment.sequence, assignment.delivery));
    EXPECT_FALSE(group_->Return(assignment.sequence, assignment.delivery));
    message.member = 0;
    --message.attempts;
    message.delivery = 0;
    message.returned = true;
    deliveries_[assignment.sequence].erase(assignment.delivery);
    names_.erase({assignment.sequence, assignment.delivery});  // nobody has seen it
  }

  void CheckCredit(uint64_t member, uint64_t bytes) {
    uint64_t count = 0;
    uint64_t sum = 0;
    for (const auto& [sequence, message] : messages_) {
      if (message.member != member) continue;
      ++count;
      sum += message.bytes;
    }
    EXPECT_LT(count, members_[member].messages);
    EXPECT_TRUE(count == 0 || sum + bytes <= members_[member].bytes) << sum << " and " << bytes;
  }

  void CheckKey(const GroupState::Assignment& assignment, const Message& message) {
    for (const auto& [sequence, other] : messages_) {
      if (other.key != message.key || other.skipped) continue;
      if (other.member != 0) {
        EXPECT_EQ(other.member, assignment.member) << "both have " << message.key;
      }
      if (message.attempts == 0 && sequence > assignment.sequence) {
        EXPECT_EQ(other.attempts, 0u) << "out of order";
      }
    }
  }

  // A message that is for the group, mostly one that somebody has.
  std::optional<uint64_t> Pick() {
    std::vector<uint64_t> sequences;
    const bool any = Below(5) == 0;
    for (const auto& [sequence, message] : messages_) {
      if (!message.skipped && (any || message.member != 0)) sequences.push_back(sequence);
    }
    if (sequences.empty()) return std::nullopt;
    return sequences[Below(sequences.size())];
  }

  bool IsOpen(const Message& message) {
    return !message.skipped && !message.done && !message.dead && !message.buried && message.attempts > 0;
  }

  // Whether this is the last delivery that went out, as far as is known.
  bool IsLast(const Message& message, uint64_t name, const Delivery& delivery) {
    if (message.delivery != 0) return name == message.delivery;
    return delivery.run != run_ && delivery.attempt == message.attempts;
  }

  // The name of a delivery of the message, mostly of the last one; 0 if there is none.
  uint64_t Name(uint64_t sequence, bool* last) {
    const Message& message = messages_[sequence];
    std::vector<uint64_t> names;
    const bool any = !ending_ && Below(4) == 0;
    for (const auto& [name, delivery] : deliveries_[sequence]) {
      if (any || IsLast(message, name, delivery)) names.push_back(name);
    }
    *last = false;
    if (names.empty()) return 0;
    const uint64_t name = names[Below(names.size())];
    *last = IsLast(message, name, deliveries_[sequence][name]);
    return name;
  }

  // The message may be dead without our knowing, until TakeDead says so; then nothing can be done with it.
  bool MayBeDead(const Message& message) { return message.member == 0 && message.attempts >= policy_.attempts_max; }

  void DoneOf(uint64_t sequence) {
    Message& message = messages_[sequence];
    bool last = false;
    const bool noted = group_->Done(sequence, Name(sequence, &last));
    if (!last) {
      EXPECT_FALSE(noted) << sequence;
    } else if (!MayBeDead(message)) {
      EXPECT_EQ(noted, IsOpen(message) && !terminated_.contains(sequence)) << sequence;
    }
    if (!noted) return;
    EXPECT_TRUE(IsOpen(message));
    message.done = true;
    message.member = 0;
  }

  void Done() {
    if (const auto sequence = Pick()) DoneOf(*sequence);
  }

  void Retry() {
    const auto sequence = Pick();
    if (!sequence.has_value()) return;
    Message& message = messages_[*sequence];
    const int64_t after = static_cast<int64_t>(Below(3)) * kSecond;
    bool last = false;
    const uint64_t name = Name(*sequence, &last);
    EXPECT_EQ(group_->Retry(*sequence, name, after, now_), last && message.member != 0);
    if (last) message.member = 0;
  }

  void Extend() {
    const auto sequence = Pick();
    if (!sequence.has_value()) return;
    Message& message = messages_[*sequence];
    const int64_t by = static_cast<int64_t>(1 + Below(20)) * kSecond;
    bool last = false;
    const uint64_t name = Name(*sequence, &last);
    EXPECT_EQ(group_->Extend(*sequence, name, by, now_), last && message.member != 0);
    if (last && message.member != 0) message.deadline = now_ + by;
  }

  void Terminate() {
    const auto sequence = Pick();
    if (!sequence.has_value()) return;
    Message& message = messages_[*sequence];
    bool last = false;
    const uint64_t name = Name(*sequence, &last);
    const bool noted = group_->Terminate(*sequence, name, "why");
    if (!last) {
      EXPECT_FALSE(noted) << *sequence;
    } else if (!MayBeDead(message)) {
      EXPECT_EQ(noted, IsOpen(message) && !terminated_.contains(*sequence));
    }
    if (!noted) return;
    message.member = 0;
    terminated_.insert(*sequence);
  }

  void Bury() {
    std::vector<GroupState::Dead> revived;
    for (const GroupState::Dead& dead : group_->TakeDead()) {
      Message& message = messages_[dead.sequence];
      EXPECT_FALSE(message.done || message.buried || message.skipped) << dead.sequence;
      EXPECT_EQ(message.member, 0u);
      EXPECT_EQ(dead.attempts, message.attempts);
      const bool terminated = terminated_.contains(dead.sequence);
      EXPECT_EQ(dead.reason, terminated ? "why" : "MAX_ATTEMPTS") << dead.sequence;
      if (!terminated) {
        EXPECT_EQ(message.attempts, policy_.attempts_max) << dead.sequence;
      }
      if (Below(4) == 0) {
        message.dead = true;
        revived.push_back(dead);
      } else {
        group_->Buried(dead.sequence);
        message.buried = true;
      }
    }
    for (const GroupState::Dead& dead : revived) group_->Revive(dead);
  }

  void Forget() {
    const uint64_t upto = group_->floor() + 1 + Below(5);
    uint64_t open = 0;
    for (uint64_t sequence = group_->floor() + 1; sequence < upto; ++sequence) {
      Message& message = Read(sequence);
      const bool passed = sequence < group_->next() && message.skipped;
      if (!message.done && !message.buried && !passed) ++open;
      message.member = 0;
      if (!message.skipped && !message.buried) message.done = true;
    }
    EXPECT_EQ(group_->Forget(upto), open);
  }

  // Writes the changes, as the owner does.
  void Write() {
    const GroupState::Changes changes = group_->TakeChanges();
    if (changes.marks) {
      EXPECT_GE(changes.floor, saved_.floor);
      EXPECT_GE(changes.delivered, saved_.delivered);
      saved_.floor = changes.floor;
      saved_.delivered = changes.delivered;
    }
    for (const uint64_t sequence : changes.erase) EXPECT_EQ(saved_items_.erase(sequence), 1u) << sequence;
    for (const GroupState::Saved::Item& item : changes.put) {
      EXPECT_GT(item.sequence, changes.floor);
      EXPECT_LE(item.sequence, changes.delivered);
      EXPECT_TRUE(item.done || item.attempts != 1);
      saved_items_.insert_or_assign(item.sequence, item);
    }
    EXPECT_EQ(saved_.floor, group_->floor());
    EXPECT_EQ(saved_.delivered, group_->delivered());
    EXPECT_LE(saved_items_.size(), saved_.delivered - saved_.floor) << "items stay between floor and delivered";
    for (auto& [sequence, message] : messages_) {
      message.written_attempts = message.attempts;
      if (message.done || message.buried) written_done_.insert(sequence);
    }
    EXPECT_TRUE(group_->TakeChanges().empty());
  }

  // The server is gone, and comes again with what was written.
  void Restart() {
    GroupState::Saved saved = saved_;
    for (const auto& [sequence, item] : saved_items_) saved.items.push_back(item);
    stints_ += 100'000;
    group_ = std::make_unique<GroupState>(policy_, saved, GroupStints{0, stints_});
    members_.clear();
    terminated_.clear();
    ++run_;
    for (auto& [sequence, message] : messages_) {
      message.member = 0;
      message.delivery = 0;
      message.returned = false;
      message.dead = false;
      if (written_done_.contains(sequence)) continue;
      message.done = message.buried = false;
      // What was written as delivered was so once at least; what was not is new.
      message.attempts = message.written_attempts;
    }
  }

  void Check() {
    uint64_t pending = 0;
    for (const auto& [sequence, message] : messages_) {
      pending += message.member != 0 ? 1 : 0;
      if (sequence > group_->floor()) continue;
      EXPECT_TRUE(message.done || message.buried || message.skipped) << sequence << " is forgotten";
    }
    EXPECT_EQ(group_->pending(), pending);
    EXPECT_EQ(group_->members(), members_.size());
    EXPECT_LE(group_->floor(), group_->delivered());
    EXPECT_GT(group_->next(), group_->floor());
  }

  std::mt19937_64 random_;
  GroupPolicy policy_;
  std::unique_ptr<GroupState> group_;
  int64_t now_ = kSecond;
  uint64_t next_new_ = kFirst;
  bool ending_ = false;  // nothing new is read
  std::map<uint64_t, Message> messages_;
  std::map<uint64_t, Credit> members_;
  std::map<uint64_t, std::map<uint64_t, Delivery>> deliveries_;  // that went out, by sequence and name
  std::set<std::pair<uint64_t, uint64_t>> names_;                // of all that went out, with their sequences
  int run_ = 0;
  uint64_t stints_ = 0;
  std::set<uint64_t> terminated_;
  std::set<uint64_t> written_done_;
  GroupState::Saved saved_;  // without items
  std::map<uint64_t, GroupState::Saved::Item> saved_items_;
};

TEST(GroupModel, BehavesLikeTheReference) {
  // NMQ_MODEL_SEED repeats one run.
  const char* const wanted = std::getenv("NMQ_MODEL_SEED");
  std::random_device device;
  for (int run = 0; run < (wanted == nullptr ? kRuns : 1); ++run) {
    const uint64_t seed = wanted == nullptr ? device() : std::strtoull(wanted, nullptr, 10);
    SCOPED_TRACE(absl::StrCat("NMQ_MODEL_SEED=", seed));
    Comparison comparison(seed);
    for (int i = 0; i < kStepsPerRun && !::testing::Test::HasFailure(); ++i) comparison.Step();
    if (!::testing::Test::HasFailure()) comparison.Finish();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace nmq::broker
