#ifndef NMQ_SERVER_RPC_WATCH_STREAM_H_
#define NMQ_SERVER_RPC_WATCH_STREAM_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "nmq/v1/registry.pb.h"
#include "server/broker/broker.h"
#include "server/rpc/grpc_loop.h"
#include "server/rpc/services.h"
#include "server/rpc/stream_call.h"

namespace nmq::rpc {

// One Registry.Watch call: a place in the changes, and one response on its way at a time.
class WatchStream final : public StreamCall {
 public:
  // Waits for `count` calls; each that comes is replaced.
  static void Serve(RegistryService* service, broker::Broker* broker, GrpcLoop* loop, int count);

  void Drain(const DrainPlan& plan) override;

 private:
  // What the changes call, from any thread; outlives the stream as long as that goes on.
  struct Bell;

  WatchStream(RegistryService* service, broker::Broker* broker, GrpcLoop* loop);
  ~WatchStream() override = default;

  void Started(bool ok);
  void Written(bool ok);
  absl::Status Open();
  void Pump();
  void OnHeartbeat();
  void Write(const v1::WatchResponse& response);
  void OnEnd(const absl::Status& status) override;
  void StartFinish(const grpc::Status& status, Event* finished) override { writer_.Finish(status, finished); }

  RegistryService* const service_;
  broker::Broker* const broker_;
  MemberEvent<WatchStream> started_{this, &WatchStream::Started};
  MemberEvent<WatchStream> written_{this, &WatchStream::Written};
  grpc::ByteBuffer received_;
  v1::WatchRequest request_;  // what was received
  grpc::ServerAsyncWriter<grpc::ByteBuffer> writer_;
  std::shared_ptr<Bell> bell_;
  broker::Changes::Listener listener_;
  GrpcLoop::Timer heartbeat_;
  GrpcLoop::Timer age_;
  GrpcLoop::Timer drain_;
  uint64_t revision_ = 0;  // up to which everything was sent
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_WATCH_STREAM_H_
