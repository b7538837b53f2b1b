#ifndef NMQ_SERVER_GROUP_GROUP_STATE_H_
#define NMQ_SERVER_GROUP_GROUP_STATE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace nmq::broker {

// How a group works. Times in microseconds.
struct GroupPolicy {
  int64_t ack_deadline_us = 30'000'000;
  uint32_t attempts_max = 5;
  int64_t backoff_us = 0;
  int64_t backoff_max_us = 300'000'000;
  bool by_key = false;
};

// Deliveries are named after the number of the member's stint in the group and the attempt, so that a group names no
// two deliveries of a message alike. The numbers rise, over restarts, too.
struct GroupStints {
  uint64_t earliest = 0;  // what was delivered in this one, or before, was so before the group was made or sought
  uint64_t last = 0;      // given; greater than all of earlier states: the time in microseconds is
};

// What becomes of the messages of a group: which member has which, since when, how often it was delivered, what is
// done. It knows sequences, not messages; it neither reads a queue nor writes to disk: its owner does, and tells it the
// time (monotonic, microseconds). Not thread-safe.
//
// Every message of the queue is, in the order of sequences, offered (Offer) or passed over (Skip) once. A message is
// then pending with a member, or waits to be delivered, until it is done or dead. After a restart, next() goes back to
// the first message that was not done, so that the owner reads those messages and offers them again.
//
// A turn of the owner: Expire, Deliver, and, while WantsNew, read the message next() and Offer or Skip it; then
// TakeDead and TakeChanges. What waits goes before what is new only if Deliver is called first.
class GroupState {
 public:
  // While more messages than this are between the floor and next(), WantsNew is false. One entry takes 32 bytes.
  static constexpr uint64_t kWindowMax = 1 << 20;
  // While so many messages wait because their key's member has no credit, WantsNew is false.
  static constexpr uint64_t kParkedMax = 1000;

  // What survives a restart.
  struct Saved {
    uint64_t floor = 0;      // everything up to here is done
    uint64_t delivered = 0;  // everything up to here was offered or skipped; at least `floor`
    // Of messages in (floor, delivered]: those that are done, and those that were delivered more than once, or not yet.
    // Others were skipped, or delivered once and not acknowledged.
    struct Item {
      uint64_t sequence;
      bool done;
      uint32_t attempts;
    };
    std::vector<Item> items;
  };
  // What is to be written so that a restart finds it; see TakeChanges.
  struct Changes {
    bool marks = false;  // whether floor or delivered moved
    uint64_t floor = 0;
    uint64_t delivered = 0;
    std::vector<Saved::Item> put;
    std::vector<uint64_t> erase;  // sequences whose items are to go
    bool empty() const { return !marks && put.empty() && erase.empty(); }
  };
  // A message for a member.
  struct Assignment {
    uint64_t sequence;
    uint64_t member;
    uint32_t attempt;   // 1 for the first delivery; at least 2 if there may have been another one, even a returned one
    uint64_t delivery;  // the name of this delivery of the message
  };
  struct Dead {
    uint64_t sequence;
    uint32_t attempts;
    std::string reason;
  };

  // What was not done when the state was saved is offered again, and its attempts count. At most kWindowMax messages;
  // if more are said to be delivered, the rest comes as if it were new.
  //
  // What was delivered before the state was made may still be acknowledged, until it is delivered again.
  GroupState(const GroupPolicy& policy, const Saved& saved, GroupStints stints = {});
  ~GroupState();

  // A member that is there already gets the new credit. The credits are at least 1.
  void AddMember(uint64_t member, uint64_t credit_messages, uint64_t credit_bytes);
  // What the member had is to be delivered again at once.
  void RemoveMember(uint64_t member, int64_t now_us);

