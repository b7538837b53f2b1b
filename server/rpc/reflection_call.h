#ifndef NMQ_SERVER_RPC_REFLECTION_CALL_H_
#define NMQ_SERVER_RPC_REFLECTION_CALL_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "grpc/reflection/v1/reflection.pb.h"
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
  // `services` must outlive the call.
  ReflectionCall(const std::vector<std::string>* services, Exchange* exchange);

  void OnMessage(const RequestBytes& bytes) override;
  void OnNoMore() override;
  void OnWritten(bool ok) override;
  void Drain(const DrainPlan&) override { End(absl::UnavailableError("the server is shutting down")); }

 private:
  ~ReflectionCall() override = default;

  void OnEnd(const absl::Status&) override {}

  const std::vector<std::string>* const services_;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_REFLECTION_CALL_H_
