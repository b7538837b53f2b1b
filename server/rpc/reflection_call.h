#ifndef NMQ_SERVER_RPC_REFLECTION_CALL_H_
#define NMQ_SERVER_RPC_REFLECTION_CALL_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/rpc/grpc_loop.h"
#include "server/rpc/stream_call.h"

namespace nmq::rpc {

// gRPC server reflection, v1 and v1alpha, which differ in name only. On our own loops, since gRPC's built-in service
// brings threads that poll the same sockets.
using ReflectionService = grpc::reflection::v1::ServerReflection::WithRawMethod_ServerReflectionInfo<
    grpc::reflection::v1::ServerReflection::Service>;
using ReflectionAlphaService = grpc::reflection::v1alpha::ServerReflection::WithRawMethod_ServerReflectionInfo<
    grpc::reflection::v1alpha::ServerReflection::Service>;

// The answer to one request. `services` are full names.
grpc::reflection::v1::ServerReflectionResponse Reflect(const grpc::reflection::v1::ServerReflectionRequest& request,
                                                       const std::vector<std::string>& services);

// One ServerReflectionInfo call: a question, an answer, and so on.
template <typename Service>
class ReflectionCall final : public StreamCall {
 public:
  // Waits for a call; one that comes is replaced. `services` must outlive the loop.
  static void Serve(Service* service, const std::vector<std::string>* services, GrpcLoop* loop) {
    new ReflectionCall(service, services, loop);
  }

  void Drain(const DrainPlan&) override { End(absl::UnavailableError("the server is shutting down")); }

 private:
  ReflectionCall(Service* service, const std::vector<std::string>* services, GrpcLoop* loop);
  ~ReflectionCall() override = default;

  void Started(bool ok);
  void Read(bool ok);
  void Written(bool ok);
  void StartRead();
  void OnEnd(const absl::Status&) override {}
  void StartFinish(const grpc::Status& status, Event* finished) override { stream_.Finish(status, finished); }

  Service* const service_;
  const std::vector<std::string>* const services_;
  MemberEvent<ReflectionCall> started_{this, &ReflectionCall::Started};
  MemberEvent<ReflectionCall> read_{this, &ReflectionCall::Read};
  MemberEvent<ReflectionCall> written_{this, &ReflectionCall::Written};
  grpc::ByteBuffer request_;
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> stream_;
};

extern template class ReflectionCall<ReflectionService>;
extern template class ReflectionCall<ReflectionAlphaService>;

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_REFLECTION_CALL_H_
