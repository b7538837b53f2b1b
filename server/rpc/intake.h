#ifndef NMQ_SERVER_RPC_INTAKE_H_
#define NMQ_SERVER_RPC_INTAKE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "server/limits/memory_budget.h"
#include "server/metrics/metrics.h"

namespace nmq::rpc {

// Says which calls of a loop may receive their next request, so that all requests that are on their way in, or not yet
// answered, fit into the memory budget; the others wait, and their clients by flow control. What is taken for a request
// is its size, where the transport tells it in advance, otherwise a guess of the caller.
//
// On its loop's thread only, but for GiveBack.
class Intake final : private MemoryBudget::Waiter {
 public:
  enum class Size : uint8_t { kKnown, kGuessed };

  // A request of so few bytes takes less than the call that it is of: it need not be asked for here, unless its method
  // keeps it.
  static constexpr uint64_t kSmallBytes = 2 << 10;

  // A call that receives requests, one at a time. It must Leave before its end.
  class Receiver {
   public:
    // It may start to receive.
    virtual void Receive() = 0;
    // It must end with `why`: memory is short, and it may be receiving more than was taken for it, or nothing although
    // others wait.
    virtual void Refuse(const absl::Status& why) = 0;

   protected:
    ~Receiver() = default;

   private:
    friend class Intake;
    enum class State { kIdle, kInLine, kReceiving };
    State state_ = State::kIdle;
    Size size_ = Size::kGuessed;
    bool lapsed_ = false;
    uint64_t bytes_ = 0;  // wanted, and then taken
    absl::Duration since_;
    Receiver* before_ = nullptr;
    Receiver* after_ = nullptr;
  };

  // `wake` makes the loop call Continue; from any thread. `clock` and `metrics`, which count refusals, must outlive the
  // intake, and `budget` its Close.
  Intake(MemoryBudget* budget, const Clock* clock, Metrics* metrics, std::function<void()> wake);
  ~Intake() override { Close(); }
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

  // `receiver` is to receive a request of `bytes`, about or exactly: calls its Receive, at once or later, or Refuse if
  // too many wait. One that is receiving already wants so many instead of what it has taken, which is given back.
  void Want(Receiver* receiver, uint64_t bytes, Size size);
  // It has received so many, and they are taken until they are given back.
  void Received(Receiver* receiver, uint64_t bytes);
  // It does not wait any more, or has received nothing.
  void Leave(Receiver* receiver);
  // On any thread.
  void GiveBack(uint64_t bytes) { budget_->GiveBack(bytes); }

  // A request of so many bytes, which are taken, is kept until its time comes. False if too much is kept already; so
  // that those that wait by their own doing leave room for the others.
  bool Keep(uint64_t bytes);
  // It is not kept any more.
  void Release(uint64_t bytes) { kept_ -= bytes; }

  // Lets nobody in line receive any more. When the loop ends.
  void Close();

  // Lets those receive for whom there is enough now.
  void Continue();
  // To be called while others wait. Gives back what was taken at a guess for those that have received nothing for long,
  // and ends those whose request has a known size and has still not come.
  void Lapse();
  // While memory is critical, calls start to receive one at a time: what those that were refused have received is gone
  // only when their clients know. To be called again and again meanwhile.
  void SetCritical(bool critical);
  // Ends a part of those for which nothing is taken any more, since they may be receiving something all the same. If
  // there are none and `any`, of all that receive: what was taken for them was a guess.
  void RefuseSome(bool any);

 private:
  struct List {
    void Add(Receiver* receiver);
    void Remove(Receiver* receiver);
    Receiver* first = nullptr;
    Receiver* last = nullptr;
    size_t size = 0;
  };

  void OnTaken() override;
  void Start(Receiver* receiver);
  bool MayStart() const { return !critical_ || receiving_.size == 0; }
  // Starts those in line for whom there is enough, `left` of which is taken already.
  void Admit(uint64_t left);
  void Refuse(Receiver* receiver, const absl::Status& why);

  MemoryBudget* const budget_;
  const Clock* const clock_;
  Metrics* const metrics_;
  const std::function<void()> wake_;
  List line_;
  List receiving_;
  std::atomic<bool> taken_{false};  // what the intake waited for is taken
  uint64_t awaited_ = 0;            // that; 0 if it does not wait
  uint64_t kept_ = 0;
  bool critical_ = false;
  bool closed_ = false;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_INTAKE_H_
