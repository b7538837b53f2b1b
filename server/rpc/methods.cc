#include "server/rpc/methods.h"

#include <type_traits>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "glog/logging.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/audit/audit_log.h"
#include "server/call/refusal.h"
#include "server/config/config.h"
#include "server/limits/memory_shares.h"
#include "server/rpc/health_calls.h"
#include "server/rpc/publish_call.h"
#include "server/rpc/reflection_call.h"
#include "server/rpc/rpc_path.h"
#include "server/rpc/subscribe_stream.h"
#include "server/rpc/unary_rpc.h"
#include "server/rpc/watch_stream.h"

namespace nmq::rpc {
namespace {

// What a request that acknowledges is thought to have.
constexpr uint64_t kAcknowledgementBytes = 64 << 10;

// Connections that are refused are worth a line, but not all the lines that somebody who tries for ever can make.
constexpr double kRefusalLogSeconds = 0.1;

void LogRefusal(const Call& call, const v1::ConnectRequest& request, const absl::Status& status) {
  LOG_EVERY_T(WARNING, kRefusalLogSeconds)
      << "refused connection from " << call.peer << " to namespace \""
      << absl::CEscape(request.namespace_().substr(0, 64)) << "\": " << status.code() << ", " << status.message();
}

// The types of a method of Registry or Admin.
template <typename Method>
struct TypesOf;
template <typename Class, typename RequestType, typename ResponseType>
struct TypesOf<absl::Status (Class::*)(const Call&, const RequestType&, ResponseType*)> {
  using Request = RequestType;
  using Response = ResponseType;
};
template <typename Class, typename RequestType, typename ResponseType>
struct TypesOf<absl::Status (Class::*)(const Call&, const RequestType&, ResponseType*) const> {
  using Request = RequestType;
  using Response = ResponseType;
};

// Writes down a call of Admin that its caller may make.
template <typename Request, typename Response>
void Audit(const Call& call, const Request& request, const absl::Status& status, const Response& response,
           AuditLog* audit) {
  // What was refused is written where that is found.
  if (audit == nullptr || IsRefusal(status)) return;
  absl::string_view name_space;
  if constexpr (requires { request.namespace_(); }) {
    name_space = request.namespace_().empty() ? absl::string_view(kDefaultNamespace) : request.namespace_();
  } else if constexpr (requires { request.name(); }) {
    name_space = request.name();
  }
  audit->Administered(call, {name_space, request, response}, status);
}

// Adds a method of `service`, which is Registry or Admin. `audit` is told of each call, if it is not null.
template <typename Service, typename Method>
void AddServiceRpc(const char* full_name, Service* service, Method method, Metrics* metrics, AuditLog* audit,
                   CallWorker* worker, MethodTable* table) {
  using Request = typename TypesOf<Method>::Request;
  using Response = typename TypesOf<Method>::Response;
  auto handle = [service, method, metrics, audit](const Call& call, const Request* request,
                                                  const Done<Response>& done) {
    Response response;
    const absl::Status status = (service->*method)(call, *request, &response);
    // What is forbidden is counted where that is found.
    if (absl::IsResourceExhausted(status)) metrics->CountRefusal(status);
    Audit(call, *request, status, response, audit);
    done(status.ok() ? absl::StatusOr<Response>(std::move(response)) : status);
  };
  AddWorkerRpc<Request, Response>(full_name, std::move(handle), worker, table);
}

template <typename Request, typename Response>
void AddStream(const char* full_name, MethodTable::Begin begin, MethodTable* table) {
  table->Add(RpcPath<Request, Response>(full_name), std::move(begin));
}

}  // namespace

Methods::Methods(broker::Broker* broker)
    : broker_(broker),
      reflection_memory_(ShareMemory(broker->limits().memory_bytes).reflection),
      registry_(broker),
      admin_(broker),
      worker_(&broker->metrics()),
      admin_worker_(&broker->metrics()) {}

void Methods::AddTo(Loop* loop) {
  loop->methods().set_access(&broker_->access(), &broker_->metrics(), broker_->audit());
  loop->methods().set_identities(&broker_->identities(), &broker_->clock());
  AddSessions(&loop->methods());
  AddMessages(&loop->methods());
  AddRegistry(&loop->methods());
  AddAdmin(&loop->methods());
  AddHealthAndReflection(&loop->methods());
  requests_.push_back(std::make_unique<RequestMethod>(broker_, loop));
}

void Methods::AddSessions(MethodTable* table) {
  broker::Broker* const broker = broker_;
  AddLoopRpc<v1::ConnectRequest, v1::ConnectResponse>(
      "nmq.v1.MessageQueue.Connect",
      [broker](const Call& call, v1::ConnectRequest* request, v1::ConnectResponse* response) {
        absl::Status status = broker->Connect(call, *request, response);
        if (!status.ok()) LogRefusal(call, *request, status);
        return status;
      },
      table);
  AddLoopRpc<v1::DisconnectRequest, v1::DisconnectResponse>(
      "nmq.v1.MessageQueue.Disconnect",
      [broker](const Call& call, v1::DisconnectRequest* request, v1::DisconnectResponse*) {
        return broker->Disconnect(call, *request);
      },
      table);
  AddLoopRpc<v1::JoinRequest, v1::JoinResponse>(
      "nmq.v1.MessageQueue.Join",
      [broker](const Call& call, v1::JoinRequest* request, v1::JoinResponse* response) {
        return broker->Join(call, *request, response);
      },
      table);
  AddLoopRpc<v1::LeaveRequest, v1::LeaveResponse>(
      "nmq.v1.MessageQueue.Leave",
      [broker](const Call& call, v1::LeaveRequest* request, v1::LeaveResponse* response) {
        return broker->Leave(call, *request, response);
      },
      table);
}

void Methods::AddMessages(MethodTable* table) {
  broker::Broker* const broker = broker_;
  const uint64_t message_bytes = broker->limits().payload_bytes;
  AddDeferredRpc<v1::PublishRequest, v1::PublishResponse>(
      "nmq.v1.MessageQueue.Publish", message_bytes, /*keeps=*/true,
      [broker](const Call& call, v1::PublishRequest* request, broker::Broker::PublishDone done) {
        broker->Publish(call, request, std::move(done));
      },
      table);
  AddDeferredRpc<v1::AcknowledgeRequest, v1::AcknowledgeResponse>(
      "nmq.v1.MessageQueue.Acknowledge", kAcknowledgementBytes, /*keeps=*/false,
      [broker](const Call& call, v1::AcknowledgeRequest* request, broker::Group::AcknowledgeDone done) {
        broker->Acknowledge(call, request, std::move(done));
      },
      table);
  AddDeferredRpc<v1::ReplyRequest, v1::ReplyResponse>(
      "nmq.v1.MessageQueue.Reply", message_bytes, /*keeps=*/false,
      [broker](const Call& call, v1::ReplyRequest* request, const Done<v1::ReplyResponse>& done) {
        const absl::Status status = broker->Reply(call, request);
        done(status.ok() ? absl::StatusOr<v1::ReplyResponse>(v1::ReplyResponse()) : status);
      },
      table);
  AddStream<v1::PublishStreamRequest, v1::PublishStreamResponse>(
      "nmq.v1.MessageQueue.PublishStream", [broker](Exchange* exchange) { return new PublishCall(broker, exchange); },
      table);
  AddStream<v1::SubscribeRequest, v1::SubscribeResponse>(
      "nmq.v1.MessageQueue.Subscribe", [broker](Exchange* exchange) { return new SubscribeStream(broker, exchange); },
      table);
}

void Methods::AddRegistry(MethodTable* table) {
  auto add = [&](const char* full_name, auto method) {
    AddServiceRpc(full_name, &registry_, method, &broker_->metrics(), /*audit=*/nullptr, &worker_, table);
  };
  add("nmq.v1.Registry.ListNamespaces", &broker::Registry::ListNamespaces);
  add("nmq.v1.Registry.ListQueues", &broker::Registry::ListQueues);
  add("nmq.v1.Registry.ListRooms", &broker::Registry::ListRooms);
  add("nmq.v1.Registry.ListClients", &broker::Registry::ListClients);
  add("nmq.v1.Registry.ListSubscriptions", &broker::Registry::ListSubscriptions);
  add("nmq.v1.Registry.ListGroups", &broker::Registry::ListGroups);
  add("nmq.v1.Registry.GetClient", &broker::Registry::GetClient);
  add("nmq.v1.Registry.ListMetrics", &broker::Registry::ListMetrics);
  add("nmq.v1.Registry.CountClients", &broker::Registry::CountClients);
  add("nmq.v1.Registry.Explain", &broker::Registry::Explain);
  AddStream<v1::WatchRequest, v1::WatchResponse>(
      "nmq.v1.Registry.Watch", [broker = broker_](Exchange* exchange) { return new WatchStream(broker, exchange); },
      table);
}

void Methods::AddAdmin(MethodTable* table) {
  auto add = [&](const char* full_name, auto method) {
    AddServiceRpc(full_name, &admin_, method, &broker_->metrics(), broker_->audit(), &admin_worker_, table);
  };
  add("nmq.v1.Admin.CreateNamespace", &broker::Admin::CreateNamespace);
  add("nmq.v1.Admin.UpdateNamespace", &broker::Admin::UpdateNamespace);
  add("nmq.v1.Admin.DeleteNamespace", &broker::Admin::DeleteNamespace);
  add("nmq.v1.Admin.CreateQueue", &broker::Admin::CreateQueue);
  add("nmq.v1.Admin.UpdateQueue", &broker::Admin::UpdateQueue);
  add("nmq.v1.Admin.DeleteQueue", &broker::Admin::DeleteQueue);
  add("nmq.v1.Admin.PurgeQueue", &broker::Admin::PurgeQueue);
  add("nmq.v1.Admin.CreateGroup", &broker::Admin::CreateGroup);
  add("nmq.v1.Admin.DeleteGroup", &broker::Admin::DeleteGroup);
  add("nmq.v1.Admin.PauseGroup", &broker::Admin::PauseGroup);
  add("nmq.v1.Admin.ResumeGroup", &broker::Admin::ResumeGroup);
  add("nmq.v1.Admin.SeekGroup", &broker::Admin::SeekGroup);
  add("nmq.v1.Admin.MoveClients", &broker::Admin::MoveClients);
  add("nmq.v1.Admin.DisconnectClients", &broker::Admin::DisconnectClients);
  AddWorkerRpc<v1::RedriveDeadLettersRequest, v1::RedriveDeadLettersResponse>(
      "nmq.v1.Admin.RedriveDeadLetters",
      [this](const Call& call, const v1::RedriveDeadLettersRequest* request, broker::RedriveDone done) {
        auto audited = [audit = broker_->audit(), call, request = *request,
                        done = std::move(done)](absl::StatusOr<v1::RedriveDeadLettersResponse> response) {
          Audit(call, request, response.status(), response.ok() ? *response : v1::RedriveDeadLettersResponse(), audit);
          done(std::move(response));
        };
        admin_.RedriveDeadLetters(call, *request, std::move(audited));
      },
      &admin_worker_, table);
}

void Methods::AddHealthAndReflection(MethodTable* table) {
  namespace health = grpc::health::v1;
  namespace reflection = grpc::reflection;
  broker::Broker* const broker = broker_;
  auto check = [broker, services = &services_](const Exchange&, const RequestBytes& bytes,
                                               const std::shared_ptr<Answer>& answer) {
    health::HealthCheckRequest request;
    health::HealthCheckResponse response;
    absl::Status status = bytes.Decode(&request);
    if (status.ok()) status = CheckHealth(*broker, *services, request, &response);
    Answer::Give(answer, status.ok() ? absl::StatusOr<Frame>(Frame(response)) : status);
  };
  AddUnary(RpcPath<health::HealthCheckRequest, health::HealthCheckResponse>("grpc.health.v1.Health.Check"),
           {std::move(check)}, table);
  AddStream<health::HealthCheckRequest, health::HealthCheckResponse>(
      "grpc.health.v1.Health.Watch",
      [broker, services = &services_](Exchange* exchange) { return new HealthWatch(broker, services, exchange); },
      table);
  const ReflectionCall::Needs needs = {&services_, &reflection_memory_, &broker->metrics()};
  const auto reflect = [needs](Exchange* exchange) { return new ReflectionCall(needs, exchange); };
  AddStream<reflection::v1::ServerReflectionRequest, reflection::v1::ServerReflectionResponse>(
      "grpc.reflection.v1.ServerReflection.ServerReflectionInfo", reflect, table);
  AddStream<reflection::v1alpha::ServerReflectionRequest, reflection::v1alpha::ServerReflectionResponse>(
      "grpc.reflection.v1alpha.ServerReflection.ServerReflectionInfo", reflect, table);
  // Probes have no credentials, and what rpcs there are is no secret.
  for (const std::string& path : table->paths()) {
    if (absl::StartsWith(path, "/grpc.")) table->Open(path);
    if (absl::StartsWith(path, "/nmq.v1.Registry/") || absl::StartsWith(path, "/nmq.v1.Admin/")) table->Control(path);
  }
}

}  // namespace nmq::rpc
