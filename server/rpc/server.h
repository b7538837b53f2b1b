#ifndef NMQ_SERVER_RPC_SERVER_H_
#define NMQ_SERVER_RPC_SERVER_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/server.h"
#include "server/broker/broker.h"
#include "server/limits/memory_budget.h"
#include "server/limits/memory_shares.h"
#include "server/queue/lane.h"
#include "server/rpc/connection_acceptor.h"
#include "server/rpc/grpc_loop.h"
#include "server/service/service.h"

namespace nmq::rpc {

struct ServerOptions {
  std::string listen;  // HOST:PORT; port 0 for any
  // Connections have descriptors with lower numbers only.
  uint64_t descriptors_max = std::numeric_limits<uint64_t>::max();
};

// The gRPC side of nmqd: loops, the services on them, health and reflection.
class Server final : public Service {
 public:
  // Serves with a loop for each of `lanes`, of which there is one at least; they are the broker's, which must outlive
  // the server.
  Server(const ServerOptions& options, std::vector<broker::Lane*> lanes, broker::Broker* broker);
  // Stops at once if Stop was not called.
  ~Server() override;

  absl::string_view name() const override { return "gRPC"; }
  // Serves when it returns. The error says why the address cannot be had.
  absl::Status Start() override;
  // Where it listens, with the real port. After Start.
  const std::string& address() const { return address_; }
  size_t streams() const override;
  // Health says not serving, nobody new is let in, and every stream is asked to leave within `grace`, each at a time of
  // its own (DrainPlan).
  void Drain(absl::Duration grace) override;
  // Ends all streams with UNAVAILABLE, then cuts them off; takes at most about two seconds.
  void Stop() override;

  // To be called all the time, a hundred times a second where there is little memory. Lets requests in for which there
  // is room though others that might come have it; where memory is short, ends some that are being received, and where
  // that is critical, subscribers that do not read. Any thread, from Start to Stop.
  void RelieveMemory(MemoryUse use);

 private:
  struct GrpcServices;

  absl::Status Build();
  void ServeCalls();
  void EndStreams();
  void WaitForStreams(absl::Duration time) const;

  const ServerOptions options_;
  const std::vector<broker::Lane*> lanes_;
  broker::Broker* const broker_;
  std::string address_;
  bool critical_ = false;  // memory was, when it was looked at last
  MemoryBudget incoming_;  // requests
  MemoryBudget outgoing_;  // messages on their way to subscribers
  std::unique_ptr<GrpcServices> services_;
  std::vector<std::shared_ptr<GrpcLoop>> loops_;
  std::unique_ptr<grpc::Server> server_;                    // null unless it serves
  std::unique_ptr<ConnectionAcceptor::Receiver> receiver_;  // until the acceptor has it
  ConnectionAcceptor acceptor_;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_SERVER_H_
