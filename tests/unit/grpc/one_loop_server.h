#ifndef NMQ_TESTS_UNIT_GRPC_ONE_LOOP_SERVER_H_
#define NMQ_TESTS_UNIT_GRPC_ONE_LOOP_SERVER_H_

#include <memory>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/server.h"
#include "server/grpc/grpc_loop.h"
#include "server/limits/memory_budget.h"
#include "server/metrics/metrics.h"
#include "server/queue/lane.h"

namespace nmq::rpc {

// gRPC's server on a port of its own, with one loop. For the test's thread.
class OneLoopServer {
 public:
  OneLoopServer();
  // Stops.
  ~OneLoopServer();

  // Null once it was released.
  GrpcLoop* loop() const { return loop_.get(); }
  // From a client to the server.
  std::shared_ptr<grpc::Channel> NewChannel() const;

  // Starts the loop with the methods that were added to it. One call is waited for at a time.
  void Start();
  // Ends gRPC's part: calls that are not over after `grace` are cut off.
  void Shutdown(absl::Duration grace = absl::ZeroDuration());
  // Shutdown, and then the loop's end. Does nothing if it has stopped.
  void Stop();
  // False once it has stopped.
  bool running() const { return server_ != nullptr; }
  // Lets go of the loop, which has ended.
  void ReleaseLoop() { loop_ = nullptr; }

 private:
  Metrics metrics_;
  MemoryBudget memory_{1 << 20};
  broker::Lane lane_{0};
  grpc::AsyncGenericService service_;
  int port_ = 0;
  std::shared_ptr<GrpcLoop> loop_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace nmq::rpc

#endif  // NMQ_TESTS_UNIT_GRPC_ONE_LOOP_SERVER_H_
