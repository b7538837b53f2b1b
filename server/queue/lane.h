#ifndef NMQ_SERVER_QUEUE_LANE_H_
#define NMQ_SERVER_QUEUE_LANE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace nmq::broker {

struct Channel;
struct Cursor;
class Queue;
class Subscriber;

// The way from the broker to the thread that serves some of the subscriptions. Publishers post what has something new;
// the serving thread is woken once, however much is posted until it looks. Thread-safe but for Take.
class Lane {
 public:
  explicit Lane(int index) : index_(index) {}

  int index() const { return index_; }

  // What wakes the serving thread, to be set before anything is posted. Called without any lock, from any thread.
  void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }

  // A channel has new messages. Called under the queue's mutex, so that posts are in the order of the messages.
  void PostChannel(std::shared_ptr<Queue> queue, std::shared_ptr<Channel> channel);
  // A cursor has something new that came from disk. It may be gone by the time that it is looked at.
  void PostCursor(std::shared_ptr<Queue> queue, Cursor* cursor);
  // A subscription is to be looked at for another reason: it ended.
  void PostSubscription(std::shared_ptr<Subscriber> subscription);
  // Wakes the serving thread if something was posted since it last looked. To be called without any lock.
  void Wake();

  // A channel with new messages.
  struct Dirty {
    std::shared_ptr<Queue> queue;
    std::shared_ptr<Channel> channel;
  };
  // What was posted, each in the order in which it was.
  struct Posted {
    std::vector<Dirty> channels;
    std::vector<std::pair<std::shared_ptr<Queue>, Cursor*>> cursors;
    std::vector<std::shared_ptr<Subscriber>> subscriptions;
  };
  // Takes what was posted since the last time into `posted`, which is empty; false if nothing was. Only for the serving
  // thread.
  bool Take(Posted* posted);

 private:
  const int index_;
  std::function<void()> wake_;
  // Each side sets one and then looks at the other, so these need the order of all memory operations.
  std::atomic<bool> posted_{false};
  std::atomic<bool> woken_{false};
  Mutex mu_;  // a leaf: nothing is locked under it
  Posted waiting_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_LANE_H_
