#include "client/cpp/admin.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "base/deadline.h"
#include "client/cpp/session.h"
#include "grpcpp/client_context.h"

namespace nmq {
inline namespace client {
namespace {

template <typename Request, typename Response>
using AdminMethod = grpc::Status (v1::Admin::Stub::*)(grpc::ClientContext*, const Request&, Response*);

template <typename Request, typename Response>
absl::StatusOr<Response> Change(internal::Session* session, v1::Admin::Stub* stub,
                                AdminMethod<Request, Response> method, Request request) {
  // Requests for namespaces have a name instead.
  if constexpr (requires { request.set_namespace_(std::string()); }) {
    if (request.namespace_().empty()) request.set_namespace_(session->options().namespace_name);
  }
  Response response;
  absl::Status status = session->Call(
      Deadline::Never(), [&](grpc::ClientContext* context) { return (stub->*method)(context, request, &response); },
      /*repeatable=*/false);
  if (!status.ok()) return status;
  return response;
}

}  // namespace

Admin::Admin(std::shared_ptr<internal::Session> session)
    : session_(std::move(session)), stub_(v1::Admin::NewStub(session_->channel())) {}

Admin::~Admin() = default;

absl::StatusOr<v1::CreateNamespaceResponse> Admin::CreateNamespace(v1::CreateNamespaceRequest request) {
  return Change(session_.get(), stub_.get(), &v1::Admin::Stub::CreateNamespace, std::move(request));
}

absl::StatusOr<v1::UpdateNamespaceResponse> Admin::UpdateNamespace(v1::UpdateNamespaceRequest request) {
  return Change(session_.get(), stub_.get(), &v1::Admin::Stub::UpdateNamespace, std::move(request));
}

absl::StatusOr<v1::DeleteNamespaceResponse> Admin::DeleteNamespace(v1::DeleteNamespaceRequest request) {
  return Change(session_.get(), stub_.get(), &v1::Admin::Stub::DeleteNamespace, std::move(request));
}

absl::StatusOr<v1::CreateQueueResponse> Admin::CreateQueue(v1::CreateQueueRequest request) {
  return Change(session_.get(), stub_.get(), &v1::Admin::Stub::CreateQueue, std::move(request));
}

absl::StatusOr<v1::UpdateQueueResponse> Admin::UpdateQueue(v1::UpdateQueueRequest request) {
  return Change(session_.get(), stub_.get(), &v1::Admin::Stub::UpdateQueue, std::move(request));
}

absl::StatusOr<v1::DeleteQueueResponse> Admin::DeleteQueue(v1::DeleteQueueRequest request) {
  return Change(session_.get(), stub_.get(), &v1::Admin::Stub::DeleteQueue, std::move(request));
}

absl::StatusOr<v1::PurgeQueueResponse> Admin::PurgeQueue(v1::PurgeQueueRequest request) {
  return Change(session_.get(), stub_.get(), &v1::Admin::Stub::PurgeQueue, std::move(request));
}

absl::StatusOr<v1::CreateGroupResponse> Admin::CreateGroup(v1::CreateGroupRequest request) {
  return Change(session_.get(), stub_.get(), &v1::Admin::Stub::CreateGroup, std::move(request));
}

absl::StatusOr<v1::DeleteGroupResponse> Admin::DeleteGroup(v1::DeleteGroupRequest request) {
  return Change(session_.get(), stub_.get(), &v1::Admin::Stub::DeleteGroup, std::move(request));
}

absl::StatusOr<v1::PauseGroupResponse> Admin::PauseGroup(v1::PauseGroupRequest request) {
  return Change(session_.get(), stub_.get(), &v1::Admin::Stub::PauseGroup, std::move(request));
}

absl::StatusOr<v1::ResumeGroupResponse> Admin::ResumeGroup(v1::ResumeGroupRequest request) {
  return Change(session_.get(), stub_.get(), &v1::Admin::Stub::ResumeGroup, std::move(request));
}

absl::StatusOr<v1::SeekGroupResponse> Admin::SeekGroup(v1::SeekGroupRequest request) {
  return Change(session_.get(), stub_.get(), &v1::Admin::Stub::SeekGroup, std::move(request));
}

absl::StatusOr<v1::RedriveDeadLettersResponse> Admin::RedriveDeadLetters(v1::RedriveDeadLettersRequest request) {
  return Change(session_.get(), stub_.get(), &v1::Admin::Stub::RedriveDeadLetters, std::move(request));
}

absl::StatusOr<v1::MoveClientsResponse> Admin::MoveClients(v1::MoveClientsRequest request) {
  return Change(session_.get(), stub_.get(), &v1::Admin::Stub::MoveClients, std::move(request));
}

absl::StatusOr<v1::DisconnectClientsResponse> Admin::DisconnectClients(v1::DisconnectClientsRequest request) {
  return Change(session_.get(), stub_.get(), &v1::Admin::Stub::DisconnectClients, std::move(request));
}

}  // namespace client
}  // namespace nmq
