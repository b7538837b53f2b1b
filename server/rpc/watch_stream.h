#ifndef NMQ_SERVER_RPC_WATCH_STREAM_H_
#define NMQ_SERVER_RPC_WATCH_STREAM_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "server/broker/broker.h"
#include "server/rpc/loop.h"
#include "server/rpc/services.h"

namespace nmq::rpc {

// One Registry.Watch call: a place in the changes, and one response on its way at a time. Deletes itself when gRPC has
// handed back all its events. On its loop's thread only.
class WatchStream final : public Stream {
 public:
  // Waits for `count` calls; each that comes is replaced.
  static void Serve(RegistryService* service, broker::Broker* broker, Loop* loop, int count);

  void Drain(absl::Duration grace) override;
  void End(const absl::Status& status) override;

 private:
  // What the changes call, from any thread; outlives the stream as long as that goes on.
  struct Bell;

  WatchStream(RegistryService* service, broker::Broker* broker, Loop* loop);
  ~WatchStream() override = default;

  void Started(bool ok);
  void Written(bool ok);
  void Finished(bool ok);
  void Done(bool ok);
  absl::Status Open();
  void Pump();
  void OnHeartbeat();
  void Write(const v1::WatchResponse& response);
  void Finish();
  void Release();

  RegistryService* const service_;
  broker::Broker* const broker_;
  Loop* const loop_;
  MemberEvent<WatchStream> started_{this, &WatchStream::Started};
  MemberEvent<WatchStream> written_{this, &WatchStream::Written};
  MemberEvent<WatchStream> finished_{this, &WatchStream::Finished};
  MemberEvent<WatchStream> done_{this, &WatchStream::Done};
  grpc::ServerContext context_;
  v1::WatchRequest request_;
  grpc::ServerAsyncWriter<v1::WatchResponse> writer_;
  std::shared_ptr<Bell> bell_;
  broker::Changes::Listener listener_;
  Loop::Timer heartbeat_;
  absl::Duration last_write_;
  uint64_t revision_ = 0;  // up to which everything was sent
  absl::Status status_;    // to end with, if ending_
  int pending_ = 0;        // events that gRPC has not handed back
  bool writing_ = false;
  bool ending_ = false;
  bool finishing_ = false;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_WATCH_STREAM_H_
