#ifndef NMQ_TESTS_BENCH_NMQ_POLLER_H_
#define NMQ_TESTS_BENCH_NMQ_POLLER_H_

#include <grpcpp/completion_queue.h>

#include <thread>

namespace nmq::bench {

// What an operation on a completion queue is tagged with.
class Tag {
 public:
  virtual void Run(bool ok) = 0;

 protected:
  ~Tag() = default;
};

// Calls a member function of its owner, which must outlive the operation.
template <typename Owner, void (Owner::*kMethod)(bool)>
class MemberTag final : public Tag {
 public:
  explicit MemberTag(Owner* owner) : owner_(owner) {}
  void Run(bool ok) override { (owner_->*kMethod)(ok); }

 private:
  Owner* const owner_;
};

// A completion queue and the thread that runs its tags.
class Poller {
 public:
  Poller();
  // Waits until all operations are over: cancel them before.
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  grpc::CompletionQueue* queue() { return &queue_; }

 private:
  grpc::CompletionQueue queue_;
  std::thread thread_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_POLLER_H_
