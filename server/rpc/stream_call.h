#ifndef NMQ_SERVER_RPC_STREAM_CALL_H_
#define NMQ_SERVER_RPC_STREAM_CALL_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/call/call.h"
#include "server/frame/frame.h"
#include "server/rpc/exchange.h"
#include "server/rpc/intake.h"
#include "server/rpc/loop.h"

namespace nmq::rpc {

// What all streaming calls have in common: one write at a time, the end, and what is still to come back to them. A call
// deletes itself when nothing is. On its loop's thread only.
class StreamCall : public Stream, public Handler, protected Intake::Receiver {
 public:
  // Ends the call with `status`, after what is being written. The first end counts.
  void End(const absl::Status& status) final;

  void OnCancelled() final { End(absl::CancelledError("the client is gone")); }
  // Most requests are small, and received at once; others when the intake has room for them.
  void OnSize(uint64_t bytes) override;
  void OnDone() final { Release(); }

 protected:
  explicit StreamCall(Exchange* exchange);
  ~StreamCall() override = default;

  Loop* loop() const { return loop_; }
  // Until OnDone.
  Exchange* exchange() const { return exchange_; }
  bool ending() const { return ending_; }
  bool writing() const { return writing_; }
  // Nothing may be written any more.
  bool finished() const { return finished_; }
  absl::Duration last_write() const { return last_write_; }
  // Silent for so long that a heartbeat may go out with those of the connection's other streams, which from then on are
  // due together.
  bool IsNearHeartbeat(absl::Duration interval) const {
    return last_write_ + interval - interval / 8 <= loop_->clock().Monotonic();
  }

  // One more thing will come back to the call, besides OnDone; and what to do last when it has. The call may be gone
  // after Release.
  void Owe() { ++owed_; }
  void Release();

  // There will be a write in this turn, unless one is on its way.
  void ExpectWrite() {
    if (!writing_ && !ending_) exchange_->ExpectWrite();
  }

  // To be called first by OnMessage, if OnSize is the one above: what was taken for the message is given back, for it
  // is gone when OnMessage returns. False if the call is ending.
  bool MessageCame();
  void Receive() override { exchange_->Read(); }
  void Refuse(const absl::Status& why) override { End(why); }

  // The caller may go on, by what `principal`, null if callers are not asked, has shown: CheckAccess is called when
  // that expires.
  void GoOnFor(std::shared_ptr<const Principal> principal);

  // Only if nothing is being written and the call is not finished.
  void Write(Frame frame);
  // To be called first by OnWritten; true if there may be another write.
  bool WriteEnded(bool ok);

  // Lets go of what the call has; once, when it ends.
  virtual void OnEnd(const absl::Status& status) = 0;
  // Whether something accepted still has to be written before the end.
  virtual bool HasUnwritten() const { return false; }

 private:
  void Finish();
  // Makes the loop call CheckAccess when what the caller has shown expires.
  void AwaitExpiry();

  Exchange* const exchange_;
  Loop* const loop_;
  absl::Duration last_write_;
  absl::Status status_;                  // to end with, if ending_
  std::unique_ptr<Loop::Timer> expiry_;  // null if what the caller has shown does not expire
  int owed_ = 1;                         // what is still to come back; at first, OnDone
  bool writing_ = false;
  bool ending_ = false;
  bool finished_ = false;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_STREAM_CALL_H_
