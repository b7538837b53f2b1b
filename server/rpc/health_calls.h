#ifndef NMQ_SERVER_RPC_HEALTH_CALLS_H_
#define NMQ_SERVER_RPC_HEALTH_CALLS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/support/async_stream.h"
#include "server/broker/broker.h"
#include "server/rpc/grpc_loop.h"
#include "server/rpc/stream_call.h"

namespace nmq::rpc {

// grpc.health.v1, overall and for each service: serving until the server drains or its disk fails. On our own loops,
// since gRPC's built-in service brings threads that poll the same sockets.
using HealthService = grpc::health::v1::Health::AsyncService;

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
  // Waits for `count` calls; each that comes is replaced. All must outlive the loop.
  static void Serve(HealthService* service, broker::Broker* broker, const std::vector<std::string>* services,
                    GrpcLoop* loop, int count);

  void Drain(const DrainPlan& plan) override;

 private:
  HealthWatch(HealthService* service, broker::Broker* broker, const std::vector<std::string>* services, GrpcLoop* loop);
  ~HealthWatch() override = default;

  void Started(bool ok);
  void Written(bool ok);
  void Tell();
  void Look();
  void OnEnd(const absl::Status&) override { loop()->CancelTimer(&look_); }
  void StartFinish(const grpc::Status& status, Event* finished) override { writer_.Finish(status, finished); }

  HealthService* const service_;
  broker::Broker* const broker_;
  const std::vector<std::string>* const services_;
  MemberEvent<HealthWatch> started_{this, &HealthWatch::Started};
  MemberEvent<HealthWatch> written_{this, &HealthWatch::Written};
  grpc::health::v1::HealthCheckRequest request_;
  grpc::ServerAsyncWriter<grpc::health::v1::HealthCheckResponse> writer_;
  grpc::health::v1::HealthCheckResponse told_;
  GrpcLoop::Timer look_;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_HEALTH_CALLS_H_
