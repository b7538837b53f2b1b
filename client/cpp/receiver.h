// What all subscriptions of the program receive through.
#ifndef NMQ_CLIENT_CPP_RECEIVER_H_
#define NMQ_CLIENT_CPP_RECEIVER_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/deadline.h"
#include "base/mutex.h"
#include "grpcpp/completion_queue.h"

namespace nmq {
inline namespace client {
namespace internal {

// Of the threads that wait for something, one polls all connections: it does for the others what their operations want
// done, and wakes them up. When its own turn has come, another one polls. So a thread that is alone is woken up by
// nobody but the kernel, and many do not hand the sockets to each other, as gRPC would let them do.
//
// Thread-safe.
class Receiver {
 public:
  // What is run when an operation is over, on the thread that polls. Must not block.
  using Tag = std::function<void(bool ok)>;

  // What a thread waits with. Not to be destroyed during Notify().
  class Waiter {
   private:
    friend class Receiver;

    // Guarded by the receiver's mutex.
    bool notified = false;
    CondVar changed;
  };

  // The one of this program, which lives as long as somebody holds it.
  static std::shared_ptr<Receiver> Shared();

  Receiver() = default;
  // When all operations are over.
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  // For operations whose tags point to a Tag.
  grpc::CompletionQueue* queue() { return &queue_; }

  // To be called before an operation is started. gRPC's queue sees to it that the thread that polls finds what was
  // written before; this tells ThreadSanitizer, which does not see that.
  void Starting();

  // Returns when the waiter was notified since the last call, or at `deadline`.
  void Wait(Waiter* waiter, Deadline deadline) ABSL_LOCKS_EXCLUDED(mu_);

  // For tags.
  void Notify(Waiter* waiter) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Runs the next tag; false if none came until then.
  bool RunNext(Deadline deadline) ABSL_LOCKS_EXCLUDED(mu_);

  grpc::CompletionQueue queue_;
  Mutex mu_;
  // A thread polls.
  bool polling_ ABSL_GUARDED_BY(mu_) = false;
  // Those that do not.
  std::vector<Waiter*> waiting_ ABSL_GUARDED_BY(mu_);
};

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_RECEIVER_H_
