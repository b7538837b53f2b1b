#ifndef NMQ_SERVER_RPC_PUBLISH_CALL_H_
#define NMQ_SERVER_RPC_PUBLISH_CALL_H_

#include <deque>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/arena.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/broker/broker.h"
#include "server/rpc/loop.h"
#include "server/rpc/services.h"

namespace nmq::rpc {

// One PublishStream call: reads batches as long as not too many answers wait to be written. Deletes itself when gRPC
// has handed back all its events. On its loop's thread only.
class PublishCall final : public Stream {
 public:
  // Waits for `count` calls; each that comes is replaced.
  static void Serve(MessageQueueService* service, broker::Broker* broker, Loop* loop, int count);

  void Drain(absl::Duration grace) override;
  void End(const absl::Status& status) override;

 private:
  PublishCall(MessageQueueService* service, broker::Broker* broker, Loop* loop);
  ~PublishCall() override = default;

  void Started(bool ok);
  void Read(bool ok);
  void Written(bool ok);
  void Finished(bool ok);
  void Done(bool ok);
  absl::Status PublishBatch();
  void StartRead();
  void StartWrite();
  void Finish();
  void Release();

  MessageQueueService* const service_;
  broker::Broker* const broker_;
  Loop* const loop_;
  MemberEvent<PublishCall> started_{this, &PublishCall::Started};
  MemberEvent<PublishCall> read_{this, &PublishCall::Read};
  MemberEvent<PublishCall> written_{this, &PublishCall::Written};
  MemberEvent<PublishCall> finished_{this, &PublishCall::Finished};
  MemberEvent<PublishCall> done_{this, &PublishCall::Done};
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> stream_;
  broker::PublishStream publish_;
  google::protobuf::Arena arena_;
  grpc::ByteBuffer request_;
  std::deque<grpc::ByteBuffer> answers_;  // not yet written, the oldest first
  absl::Status status_;                   // to end with, if ending_
  int pending_ = 0;                       // events that gRPC has not handed back
  bool reading_ = false;
  bool writing_ = false;
  bool ending_ = false;     // once the answers are written
  bool cancelled_ = false;  // nobody hears the answers
  bool finishing_ = false;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_PUBLISH_CALL_H_
