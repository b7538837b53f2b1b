#ifndef NMQ_SERVER_QUEUE_SUBSCRIPTION_H_
#define NMQ_SERVER_QUEUE_SUBSCRIPTION_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "base/names.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/limits/share.h"
#include "server/metrics/counters.h"
#include "server/queue/cursor.h"
#include "server/queue/delivery.h"
#include "server/queue/filter.h"
#include "server/queue/mailbox.h"
#include "server/queue/start.h"
#include "server/queue/subscriber.h"

namespace nmq::broker {

// What a subscription hears of: a queue pattern and an event pattern.
struct SubscriptionPattern {
  Pattern queue;
  Pattern event;
};

// Whether a subscription may hear a queue of this name, where not all; thread-safe.
using QueueGate = std::shared_ptr<const std::function<bool(absl::string_view queue)>>;

// What of a queue somebody hears who has these patterns and filters of headers; false if nothing. Both must outlive the
// filter.
bool FilterFor(const std::vector<SubscriptionPattern>& patterns, const std::vector<HeaderFilter>& headers,
               absl::string_view queue, EventFilter* filter);

// A client's standing wish to hear messages: a cursor in each queue that its patterns match, or a place in a group. One
// thread, that of its lane, reads it; the members for that thread say so. The others are thread-safe.
class Subscription final : public Subscriber {
 public:
  struct Options : Subscriber::Options {
    std::string id;
    std::vector<SubscriptionPattern> patterns;
    std::vector<HeaderFilter> headers;
    QueueGate gate = nullptr;  // null: of those that the patterns match, all
    std::shared_ptr<const std::string> peer;
    absl::Time start_time;
    Counters* name_space_counters;  // must outlive the subscription
    Start start_of_later_queues;
    // Of a member of a group: what the group has for it, its name, and what takes it out of the group, called once, at
    // the end. Such a subscription has no cursors.
    std::shared_ptr<Mailbox> mailbox = nullptr;
    std::string group = {};
    std::function<void()> leave_group = nullptr;
  };
  explicit Subscription(Options options);

  const std::string& id() const { return id_; }
  const std::vector<SubscriptionPattern>& patterns() const { return patterns_; }
  const std::string& peer() const { return *peer_; }
  absl::Time start_time() const { return start_time_; }
  // Where it starts in a queue that is made after it.
  const Start& start_of_later_queues() const;
  Counters& counters() { return counters_; }
  bool member_of_group() const { return place_in_group_ != nullptr; }
  // Empty if it is a member of none.
  std::string group() const { return member_of_group() ? place_in_group_->group : ""; }

  // What of a queue it hears; false if nothing.
  bool FilterFor(absl::string_view queue, EventFilter* filter) const {
    return (gate_ == nullptr || (*gate_)(queue)) && broker::FilterFor(patterns_, headers_, queue, filter);
  }
  // Whether it hears of the queues that its patterns match only some.
  bool gated() const { return gate_ != nullptr; }
  bool Hears(absl::string_view queue, absl::string_view event) const;

  // Adds a cursor, which the caller attaches to its queue.
  Cursor* AddCursor(std::shared_ptr<Queue> queue, EventFilter filter) ABSL_LOCKS_EXCLUDED(mu_);
  // Calls `visit` for each cursor.
  void ForEachCursor(absl::FunctionRef<void(Cursor*)> visit) const ABSL_LOCKS_EXCLUDED(mu_);
  size_t cursors() const ABSL_LOCKS_EXCLUDED(mu_);
  uint64_t Lag() const;

  // Bytes handed out by Read and not yet taken by the subscriber.
  std::atomic<uint64_t>& in_flight_bytes() { return in_flight_bytes_; }

  // For the lane's thread only.

  // It counts as one of these until it is closed.
  void set_share(Share share) { share_ = std::move(share); }

  // What comes next, up to `bytes_max` or one message, or one gap; an empty delivery if there is nothing, or if much
  // was looked at in vain: then has_ready() is still true. An error if the subscription has ended, or lost messages and
  // is to be disconnected for it.
  absl::Status Read(uint64_t bytes_max, Delivery* delivery);
  // Whether Read may bring something.
  bool has_ready() const {
    return !ready_cursors().empty() || ended() || (place_in_group_ != nullptr && !place_in_group_->mailbox->empty());
  }
  // SLOW_SUBSCRIBER if messages are lost and the policy is to disconnect, though nothing can be read just now.
  absl::Status CheckOverflow() const;
  // Positions that have come further without a message, up to `count_max`.
  void TakeProgress(int count_max, google::protobuf::RepeatedPtrField<v1::QueuePosition>* positions);
  // Makes all cursors ready; at the start.
  void MarkAllReady();
  // Takes the cursors from their queues; the owner is not told of anything any more.
  void Close();

 private:
  absl::Status SlowStatus(absl::string_view queue) const;
  // The cursor of a queue that was deleted. Only for the lane's thread.
  void DropCursor(Cursor* cursor) ABSL_LOCKS_EXCLUDED(mu_);

  struct PlaceInGroup {
    std::shared_ptr<Mailbox> mailbox;
    std::string group;
    std::function<void()> leave;
  };

  // There are very many that hear nothing: what most of them do not need is elsewhere.
  const std::string id_;
  const std::vector<SubscriptionPattern> patterns_;
  const std::vector<HeaderFilter> headers_;
  const QueueGate gate_;
  const std::shared_ptr<const std::string> peer_;
  const absl::Time start_time_;
  Counters& name_space_counters_;
  const std::unique_ptr<const Start> start_of_later_queues_;  // null: with what is new
  const std::unique_ptr<const PlaceInGroup> place_in_group_;  // null if it is in none
  Counters counters_;
  std::atomic<uint64_t> in_flight_bytes_{0};
  mutable Mutex mu_;  // may be taken under the namespace's; the queues' are taken under it
  std::vector<std::unique_ptr<Cursor>> cursors_ ABSL_GUARDED_BY(mu_);

  // For the lane's thread only.
  size_t turn_ = 0;
  Share share_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_SUBSCRIPTION_H_
