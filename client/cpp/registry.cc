#include "client/cpp/registry.h"

#include <utility>

#include "absl/time/time.h"
#include "base/deadline.h"
#include "client/cpp/session.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/sync_stream.h"

namespace nmq {
inline namespace client {
namespace {

constexpr absl::Duration kAnswerTimeout = absl::Seconds(10);
// The server makes pages smaller if it wants.
constexpr uint32_t kPageSize = 1000;

template <typename Request, typename Response>
using RegistryMethod = grpc::Status (v1::Registry::Stub::*)(grpc::ClientContext*, const Request&, Response*);

template <typename Request>
void FillNamespace(const internal::Session& session, Request* request) {
  if (request->namespace_().empty()) request->set_namespace_(session.options().namespace_name);
}

template <typename Request, typename Response>
absl::Status Ask(internal::Session* session, v1::Registry::Stub* stub, RegistryMethod<Request, Response> method,
                 const Request& request, Response* response) {
  return session->Call(
      Deadline::In(kAnswerTimeout),
      [&](grpc::ClientContext* context) { return (stub->*method)(context, request, response); },
      /*repeatable=*/true);
}

// All pages in one.
template <typename Request, typename Response>
absl::StatusOr<Response> ListAll(internal::Session* session, v1::Registry::Stub* stub,
                                 RegistryMethod<Request, Response> method, Request request) {
  request.set_page_size(kPageSize);
  request.clear_page_token();
  Response all;
  absl::Status status = Ask(session, stub, method, request, &all);
  while (status.ok() && !all.next_page_token().empty()) {
    request.set_page_token(all.next_page_token());
    Response page;
    status = Ask(session, stub, method, request, &page);
    all.set_next_page_token(page.next_page_token());
    page.clear_next_page_token();
    // The first page's revision is the one to watch after.
    if constexpr (requires { page.clear_revision(); }) page.clear_revision();
    all.MergeFrom(page);
  }
  if (!status.ok()) return status;
  return all;
}

}  // namespace

Registry::Registry(std::shared_ptr<internal::Session> session)
    : session_(std::move(session)), stub_(v1::Registry::NewStub(session_->channel())) {}

Registry::~Registry() = default;

absl::StatusOr<v1::ListNamespacesResponse> Registry::ListNamespaces(v1::ListNamespacesRequest request) {
  return ListAll(session_.get(), stub_.get(), &v1::Registry::Stub::ListNamespaces, std::move(request));
}

absl::StatusOr<v1::ListQueuesResponse> Registry::ListQueues(v1::ListQueuesRequest request) {
  FillNamespace(*session_, &request);
  return ListAll(session_.get(), stub_.get(), &v1::Registry::Stub::ListQueues, std::move(request));
}

absl::StatusOr<v1::ListGroupsResponse> Registry::ListGroups(v1::ListGroupsRequest request) {
  FillNamespace(*session_, &request);
  return ListAll(session_.get(), stub_.get(), &v1::Registry::Stub::ListGroups, std::move(request));
}

absl::StatusOr<v1::ListRoomsResponse> Registry::ListRooms(v1::ListRoomsRequest request) {
  FillNamespace(*session_, &request);
  return ListAll(session_.get(), stub_.get(), &v1::Registry::Stub::ListRooms, std::move(request));
}

absl::StatusOr<v1::ListClientsResponse> Registry::ListClients(v1::ListClientsRequest request) {
  FillNamespace(*session_, &request);
  return ListAll(session_.get(), stub_.get(), &v1::Registry::Stub::ListClients, std::move(request));
}

absl::StatusOr<v1::ListSubscriptionsResponse> Registry::ListSubscriptions(v1::ListSubscriptionsRequest request) {
  FillNamespace(*session_, &request);
  return ListAll(session_.get(), stub_.get(), &v1::Registry::Stub::ListSubscriptions, std::move(request));
}

absl::StatusOr<v1::ListMetricsResponse> Registry::ListMetrics(v1::ListMetricsRequest request) {
  return ListAll(session_.get(), stub_.get(), &v1::Registry::Stub::ListMetrics, std::move(request));
}

absl::StatusOr<v1::ClientInfo> Registry::GetClient(const std::string& id) {
  v1::GetClientRequest request;
  FillNamespace(*session_, &request);
  request.set_client_id(id);
  v1::GetClientResponse response;
  absl::Status status = Ask(session_.get(), stub_.get(), &v1::Registry::Stub::GetClient, request, &response);
  if (!status.ok()) return status;
  return std::move(*response.mutable_client());
}

absl::StatusOr<v1::CountClientsResponse> Registry::CountClients(v1::CountClientsRequest request) {
  FillNamespace(*session_, &request);
  v1::CountClientsResponse response;
  absl::Status status = Ask(session_.get(), stub_.get(), &v1::Registry::Stub::CountClients, request, &response);
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<v1::ExplainResponse> Registry::Explain(v1::ExplainRequest request) {
  FillNamespace(*session_, &request);
  v1::ExplainResponse response;
  absl::Status status = Ask(session_.get(), stub_.get(), &v1::Registry::Stub::Explain, request, &response);
  if (!status.ok()) return status;
  return response;
}

absl::Status Registry::Watch(const v1::WatchRequest& request,
                             absl::FunctionRef<bool(const v1::WatchResponse&)> on_change) {
  bool enough = false;
  absl::Status status = session_->Call(
      Deadline::Never(),
      [&](grpc::ClientContext* context) {
        const std::unique_ptr<grpc::ClientReader<v1::WatchResponse>> reader = stub_->Watch(context, request);
        v1::WatchResponse response;
        while (!enough && reader->Read(&response)) enough = !on_change(response);
        if (enough) context->TryCancel();
        return reader->Finish();
      },
      /*repeatable=*/false);
  if (enough) return absl::OkStatus();
  return status.ok() ? absl::UnavailableError("the server ended the watch") : status;
}

}  // namespace client
}  // namespace nmq
