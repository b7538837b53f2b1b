#ifndef NMQ_SERVER_QUEUE_SUBSCRIBER_H_
#define NMQ_SERVER_QUEUE_SUBSCRIBER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "base/mutex.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/presence/client.h"
#include "server/presence/memberships.h"
#include "server/queue/lane.h"
#include "server/queue/waiting.h"

namespace nmq::broker {

struct Cursor;

// What queues and lanes know of a subscription: the client that it is for, the lane that serves it, and which of its
// cursors have something to do. One thread, that of its lane, reads it; the members for that thread say so. The others
// are thread-safe.
class Subscriber : public std::enable_shared_from_this<Subscriber> {
 public:
  // Serves the subscription: told, on the lane's thread, that there is something to do.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void OnReady() = 0;
    // Told before any owner of the same turn is told OnReady.
    virtual void BeforeReady() {}
  };

  struct Options {
    std::shared_ptr<Client> client;
    v1::Overflow overflow;
    uint64_t overflow_messages = 0;  // of those that drop the newest: how many wait in each queue
    Lane* lane;
    Owner* owner;
  };
  explicit Subscriber(Options options) : place_(std::move(options)) {}

  Client& client() const { return *place_.client; }
  const std::shared_ptr<Client>& shared_client() const { return place_.client; }
  const Memberships& memberships() const { return place_.client->memberships(); }
  v1::Overflow overflow() const { return place_.overflow; }
  // Whether it lags behind where it can, instead of losing messages.
  bool holds() const {
    return overflow() == v1::OVERFLOW_UNSPECIFIED || overflow() == v1::OVERFLOW_HOLD ||
           overflow() == v1::OVERFLOW_DROP_NEWEST;
  }
  // What a cursor of it has to know of what comes; null if nothing.
  std::unique_ptr<Waiting> NewWaiting() const;
  Lane* lane() const { return place_.lane; }
  Owner* owner() const { return place_.owner; }

  // Ends the subscription: its thread finds `status` at its next look. The first status stays.
  void End(absl::Status status) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status end_status() const ABSL_LOCKS_EXCLUDED(mu_);
  bool ended() const { return ended_.load(std::memory_order_acquire); }

  // For the lane's thread only.

  void MarkReady(Cursor* cursor, std::vector<Subscriber*>* ready);
  void MarkReady(std::vector<Subscriber*>* ready);
  // Asks the processor for what a read will look at: a thread that reads many subscriptions asks for all first, so that
  // their memory comes side by side. Looks at nothing that a queue's mutex guards.
  void PrefetchCursor() const;
  // To be called when taken off the list of ready subscriptions.
  void ClearReady() { listed_ = false; }

 protected:
  ~Subscriber() = default;

  // For the lane's thread only: the cursors that have something to do.
  std::vector<Cursor*>& ready_cursors() { return ready_; }
  const std::vector<Cursor*>& ready_cursors() const { return ready_; }
  // No cursor has anything to do from now on. Only for the lane's thread.
  void StopMarking();

 private:
  const Options place_;
  std::atomic<bool> ended_{false};
  mutable Mutex mu_;  // a leaf: nothing is locked under it
  absl::Status end_status_ ABSL_GUARDED_BY(mu_);

  // For the lane's thread only.
  std::vector<Cursor*> ready_;
  bool listed_ = false;
  bool closed_ = false;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_SUBSCRIBER_H_
