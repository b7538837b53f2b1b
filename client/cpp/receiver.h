// The thread on which all subscriptions of the program receive.
#ifndef NMQ_CLIENT_CPP_RECEIVER_H_
#define NMQ_CLIENT_CPP_RECEIVER_H_

#include <functional>
#include <memory>
#include <thread>

#include "grpcpp/completion_queue.h"

namespace nmq {
inline namespace client {
namespace internal {

// One thread waits on all connections: many threads that each wait for their own stream would have to hand the sockets
// to each other, and wake each other up for that. It calls nothing that a program gave us, so nothing blocks it.
class Receiver {
 public:
  // What is run when an operation is over. Must not block.
  using Tag = std::function<void(bool ok)>;

  // The one of this program, which lives as long as somebody holds it.
  static std::shared_ptr<Receiver> Shared();

  Receiver();
  // Not on its own thread.
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  // For operations whose tags point to a Tag.
  grpc::CompletionQueue* queue() { return &queue_; }

 private:
  void Run();

  grpc::CompletionQueue queue_;
  std::thread thread_;
};

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_RECEIVER_H_