  // The sequence to offer or skip next. Rises, not always by one.
  uint64_t next() const;
  // Whether Offer can find a member at all: false while nobody has credit, too many messages of blocked keys wait, the
  // window is full, or a message without a key that is due is too large for what credit there is.
  bool WantsNew() const;
  // Offers the message next() to the members: to the one with the fewest unacknowledged messages of those that have
  // credit; with by_key, to the one that has the key. One message larger than a member's credit_bytes goes to it when
  // it has nothing else. `*taken` says whether next() has moved on; if so, and nothing is returned, the message waits
  // for its key's member and comes from Deliver, or a restart has left it no attempt and it is dead.
  std::optional<Assignment> Offer(uint64_t bytes, absl::string_view key, int64_t now_us, bool* taken);
  // The message next() is not for the group. Not to be called for more messages than WantsNew asks for.
  void Skip();

  // Assigns what waits and is due, up to `max` messages. `at_hand` says whether a message can go out now, and each for
  // which it says so is assigned. Of one that cannot, and what would come after it, nothing becomes until LookAgain; a
  // message without a key has behind it all others without, one with a key those for the same member.
  using AtHand = absl::FunctionRef<bool(uint64_t sequence)>;
  std::vector<Assignment> Deliver(
      int64_t now_us, size_t max, AtHand at_hand = [](uint64_t) { return true; });
  // Messages may have come to hand.
  void LookAgain();

  // The name of the message's last delivery; 0 if it is settled, or was not delivered since the state was made or
  // sought. The last stint so far, which is `earliest` to a state that is made after a Seek.
  uint64_t DeliveryOf(uint64_t sequence) const;
  uint64_t last_stint() const;
  // The member that has the message; 0 if none has.
  uint64_t HolderOf(uint64_t sequence) const;

  // The message is done, or dead: a member has it by this delivery, or it waits since this delivery ended. False
  // otherwise: it is settled, or was delivered again.
  bool Done(uint64_t sequence, uint64_t delivery);
  bool Terminate(uint64_t sequence, uint64_t delivery, absl::string_view reason);
  // Takes the message back, to be delivered again after this time, or after the backoff if that is longer. False if no
  // member has it by this delivery.
  bool Retry(uint64_t sequence, uint64_t delivery, int64_t after_us, int64_t now_us);
  // Sets the deadline to this time from now. False if no member has the message by this delivery.
  bool Extend(uint64_t sequence, uint64_t delivery, int64_t for_us, int64_t now_us);
  // The message did not go out to the member: it is to be delivered again at once, and the delivery does not count.
  // False if no member has it by this delivery. Later messages of its key that did go out are out of order then.
  bool Return(uint64_t sequence, uint64_t delivery);

  // Takes back messages whose deadline has passed; they wait for the backoff.
  void Expire(int64_t now_us);
  // When Expire or Deliver has something to do next; nothing if never. Not later than now if Deliver may have something
  // to do now.
  std::optional<int64_t> NextTime() const;

  // Messages that became dead since the last call. They stay neither done nor pending until Buried says that their
  // dead letter is on disk, or Revive that it could not be written: then the next TakeDead has them again.
  std::vector<Dead> TakeDead();
  void Buried(uint64_t sequence);
  void Revive(const Dead& dead);

  // Forgets what became of all messages and goes on at `sequence`, at least 1: what is before is done, what comes from
  // there is offered as if it were new. The members stay, with nothing pending. What TakeChanges would have said is
  // forgotten, too: whoever saves must delete all items and write the marks.
  void Seek(uint64_t sequence);

  // The messages before `sequence` are gone from the queue: they are done. Returns how many were not, those included
  // that were not offered yet. next() is then not before `sequence`.
  uint64_t Forget(uint64_t sequence);

  // What changed since the last call, to be written.
  Changes TakeChanges();

  uint64_t floor() const;
  uint64_t delivered() const;
  uint64_t pending() const;  // with members
  uint64_t waiting() const;  // for a delivery, be it the first
  uint64_t members() const;
  // Counts since construction.
  uint64_t done_count() const;
  uint64_t redelivered_count() const;
  uint64_t dead_count() const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_GROUP_GROUP_STATE_H_
