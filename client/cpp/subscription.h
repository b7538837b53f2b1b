// A live subscription, as Client::Subscribe() returns it.
#ifndef NMQ_CLIENT_CPP_SUBSCRIPTION_H_
#define NMQ_CLIENT_CPP_SUBSCRIPTION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/cpp/options.h"

namespace nmq {
inline namespace client {

namespace internal {
class GroupMember;
class SubscriptionCore;
}  // namespace internal

// What a subscription saw since it exists.
struct SubscriptionCounts {
  uint64_t messages = 0;
  uint64_t gaps = 0;
  // Messages that gaps counted; gaps of unknown size are not in it.
  uint64_t missed = 0;
  uint64_t reconnects = 0;
};

// Hears messages on a thread of its own until it is cancelled, refused, or its client disconnects, or until the server
// sends what cannot be read (DATA_LOSS). A lost connection is no end: the subscription reconnects, and resumes after
// the last position of each queue, so that every message or a gap arrives, and none twice.
//
// A callback that takes long holds up its own subscription only: what comes meanwhile waits, first a few frames of it
// in this program and then in the server's queues.
//
// A member of a group has the group's whole ack_deadline for each message, from when its callback is given it: what
// waits is extended, what was taken back all the same is not handed out, and 16 messages are fetched at a time unless
// credit_messages says otherwise.
//
// Thread-safe. The destructor cancels and waits for a running callback; called inside a callback of this very
// subscription, it does not wait.
class Subscription {
 public:
  // `member` is null outside groups.
  Subscription(std::shared_ptr<internal::SubscriptionCore> loop, std::shared_ptr<internal::GroupMember> member);
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  // Ends the subscription, soon. Does not wait.
  void Cancel();

  // Waits for the end and returns its reason; OK after Cancel(). DEADLINE_EXCEEDED if it still lives after `timeout`.
  absl::Status Wait(absl::Duration timeout = absl::InfiniteDuration());

  // The id that the Registry shows, of the present stream.
  std::string id() const;

  // The last position of each queue that was handed to the handler, for StartAfter() in another run of the program.
  std::vector<v1::QueuePosition> positions() const;

  SubscriptionCounts counts() const;

 private:
  std::shared_ptr<internal::SubscriptionCore> loop_;
  std::shared_ptr<internal::GroupMember> member_;
};

}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_SUBSCRIPTION_H_
