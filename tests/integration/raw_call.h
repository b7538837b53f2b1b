// Calls of any method, with any bytes.
#ifndef NMQ_TESTS_INTEGRATION_RAW_CALL_H_
#define NMQ_TESTS_INTEGRATION_RAW_CALL_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"

namespace nmq::integration {

// All methods of all services of the package nmq.v1.
std::vector<const google::protobuf::MethodDescriptor*> AllMethods();

// "/nmq.v1.MessageQueue/Connect".
std::string PathOf(const google::protobuf::MethodDescriptor& method);

// One call, step by step. Each step waits until gRPC is done with it. Not thread-safe.
class RawCall {
 public:
  // `context` is the call's own.
  RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
          std::unique_ptr<grpc::ClientContext> context);
  // Cancels the call if it is not finished.
  ~RawCall();

  grpc::ClientContext& context() { return *context_; }
  // False when the call is over.
  bool Write(const std::string& request);
  bool WritesDone();
  bool Read(std::string* response);
  // Reads what is left.
  grpc::Status Finish();

 private:
  bool Wait();

  std::unique_ptr<grpc::ClientContext> context_;
  grpc::CompletionQueue queue_;
  grpc::GenericStub stub_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  bool finished_ = false;
};

// What came of a call with these requests.
struct RawResult {
  grpc::Status status;
  std::vector<std::string> responses;
};
RawResult CallRaw(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                  const std::vector<std::string>& requests, absl::Duration patience);

}  // namespace nmq::integration

#endif  // NMQ_TESTS_INTEGRATION_RAW_CALL_H_
