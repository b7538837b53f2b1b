#ifndef NMQ_SERVER_RPC_PUBLISH_CALL_H_
#define NMQ_SERVER_RPC_PUBLISH_CALL_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/arena.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/broker/broker.h"
#include "server/broker/publish_stream.h"
#include "server/rpc/grpc_loop.h"
#include "server/rpc/intake.h"
#include "server/rpc/services.h"
#include "server/rpc/stream_call.h"

namespace nmq::rpc {

// One PublishStream call: reads batches as long as not too many answers wait to be written, and the intake has room for
// the next one.
class PublishCall final : public StreamCall, private Intake::Receiver {
 public:
  // Waits for `count` calls; each that comes is replaced.
  static void Serve(MessageQueueService* service, broker::Broker* broker, GrpcLoop* loop, int count);

  void Drain(const DrainPlan& plan) override;

 private:
  PublishCall(MessageQueueService* service, broker::Broker* broker, GrpcLoop* loop);
  ~PublishCall() override = default;

  void Started(bool ok);
  void Read(bool ok);
  void Written(bool ok);
  absl::Status PublishBatch(uint64_t size);
  // Answers wait until their batch is on disk, and those of later batches behind them.
  struct Answer {
    grpc::ByteBuffer bytes;
    bool ready = false;
  };
  void Answered(Answer* answer, grpc::ByteBuffer bytes);
  // Asks the intake for the next read, unless too many answers wait.
  void WantRead();
  void Receive() override;
  void Refuse(const absl::Status& why) override { End(why); }
  // Writes the next answer, if it is there and nothing is being written.
  void WriteNext();
  void OnEnd(const absl::Status&) override { loop()->intake().Leave(this); }
  bool HasUnwritten() const override { return !answers_.empty(); }
  void StartFinish(const grpc::Status& status, Event* finished) override { stream_.Finish(status, finished); }

  MessageQueueService* const service_;
  broker::Broker* const broker_;
  MemberEvent<PublishCall> started_{this, &PublishCall::Started};
  MemberEvent<PublishCall> read_{this, &PublishCall::Read};
  MemberEvent<PublishCall> written_{this, &PublishCall::Written};
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> stream_;
  std::optional<broker::PublishStream> publish_;  // from the call on
  google::protobuf::Arena arena_;
  grpc::ByteBuffer request_;
  std::deque<std::shared_ptr<Answer>> answers_;  // not yet written, the oldest first
  uint64_t expected_;                            // bytes of the next batch, at a guess
  bool reading_ = false;                         // or waiting for the intake
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_PUBLISH_CALL_H_
