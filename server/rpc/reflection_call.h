#ifndef NMQ_SERVER_RPC_REFLECTION_CALL_H_
#define NMQ_SERVER_RPC_REFLECTION_CALL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "server/limits/memory_budget.h"
#include "server/metrics/metrics.h"
#include "server/rpc/exchange.h"
#include "server/rpc/stream_call.h"

namespace nmq::rpc {

// The answer to one request. `services` are full names.
grpc::reflection::v1::ServerReflectionResponse Reflect(const grpc::reflection::v1::ServerReflectionRequest& request,
                                                       const std::vector<std::string>& services);

// One ServerReflectionInfo call: a question, an answer, and so on. Of gRPC's server reflection v1 and v1alpha, which
// differ in name only. Our own, since that of gRPC brings threads that poll the same sockets.
class ReflectionCall final : public StreamCall {
 public:
  // What it needs must outlive the call: the services, what all answers may take until their callers have read them,
  // and what counts those for which that is not enough.
  struct Needs {
    const std::vector<std::string>* services;
    MemoryBudget* memory;
    Metrics* metrics;
  };
  ReflectionCall(const Needs& needs, Exchange* exchange);

  void OnMessage(const RequestBytes& bytes) override;
  void OnNoMore() override;
  void OnWritten(bool ok) override;
  void Drain(const DrainPlan&) override { End(absl::UnavailableError("the server is shutting down")); }

 private:
  ~ReflectionCall() override { GiveBack(); }

  void OnEnd(const absl::Status&) override {}
  void Respond(const grpc::reflection::v1::ServerReflectionRequest& request);
  void GiveBack();

  const Needs needs_;
  uint64_t taken_ = 0;  // of the memory
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_REFLECTION_CALL_H_
