#ifndef NMQ_TESTS_UNIT_GROUP_LONE_GROUP_H_
#define NMQ_TESTS_UNIT_GROUP_LONE_GROUP_H_

// A group's state without a queue, a disk or members' streams.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/group/group_state.h"

namespace nmq::broker {

inline constexpr int64_t kSecond = 1'000'000;
inline constexpr uint64_t kMuch = 1 << 30;

inline GroupPolicy Policy() {
  GroupPolicy policy;
  policy.ack_deadline_us = 30 * kSecond;
  policy.attempts_max = 3;
  return policy;
}

inline GroupPolicy ByKey() {
  GroupPolicy policy = Policy();
  policy.by_key = true;
  return policy;
}

// A group that starts with sequence 1, and its time.
class LoneGroup {
 public:
  explicit LoneGroup(const GroupPolicy& policy = Policy(), const GroupState::Saved& saved = {}, GroupStints stints = {})
      : state_(policy, saved, stints) {}

  GroupState* operator->() { return &state_; }

  // The member that gets the message next(); 0 if it is kept for later, nothing if it is not taken.
  std::optional<uint64_t> Offer(absl::string_view key = "", uint64_t bytes = 1) {
    bool taken = false;
    const std::optional<GroupState::Assignment> assignment = state_.Offer(bytes, key, now, &taken);
    if (!taken) return std::nullopt;
    return assignment.has_value() ? assignment->member : 0;
  }
  // "sequence>member#attempt" of what waits and is due.
  std::vector<std::string> Deliver(size_t max = 1000) {
    std::vector<std::string> said;
    for (const GroupState::Assignment& assignment : state_.Deliver(now, max)) {
      said.push_back(absl::StrCat(assignment.sequence, ">", assignment.member, "#", assignment.attempt));
    }
    return said;
  }
  // By the message's last delivery.
  bool Done(uint64_t sequence) { return state_.Done(sequence, state_.DeliveryOf(sequence)); }
  bool Terminate(uint64_t sequence, absl::string_view reason) {
    return state_.Terminate(sequence, state_.DeliveryOf(sequence), reason);
  }
  bool Retry(uint64_t sequence, int64_t after = 0) {
    return state_.Retry(sequence, state_.DeliveryOf(sequence), after, now);
  }
  bool Extend(uint64_t sequence, int64_t by) { return state_.Extend(sequence, state_.DeliveryOf(sequence), by, now); }
  void Remove(uint64_t member) { state_.RemoveMember(member, now); }
  std::vector<std::string> PassTime(int64_t by) {
    now += by;
    state_.Expire(now);
    return Deliver();
  }
  // "sequence:reason#attempts" of what is dead.
  std::vector<std::string> TakeDead() {
    std::vector<std::string> said;
    for (const GroupState::Dead& dead : state_.TakeDead()) {
      said.push_back(absl::StrCat(dead.sequence, ":", dead.reason, "#", dead.attempts));
    }
    return said;
  }

  int64_t now = 1000 * kSecond;

 private:
  GroupState state_;
};

}  // namespace nmq::broker

#endif  // NMQ_TESTS_UNIT_GROUP_LONE_GROUP_H_
