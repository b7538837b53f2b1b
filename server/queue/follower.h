#ifndef NMQ_SERVER_QUEUE_FOLLOWER_H_
#define NMQ_SERVER_QUEUE_FOLLOWER_H_

namespace nmq::broker {

// Reads a queue by itself, beside the queue's subscriptions: a group does. Called on the thread that appended, without
// any lock.
class Follower {
 public:
  virtual ~Follower() = default;
  // The queue has new messages, or holds fewer.
  virtual void Wake() = 0;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_FOLLOWER_H_
