// A thread that many subscriptions share.
#ifndef NMQ_CLIENT_CPP_SUBSCRIPTION_THREAD_H_
#define NMQ_CLIENT_CPP_SUBSCRIPTION_THREAD_H_

#include <memory>

namespace nmq {
inline namespace client {

namespace internal {
class EventThread;
}  // namespace internal

// For SubscribeOptions.thread: receives for all subscriptions that name it, of one client or of several, and calls
// their handlers, one at a time. One frame of each, of at most 256 KiB unless the server is told otherwise, is in this
// program; what comes meanwhile waits in the network, and then in the server's queues. It lives as long as its
// subscriptions.
//
// A handler that takes long holds up all of them. It may call anything of the library but Client::Subscribe()
// (FAILED_PRECONDITION) and Subscription::Wait(); a subscription that is destroyed in a handler may have a callback
// that is not over yet.
//
// Thread-safe.
class SubscriptionThread {
 public:
  SubscriptionThread();
  ~SubscriptionThread();
  SubscriptionThread(const SubscriptionThread&) = delete;
  SubscriptionThread& operator=(const SubscriptionThread&) = delete;

  // For the library.
  const std::shared_ptr<internal::EventThread>& events() const { return events_; }

 private:
  const std::shared_ptr<internal::EventThread> events_;
};

}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_SUBSCRIPTION_THREAD_H_
