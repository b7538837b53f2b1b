// The server that the arguments name.
#ifndef NMQ_CLIENT_CLI_CONNECTION_H_
#define NMQ_CLIENT_CLI_CONNECTION_H_

#include <memory>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/deadline.h"
#include "base/grpc_deadline.h"
#include "client/cli/arguments.h"
#include "client/cli/output.h"
#include "client/cpp/client.h"
#include "client/cpp/status.h"
#include "grpcpp/client_context.h"
#include "nmq/v1/admin.grpc.pb.h"
#include "nmq/v1/registry.grpc.pb.h"

namespace nmq {
namespace cli {

// Of a person who waits: one attempt, and nothing that the server would show as a client until it is needed.
ClientOptions OptionsFor(const Arguments& arguments);

// Prints "nmq: ...", or the error as JSON.
void TellError(const absl::Status& status, absl::string_view server, const Asked& asked, Output* err);

// The same, and returns the exit code for a failure.
int Fail(const absl::Status& status, const Arguments& arguments, Output* err);

// What to return when all is done: a failure, unless `out` took everything or its reader merely has gone.
int Done(const Output& out, Output* err);

// Which clients the arguments mean.
v1::ClientFilter FilterOf(const Arguments& arguments);

// Calls of the Registry and of Admin, over one connection. Thread-safe.
class RegistryClient {
 public:
  static absl::StatusOr<std::unique_ptr<RegistryClient>> Open(const Arguments& arguments);

  v1::Registry::Stub* stub() const { return stub_.get(); }

  template <typename Request, typename Response>
  using Method = grpc::Status (v1::Registry::Stub::*)(grpc::ClientContext*, const Request&, Response*);
  template <typename Request, typename Response>
  using AdminMethod = grpc::Status (v1::Admin::Stub::*)(grpc::ClientContext*, const Request&, Response*);

  template <typename Request, typename Response>
  absl::Status Call(Method<Request, Response> method, const Request& request, Response* response) const {
    grpc::ClientContext context;
    context.set_deadline(ToGrpc(Deadline::In(absl::Seconds(10))));
    return FromGrpc((stub_.get()->*method)(&context, request, response));
  }

  // Has no deadline: a change is awaited.
  template <typename Request, typename Response>
  absl::Status Change(AdminMethod<Request, Response> method, const Request& request, Response* response) const {
    grpc::ClientContext context;
    return FromGrpc((admin_.get()->*method)(&context, request, response));
  }

  // Calls `page` with each page, until it returns false.
  template <typename Request, typename Response>
  absl::Status ForEachPage(Method<Request, Response> method, Request request,
                           absl::FunctionRef<bool(const Response&)> page) const {
    request.set_page_size(1000);
    while (true) {
      Response response;
      absl::Status status = Call(method, request, &response);
      if (!status.ok()) return status;
      if (!page(response) || response.next_page_token().empty()) return absl::OkStatus();
      request.set_page_token(response.next_page_token());
    }
  }

 private:
  explicit RegistryClient(std::unique_ptr<Client> client)
      : client_(std::move(client)),
        stub_(v1::Registry::NewStub(client_->channel())),
        admin_(v1::Admin::NewStub(client_->channel())) {}

  const std::unique_ptr<Client> client_;
  const std::unique_ptr<v1::Registry::Stub> stub_;
  const std::unique_ptr<v1::Admin::Stub> admin_;
};

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_CONNECTION_H_
