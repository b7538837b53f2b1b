// Unary rpcs with their types: what is registered takes a request and gives a response, and knows no bytes.
#ifndef NMQ_SERVER_RPC_UNARY_RPC_H_
#define NMQ_SERVER_RPC_UNARY_RPC_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/call/call.h"
#include "server/frame/frame.h"
#include "server/rpc/call_of.h"
#include "server/rpc/call_worker.h"
#include "server/rpc/exchange.h"
#include "server/rpc/method_table.h"
#include "server/rpc/rpc_path.h"
#include "server/rpc/unary_call.h"

namespace nmq::rpc {

// Gives a response, or says why there is none; once, on any thread, under no lock.
template <typename Response>
using Done = std::function<void(absl::StatusOr<Response>)>;

// A response as it is written.
template <typename Response>
absl::StatusOr<Frame> Encode(const absl::StatusOr<Response>& response) {
  if (!response.ok()) return response.status();
  return Frame(*response);
}

// Adds a method to `table`, whose calls must end before it.
inline void AddUnary(const std::string& path, UnaryMethod method, MethodTable* table) {
  auto shared = std::make_shared<const UnaryMethod>(std::move(method));
  table->Add(path, [shared = std::move(shared)](Exchange* exchange) { return new UnaryCall(shared.get(), exchange); });
}

// Adds the rpc with this full name. `handle` runs on the loop, must not block, and may answer later; the request lives
// until it returns.
template <typename Request, typename Response>
void AddDeferredRpc(const char* full_name, uint64_t request_bytes, bool keeps,
                    std::function<void(const Call&, Request*, Done<Response>)> handle, MethodTable* table) {
  auto decoded = [handle = std::move(handle)](const Exchange& exchange, const RequestBytes& bytes,
                                              const std::shared_ptr<Answer>& answer) {
    Request request;
    if (const absl::Status status = bytes.Decode(&request); !status.ok()) {
      Answer::Give(answer, status);
    } else {
      handle(CallOf<Request>(exchange), &request,
             [answer](const absl::StatusOr<Response>& response) { Answer::Give(answer, Encode(response)); });
    }
  };
  AddUnary(RpcPath<Request, Response>(full_name), {std::move(decoded), request_bytes, keeps}, table);
}

// The same for one that is answered at once. `handle` takes a Call, a Request* and a Response*.
template <typename Request, typename Response, typename Handle>
void AddLoopRpc(const char* full_name, Handle handle, MethodTable* table) {
  auto at_once = [handle = std::move(handle)](const Exchange& exchange, const RequestBytes& bytes,
                                              const std::shared_ptr<Answer>& answer) {
    Request request;
    Response response;
    absl::Status status = bytes.Decode(&request);
    if (status.ok()) status = handle(CallOf<Request>(exchange), &request, &response);
    Answer::Give(answer, status.ok() ? absl::StatusOr<Frame>(Frame(response)) : status);
  };
  AddUnary(RpcPath<Request, Response>(full_name), {std::move(at_once)}, table);
}

// The same for one that may take long: `handle`, as for AddDeferredRpc, is called on `worker`, which must outlive the
// table's loop, and the request lives until it is done.
template <typename Request, typename Response>
void AddWorkerRpc(const char* full_name, std::function<void(const Call&, Request*, Done<Response>)> handle,
                  CallWorker* worker, MethodTable* table) {
  auto posted = [handle = std::move(handle), worker](const Exchange& exchange, const RequestBytes& bytes,
                                                     const std::shared_ptr<Answer>& answer) {
    auto request = std::make_shared<Request>();
    if (const absl::Status status = bytes.Decode(request.get()); !status.ok()) {
      Answer::Give(answer, status);
      return;
    }
    worker->Post(answer, [handle, request, call = CallOf<Request>(exchange)](const CallWorker::Respond& respond) {
      handle(call, request.get(),
             [request, respond](const absl::StatusOr<Response>& response) { respond(Encode(response)); });
    });
  };
  AddUnary(RpcPath<Request, Response>(full_name), {std::move(posted), /*request_bytes=*/0, /*keeps=*/true}, table);
}

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_UNARY_RPC_H_
