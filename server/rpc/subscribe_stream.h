#ifndef NMQ_SERVER_RPC_SUBSCRIBE_STREAM_H_
#define NMQ_SERVER_RPC_SUBSCRIBE_STREAM_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/broker/broker.h"
#include "server/rpc/loop.h"
#include "server/rpc/services.h"

namespace nmq::rpc {

// One Subscribe call: a subscription, and one frame on its way at a time. Deletes itself when gRPC has handed back all
// its events. On its loop's thread only.
class SubscribeStream final : public Stream, public broker::Subscription::Owner {
 public:
  // Waits for `count` calls; each that comes is replaced.
  static void Serve(MessageQueueService* service, broker::Broker* broker, Loop* loop, int count);

  void OnReady() override;
  void Drain(absl::Duration grace) override;
  void End(const absl::Status& status) override;

 private:
  SubscribeStream(MessageQueueService* service, broker::Broker* broker, Loop* loop);
  ~SubscribeStream() override = default;

  void Started(bool ok);
  void Written(bool ok);
  void Finished(bool ok);
  void Done(bool ok);
  void Open();
  // Writes the next frame, if there is one.
  void Pump();
  void PumpAgain();
  void Write(grpc::ByteBuffer frame);
  void WriteFrame(const v1::SubscribeResponse& frame);
  void WriteDelivery(broker::Delivery* delivery);
  void OnHeartbeat();
  void OnStalled();
  void Finish();
  void Release();

  MessageQueueService* const service_;
  broker::Broker* const broker_;
  Loop* const loop_;
  MemberEvent<SubscribeStream> started_{this, &SubscribeStream::Started};
  MemberEvent<SubscribeStream> written_{this, &SubscribeStream::Written};
  MemberEvent<SubscribeStream> finished_{this, &SubscribeStream::Finished};
  MemberEvent<SubscribeStream> done_{this, &SubscribeStream::Done};
  grpc::ServerContext context_;
  grpc::ByteBuffer request_;
  grpc::ServerAsyncWriter<grpc::ByteBuffer> writer_;
  std::shared_ptr<broker::Subscription> subscription_;  // null before and after
  Loop::Timer heartbeat_;
  Loop::Timer stalled_;
  absl::Duration last_write_;
  absl::Duration drain_grace_;  // to be told, if not zero
  absl::Status status_;         // to end with, if ending_
  int pending_ = 0;             // events that gRPC has not handed back
  bool writing_ = false;
  bool ending_ = false;
  bool finishing_ = false;
  bool again_ = false;  // PumpAgain is posted
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_SUBSCRIBE_STREAM_H_
