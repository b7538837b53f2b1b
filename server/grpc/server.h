#ifndef NMQ_SERVER_GRPC_SERVER_H_
#define NMQ_SERVER_GRPC_SERVER_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "server/broker/broker.h"
#include "server/grpc/grpc_loop.h"
#include "server/limits/memory_shares.h"
#include "server/queue/lane.h"
#include "server/rpc/connection_acceptor.h"
#include "server/rpc/loops.h"
#include "server/rpc/methods.h"
#include "server/rpc/transport.h"

namespace nmq::rpc {

struct GrpcServerOptions {
  std::string listen;  // HOST:PORT; port 0 for any
  // Connections have descriptors with lower numbers only.
  uint64_t descriptors_max = std::numeric_limits<uint64_t>::max();
};

// gRPC's own server as a transport: loops on its completion queues, and the methods on them.
class GrpcServer final : public Transport {
 public:
  // Serves with a loop for each of `lanes`, of which there is one at least; they are the broker's, which must outlive
  // the server.
  GrpcServer(const GrpcServerOptions& options, std::vector<broker::Lane*> lanes, broker::Broker* broker);
  // Stops at once if Stop was not called.
  ~GrpcServer() override;

  absl::string_view name() const override { return "gRPC"; }
  // Serves when it returns. The error says why the address cannot be had.
  absl::Status Start() override;
  const std::string& address() const override { return acceptor_.address(); }
  size_t streams() const override { return loops_.streams(); }
  void Drain(absl::Duration grace) override { loops_.Drain(grace); }
  // Ends all streams with UNAVAILABLE, then cuts them off; takes at most about two seconds.
  void Stop() override;

  void RelieveMemory(MemoryUse use) override { loops_.RelieveMemory(use); }
  void CheckAccess() override { loops_.CheckAccess(); }

 private:
  absl::Status Build();
  void ServeCalls();

  const GrpcServerOptions options_;
  const std::vector<broker::Lane*> lanes_;
  broker::Broker* const broker_;
  grpc::AsyncGenericService service_;
  Methods methods_;
  Loops loops_;
  std::vector<std::shared_ptr<GrpcLoop>> grpc_loops_;  // the same
  std::unique_ptr<grpc::Server> server_;               // null unless it serves
  using GrpcReceiver = grpc::experimental::ExternalConnectionAcceptor;
  std::unique_ptr<GrpcReceiver> receiver_;  // what gRPC takes connections with
  ConnectionAcceptor acceptor_;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_GRPC_SERVER_H_
