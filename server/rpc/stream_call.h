#ifndef NMQ_SERVER_RPC_STREAM_CALL_H_
#define NMQ_SERVER_RPC_STREAM_CALL_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "server/rpc/connections.h"
#include "server/rpc/grpc_loop.h"

namespace nmq::rpc {

// What all streaming calls have in common: which events gRPC still owes, one write at a time, the end. A call deletes
// itself with its last event. On its loop's thread only.
//
// A derived class asks for a call in its constructor, with Event(&started) and Owe(). When the call comes it begins
// with Begin(); when none comes any more, it deletes itself.
class StreamCall : public Stream {
 public:
  // Ends the call with `status`, after what is being written. The first end counts.
  void End(const absl::Status& status) final;

 protected:
  explicit StreamCall(GrpcLoop* loop);
  ~StreamCall() override = default;

  GrpcLoop* loop() const { return loop_; }
  grpc::ServerContext* context() { return &context_; }
  bool ending() const { return ending_; }
  bool writing() const { return writing_; }
  absl::Duration last_write() const { return last_write_; }

  // The call has come.
  void Begin();

  // One more event to come; and what to do last when it has come. The call may be gone after Release.
  void Owe() { ++owed_; }
  void Release();

  // There will be a write in this turn, unless one is on its way.
  void ExpectWrite() {
    if (!writing_ && !ending_) loop_->connections().Expect(connection_);
  }

  // To be called right before a write, and when its event has come; true if there may be another write.
  void WriteStarted();
  bool WriteEnded(bool ok);

  // Lets go of what the call has; once, when it ends.
  virtual void OnEnd(const absl::Status& status) = 0;
  // Whether something accepted still has to be written before the end.
  virtual bool HasUnwritten() const { return false; }
  // Asks gRPC to finish the call.
  virtual void StartFinish(const grpc::Status& status, Event* finished) = 0;

 private:
  void Finish();
  void Finished(bool ok);
  void Done(bool ok);

  GrpcLoop* const loop_;
  grpc::ServerContext context_;
  MemberEvent<StreamCall> finished_{this, &StreamCall::Finished};
  MemberEvent<StreamCall> done_{this, &StreamCall::Done};
  Connections::Connection* connection_ = nullptr;  // from Begin on
  absl::Duration last_write_;
  absl::Status status_;  // to end with, if ending_
  int owed_ = 1;         // events that gRPC has not handed back; at first, that the call is done
  bool writing_ = false;
  bool ending_ = false;
  bool finishing_ = false;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_STREAM_CALL_H_
