#include "server/rpc/methods.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "glog/logging.h"
#include "server/rpc/call_of.h"
#include "server/rpc/deferred_call.h"
#include "server/rpc/unary_call.h"

namespace nmq::rpc {
namespace {

// Calls of each kind that a loop waits for, or serves at a time where each is served at once; further ones wait in
// gRPC. Few, since Debian's gRPC looks through all that are waited for whenever anything is done.
constexpr int kDataCalls = 4;
constexpr int kRegistryCalls = 2;
constexpr int kAdminCalls = 1;

// What a request that acknowledges is thought to have.
constexpr uint64_t kAcknowledgementBytes = 64 << 10;

using StatusDone = std::function<void(const absl::Status&)>;

// Connections that are refused are worth a line, but not all the lines that somebody who tries for ever can make.
constexpr double kRefusalLogSeconds = 0.1;

void LogRefusal(const Call& call, const v1::ConnectRequest& request, const absl::Status& status) {
  LOG_EVERY_T(WARNING, kRefusalLogSeconds)
      << "refused connection from " << call.peer << " to namespace \""
      << absl::CEscape(request.namespace_().substr(0, 64)) << "\": " << status.code() << ", " << status.message();
}

// What accepts calls of a method on a loop. `handle` takes the context of gRPC, and a function for the status.
template <typename Service, typename Request, typename Response, typename Handle>
std::function<void(GrpcLoop*)> Acceptor(std::common_type_t<Service>* service,
                                        void (Service::*request)(grpc::ServerContext*, Request*,
                                                                 grpc::ServerAsyncResponseWriter<Response>*,
                                                                 grpc::CompletionQueue*, grpc::ServerCompletionQueue*,
                                                                 void*),
                                        Handle handle, Worker* worker, int calls) {
  using Unary = UnaryCall<Service, Request, Response>;
  auto method = std::make_shared<const typename Unary::Method>(
      typename Unary::Method{service, request, std::move(handle), worker});
  return [method = std::move(method), calls](GrpcLoop* loop) { Unary::Serve(method.get(), loop, calls); };
}

// The same for an rpc, whose `handle` takes a Call and gives the status.
template <typename Service, typename Request, typename Response, typename Handle>
std::function<void(GrpcLoop*)> RpcAcceptor(std::common_type_t<Service>* service,
                                           void (Service::*request)(grpc::ServerContext*, Request*,
                                                                    grpc::ServerAsyncResponseWriter<Response>*,
                                                                    grpc::CompletionQueue*,
                                                                    grpc::ServerCompletionQueue*, void*),
                                           Handle handle, const Clock* clock, Worker* worker, int calls) {
  auto with_call = [handle = std::move(handle), clock](const grpc::ServerContext& context, Request* wanted,
                                                       Response* response, const StatusDone& done) {
    done(handle(CallOf<Request>(context, *clock), wanted, response));
  };
  return Acceptor(service, request, std::move(with_call), worker, calls);
}

// The same for an rpc whose request is received when there is room for it, and that is answered later, from any thread.
template <typename Request, typename Response>
using Deferred = DeferredCall<MessageQueueService, Request, Response>;

template <typename Request, typename Response>
std::function<void(GrpcLoop*)> DeferredAcceptor(typename Deferred<Request, Response>::Method method, int calls) {
  using Served = Deferred<Request, Response>;
  auto shared = std::make_shared<const typename Served::Method>(std::move(method));
  return [shared = std::move(shared), calls](GrpcLoop* loop) { Served::Serve(shared.get(), loop, calls); };
}

}  // namespace

Methods::Methods(broker::Broker* broker, MessageQueueService* message_queue, RegistryService* registry,
                 AdminService* admin, HealthService* health, const std::vector<std::string>* services)
    : broker_(broker),
      message_queue_(message_queue),
      registry_(broker),
      admin_(broker),
      worker_(std::make_unique<Worker>()),
      admin_worker_(std::make_unique<Worker>()) {
  AddDataMethods(broker, message_queue);
  AddRegistryMethods(registry);
  AddAdminMethods(admin);
  auto check = [broker, services](const grpc::ServerContext&, const grpc::health::v1::HealthCheckRequest* request,
                                  grpc::health::v1::HealthCheckResponse* response, const StatusDone& done) {
    done(CheckHealth(*broker, *services, *request, response));
  };
  serve_.push_back(Acceptor(health, &HealthService::RequestCheck, std::move(check), nullptr, kRegistryCalls));
}

void Methods::AddDataMethods(broker::Broker* broker, MessageQueueService* service) {
  const Clock* const clock = &broker->clock();
  auto add = [this, service, clock](auto request, auto handle) {
    serve_.push_back(RpcAcceptor(service, request, std::move(handle), clock, nullptr, kDataCalls));
  };
  add(&MessageQueueService::RequestConnect,
      [broker](const Call& call, v1::ConnectRequest* request, v1::ConnectResponse* response) {
        absl::Status status = broker->Connect(call, *request, response);
        if (!status.ok()) LogRefusal(call, *request, status);
        return status;
      });
  add(&MessageQueueService::RequestDisconnect,
      [broker](const Call& call, v1::DisconnectRequest* request, v1::DisconnectResponse*) {
        return broker->Disconnect(call, *request);
      });
  add(&MessageQueueService::RequestJoin,
      [broker](const Call& call, v1::JoinRequest* request, v1::JoinResponse* response) {
        return broker->Join(call, *request, response);
      });
  add(&MessageQueueService::RequestLeave,
      [broker](const Call& call, v1::LeaveRequest* request, v1::LeaveResponse* response) {
        return broker->Leave(call, *request, response);
      });
  const uint64_t message_bytes = broker->limits().payload_bytes;
  using Context = const grpc::ServerContext&;
  auto publish = [broker, clock](Context context, v1::PublishRequest* request, broker::Broker::PublishDone done) {
    broker->Publish(CallOf<v1::PublishRequest>(context, *clock), request, std::move(done));
  };
  serve_.push_back(DeferredAcceptor<v1::PublishRequest, v1::PublishResponse>(
      {service, service->publish, std::move(publish), message_bytes, /*keeps=*/true}, kDataCalls));
  auto acknowledge = [broker, clock](Context context, v1::AcknowledgeRequest* request,
                                     broker::Group::AcknowledgeDone done) {
    broker->Acknowledge(CallOf<v1::AcknowledgeRequest>(context, *clock), request, std::move(done));
  };
  serve_.push_back(DeferredAcceptor<v1::AcknowledgeRequest, v1::AcknowledgeResponse>(
      {service, service->acknowledge, std::move(acknowledge), kAcknowledgementBytes}, kDataCalls));
  auto reply = [broker, clock](Context context, v1::ReplyRequest* request,
                               const std::function<void(absl::StatusOr<v1::ReplyResponse>)>& done) {
    const absl::Status status = broker->Reply(CallOf<v1::ReplyRequest>(context, *clock), request);
    done(status.ok() ? absl::StatusOr<v1::ReplyResponse>(v1::ReplyResponse()) : status);
  };
  serve_.push_back(DeferredAcceptor<v1::ReplyRequest, v1::ReplyResponse>(
      {service, service->reply, std::move(reply), message_bytes}, kDataCalls));
}

void Methods::AddRegistryMethods(RegistryService* service) {
  auto add = [this, service](auto request, auto method) {
    auto handle = [this, method](const Call& call, auto* wanted, auto* response) {
      return (registry_.*method)(call, *wanted, response);
    };
    serve_.push_back(
        RpcAcceptor(service, request, std::move(handle), &broker_->clock(), worker_.get(), kRegistryCalls));
  };
  add(&RegistryService::RequestListNamespaces, &broker::Registry::ListNamespaces);
  add(&RegistryService::RequestListQueues, &broker::Registry::ListQueues);
  add(&RegistryService::RequestListRooms, &broker::Registry::ListRooms);
  add(&RegistryService::RequestListClients, &broker::Registry::ListClients);
  add(&RegistryService::RequestListSubscriptions, &broker::Registry::ListSubscriptions);
  add(&RegistryService::RequestListGroups, &broker::Registry::ListGroups);
  add(&RegistryService::RequestGetClient, &broker::Registry::GetClient);
  add(&RegistryService::RequestListMetrics, &broker::Registry::ListMetrics);
  add(&RegistryService::RequestCountClients, &broker::Registry::CountClients);
}

void Methods::AddAdminMethods(AdminService* service) {
  auto add = [this, service](auto request, auto method) {
    auto handle = [this, method](const Call& call, auto* wanted, auto* response) {
      return (admin_.*method)(call, *wanted, response);
    };
    serve_.push_back(
        RpcAcceptor(service, request, std::move(handle), &broker_->clock(), admin_worker_.get(), kAdminCalls));
  };
  add(&AdminService::RequestCreateNamespace, &broker::Admin::CreateNamespace);
  add(&AdminService::RequestUpdateNamespace, &broker::Admin::UpdateNamespace);
  add(&AdminService::RequestDeleteNamespace, &broker::Admin::DeleteNamespace);
  add(&AdminService::RequestCreateQueue, &broker::Admin::CreateQueue);
  add(&AdminService::RequestUpdateQueue, &broker::Admin::UpdateQueue);
  add(&AdminService::RequestDeleteQueue, &broker::Admin::DeleteQueue);
  add(&AdminService::RequestPurgeQueue, &broker::Admin::PurgeQueue);
  add(&AdminService::RequestCreateGroup, &broker::Admin::CreateGroup);
  add(&AdminService::RequestDeleteGroup, &broker::Admin::DeleteGroup);
  add(&AdminService::RequestPauseGroup, &broker::Admin::PauseGroup);
  add(&AdminService::RequestResumeGroup, &broker::Admin::ResumeGroup);
  add(&AdminService::RequestSeekGroup, &broker::Admin::SeekGroup);
  add(&AdminService::RequestMoveClients, &broker::Admin::MoveClients);
  add(&AdminService::RequestDisconnectClients, &broker::Admin::DisconnectClients);
  auto redrive = [this](const grpc::ServerContext& context, v1::RedriveDeadLettersRequest* request,
                        v1::RedriveDeadLettersResponse* response, const StatusDone& done) {
    admin_.RedriveDeadLetters(CallOf<v1::RedriveDeadLettersRequest>(context, broker_->clock()), *request,
                              [response, done](absl::StatusOr<v1::RedriveDeadLettersResponse> redriven) {
                                if (redriven.ok()) *response = *std::move(redriven);
                                done(redriven.status());
                              });
  };
  serve_.push_back(Acceptor(service, &AdminService::RequestRedriveDeadLetters, std::move(redrive), admin_worker_.get(),
                            kAdminCalls));
}

void Methods::Serve(GrpcLoop* loop) {
  for (const auto& serve : serve_) serve(loop);
  requests_.push_back(std::make_unique<RequestMethod>(broker_, message_queue_, loop));
  requests_.back()->Serve(kDataCalls);
}

}  // namespace nmq::rpc
