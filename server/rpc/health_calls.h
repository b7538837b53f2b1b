#ifndef NMQ_SERVER_RPC_HEALTH_CALLS_H_
#define NMQ_SERVER_RPC_HEALTH_CALLS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "grpc/health/v1/health.pb.h"
#include "server/broker/broker.h"
#include "server/rpc/exchange.h"
#include "server/rpc/loop.h"
#include "server/rpc/stream_call.h"

namespace nmq::rpc {

// grpc.health.v1, overall and for each service: serving until the server drains or its disk fails. Our own, since that
// of gRPC brings threads that poll the same sockets.

// A service that serves as long as calls are answered at all: an orchestrator that restarts a server because it drains,
// or because its disk is full, only loses what it holds in memory.
inline constexpr char kLivenessService[] = "liveness";

// The answer to Check. `services` are those that are served, which reflection lists, too.
absl::Status CheckHealth(const broker::Broker& broker, const std::vector<std::string>& services,
                         const grpc::health::v1::HealthCheckRequest& request,
                         grpc::health::v1::HealthCheckResponse* response);

// One Watch call. It tells of a disk that fails, or works again, within a second.
class HealthWatch final : public StreamCall {
 public:
  // All must outlive the call.
  HealthWatch(broker::Broker* broker, const std::vector<std::string>* services, Exchange* exchange);

  void OnMessage(const RequestBytes& bytes) override;
  void OnNoMore() override;
  void OnWritten(bool ok) override;
  void Drain(const DrainPlan& plan) override;

 private:
  ~HealthWatch() override = default;

  void Tell();
  void Look();
  void OnEnd(const absl::Status&) override { loop()->CancelTimer(&look_); }

  broker::Broker* const broker_;
  const std::vector<std::string>* const services_;
  grpc::health::v1::HealthCheckRequest request_;
  grpc::health::v1::HealthCheckResponse told_;
  bool asked_ = false;  // the request is there
  Loop::Timer look_;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_HEALTH_CALLS_H_
