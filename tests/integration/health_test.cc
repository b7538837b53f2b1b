// grpc.health.v1 and reflection, as orchestrators and tools use them.
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "gtest/gtest.h"
#include "server/broker/broker.h"
#include "server/grpc/server.h"
#include "tests/integration/fixture.h"

namespace nmq::integration {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

class Probes : public testing::Test {
 protected:
  grpc::Status Check(const std::string& service, HealthCheckResponse* response) {
    HealthCheckRequest request;
    request.set_service(service);
    return health_->Check(NewContext().get(), request, response);
  }

  TestServer server_;
  Api api_{server_};
  std::unique_ptr<Health::Stub> health_ = Health::NewStub(api_.channel());
};

const std::vector<std::string>& Services() {
  static const auto& services = *new std::vector<std::string>{"", "nmq.v1.MessageQueue", "nmq.v1.Registry"};
  return services;
}

TEST_F(Probes, EveryServiceServes) {
  for (const std::string& service : Services()) {
    HealthCheckResponse response;
    EXPECT_EQ(Summary(Check(service, &response)), "OK") << service;
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING) << service;
  }
}

TEST_F(Probes, AnUnknownServiceIsNotFound) {
  HealthCheckResponse response;
  EXPECT_EQ(Check("nmq.v1.Nothing", &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(Probes, AWatchSeesTheServerDrainBeforeTheCallsAreGone) {
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<HealthCheckResponse>>> watches;
  HealthCheckResponse response;
  for (const std::string& service : Services()) {
    HealthCheckRequest request;
    request.set_service(service);
    contexts.push_back(NewContext());
    watches.push_back(health_->Watch(contexts.back().get(), request));
    ASSERT_TRUE(watches.back()->Read(&response));
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  }
  auto listener = TestClient(&api_).Subscribe("DB");
  std::thread stopping([this] { server_.Stop(absl::Seconds(20)); });
  for (const auto& watch : watches) {
    ASSERT_TRUE(watch->Read(&response));
    EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  }
  for (const std::string& service : Services()) {
    EXPECT_EQ(Summary(Check(service, &response)), "OK");
    EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  }
  EXPECT_EQ(Summary(Check("liveness", &response)), "OK");
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING) << "it drains, and is alive";
  listener->Cancel();
  EXPECT_EQ(Summary(listener->End()), "CANCELLED");
  for (const auto& context : contexts) context->TryCancel();
  for (const auto& watch : watches) watch->Finish();
  stopping.join();
}

TEST_F(Probes, AWatchOfAnUnknownServiceWaitsForIt) {
  HealthCheckRequest request;
  request.set_service("nmq.v1.Nothing");
  auto context = NewContext();
  auto watch = health_->Watch(context.get(), request);
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVICE_UNKNOWN);
  context->TryCancel();
  EXPECT_EQ(Summary(watch->Finish()), "CANCELLED");
}

// The services that a version of the reflection service lists.
template <typename Service, typename Request, typename Response>
std::vector<std::string> ListServices(Api* api, Response* file) {
  auto stub = Service::NewStub(api->channel());
  auto context = NewContext();
  auto stream = stub->ServerReflectionInfo(context.get());
  Request request;
  request.set_list_services("*");
  Response response;
  EXPECT_TRUE(stream->Write(request) && stream->Read(&response));
  std::vector<std::string> names;
  for (const auto& service : response.list_services_response().service()) names.push_back(service.name());
  request.set_file_containing_symbol("nmq.v1.MessageQueue");
  EXPECT_TRUE(stream->Write(request) && stream->Read(file));
  stream->WritesDone();
  EXPECT_EQ(Summary(stream->Finish()), "OK");
  return names;
}

TEST_F(Probes, ReflectionListsTheServicesAndTheirFiles) {
  grpc::reflection::v1::ServerReflectionResponse file;
  EXPECT_THAT((ListServices<grpc::reflection::v1::ServerReflection, grpc::reflection::v1::ServerReflectionRequest>(
                  &api_, &file)),
              testing::IsSupersetOf({"nmq.v1.MessageQueue", "nmq.v1.Registry", "grpc.health.v1.Health"}));
  EXPECT_GE(file.file_descriptor_response().file_descriptor_proto_size(), 5);  // with what it imports
}

TEST_F(Probes, HealthKnowsEveryServiceThatReflectionLists) {
  grpc::reflection::v1::ServerReflectionResponse file;
  const std::vector<std::string> listed =
      ListServices<grpc::reflection::v1::ServerReflection, grpc::reflection::v1::ServerReflectionRequest>(&api_, &file);
  EXPECT_THAT(listed, testing::UnorderedElementsAre("nmq.v1.MessageQueue", "nmq.v1.Registry", "nmq.v1.Admin",
                                                    "grpc.health.v1.Health"));
  for (const std::string& service : listed) {
    HealthCheckResponse response;
    EXPECT_EQ(Summary(Check(service, &response)), "OK") << service;
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING) << service;
    HealthCheckRequest request;
    request.set_service(service);
    auto context = NewContext();
    auto watch = health_->Watch(context.get(), request);
    ASSERT_TRUE(watch->Read(&response)) << service;
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING) << service;
    context->TryCancel();
    watch->Finish();
  }
}

TEST_F(Probes, ReflectionServesOlderToolsToo) {
  grpc::reflection::v1alpha::ServerReflectionResponse file;
  EXPECT_THAT(
      (ListServices<grpc::reflection::v1alpha::ServerReflection, grpc::reflection::v1alpha::ServerReflectionRequest>(
          &api_, &file)),
      testing::IsSupersetOf({"nmq.v1.MessageQueue", "nmq.v1.Registry", "grpc.health.v1.Health"}));
  EXPECT_GE(file.file_descriptor_response().file_descriptor_proto_size(), 5);
}

}  // namespace
}  // namespace nmq::integration
