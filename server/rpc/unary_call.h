#ifndef NMQ_SERVER_RPC_UNARY_CALL_H_
#define NMQ_SERVER_RPC_UNARY_CALL_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "server/frame/frame.h"
#include "server/rpc/exchange.h"
#include "server/rpc/intake.h"
#include "server/rpc/loop.h"

namespace nmq::rpc {

class UnaryCall;

// The answer of a call with one request and one response, on its way to it; may outlive the call. Thread-safe.
class Answer {
 public:
  // Of a call on this loop, which the answer keeps alive.
  Answer(UnaryCall* call, std::shared_ptr<Loop> loop) : loop_(std::move(loop)), call_(call) {}

  // The response, encoded, or why there is none. The first one counts, and one that comes after the call's end does
  // nothing. To be called under no lock.
  static void Give(const std::shared_ptr<Answer>& answer, absl::StatusOr<Frame> response);

  // False once nobody waits for it.
  bool awaited() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  friend class UnaryCall;

  // True if it is to be sent: it is the first, and the method has returned.
  bool Set(absl::StatusOr<Frame> response) ABSL_LOCKS_EXCLUDED(mu_);
  // The method has returned; true if the response is there already.
  bool Handled() ABSL_LOCKS_EXCLUDED(mu_);
  // Whoever claims the call, once, may finish it; null for the others.
  UnaryCall* Claim() ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<Frame> Take() ABSL_LOCKS_EXCLUDED(mu_);
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  // On the loop's thread, or on any other while the loop is held.
  void Deliver();

  const std::shared_ptr<Loop> loop_;
  std::atomic<bool> cancelled_{false};
  mutable Mutex mu_;  // a leaf: nothing is locked under it
  UnaryCall* call_ ABSL_GUARDED_BY(mu_);
  bool handled_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<absl::StatusOr<Frame>> response_ ABSL_GUARDED_BY(mu_);
};

// A method with one request and one response.
struct UnaryMethod {
  // Runs on the loop and must not block. The exchange and the bytes live until it returns; the answer may be given
  // there or later, on any thread. Whoever keeps answers waiting bounds their number.
  using Handle = std::function<void(const Exchange&, const RequestBytes&, const std::shared_ptr<Answer>&)>;
  Handle handle;
  // What a request is thought to have, unless the exchange tells its size: it is received when the loop's intake has
  // room for that. 0: at once, uncounted, if it is small (Intake::kSmallBytes) or its size is not told.
  uint64_t request_bytes = 0;
  // It keeps the request's bytes until it has answered.
  bool keeps = false;
};

// One call of it. A call that waits for room or for its answer is one of its loop's streams: when the server stops it
// may still be answered in the grace, and ends with UNAVAILABLE then.
class UnaryCall final : public Handler, public Stream, private Intake::Receiver {
 public:
  // `method` must outlive the call.
  UnaryCall(const UnaryMethod* method, Exchange* exchange);

  void OnSize(uint64_t bytes) override;
  void OnMessage(const RequestBytes& bytes) override;
  void OnNoMore() override;
  void OnCancelled() override;
  void OnDone() override;

  void Drain(const DrainPlan&) override {}
  void End(const absl::Status& status) override;

 private:
  friend class Answer;

  enum class Stage { kInLine, kReading, kHandled, kRefused };

  ~UnaryCall() override = default;

  // Receives a request of so many bytes when the intake has room for it.
  void Want(uint64_t bytes, Intake::Size size);
  void Receive() override;
  // Nobody waits for the request any more.
  void Refuse(const absl::Status& why) override;
  void GiveBack();
  // For whoever has claimed the call.
  void Finish(absl::StatusOr<Frame> response);

  const UnaryMethod* const method_;
  Exchange* const exchange_;
  Stage stage_ = Stage::kInLine;
  bool counted_ = false;            // the intake was asked
  uint64_t taken_ = 0;              // from it
  std::shared_ptr<Answer> answer_;  // null until the request is there
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_UNARY_CALL_H_
