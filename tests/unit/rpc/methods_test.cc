#include "server/rpc/methods.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "grpc/health/v1/health.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "gtest/gtest.h"
#include "nmq/v1/admin.pb.h"
#include "nmq/v1/message_queue.pb.h"
#include "nmq/v1/registry.pb.h"
#include "tests/unit/broker/harness.h"
#include "tests/unit/rpc/fake_transport.h"

namespace nmq::rpc {
namespace {

// The paths of all methods of all services of the files with these messages.
template <typename... Messages>
std::vector<std::string> PathsOfFiles() {
  std::vector<std::string> paths;
  for (const auto* file : {Messages::descriptor()->file()...}) {
    for (int i = 0; i < file->service_count(); ++i) {
      const auto* service = file->service(i);
      for (int j = 0; j < service->method_count(); ++j) {
        paths.push_back(absl::StrCat("/", service->full_name(), "/", service->method(j)->name()));
      }
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

TEST(Methods, AreAllThatTheServicesHaveAndNoOthers) {
  broker::World world;
  Methods methods(&world.broker());
  const auto loop = std::make_shared<FakeLoop>();
  methods.AddTo(loop.get());
  EXPECT_EQ(loop->methods().paths(),
            (PathsOfFiles<v1::JoinRequest, v1::WatchRequest, v1::PurgeQueueRequest,
                          grpc::health::v1::HealthCheckRequest, grpc::reflection::v1::ServerReflectionRequest,
                          grpc::reflection::v1alpha::ServerReflectionRequest>()));
}

TEST(Methods, LargeRequestOfAnyIsReceivedOnlyWhenThereIsRoomForIt) {
  constexpr uint64_t kLarge = 1 << 20;
  broker::World world;
  Methods methods(&world.broker());
  const auto loop = std::make_shared<FakeLoop>();
  methods.AddTo(loop.get());
  for (const std::string& path : loop->methods().paths()) {
    SCOPED_TRACE(path);
    FakeExchange exchange(loop.get(), /*tells_sizes=*/true);
    Handler* const handler = loop->methods().Serve(path, &exchange);
    EXPECT_EQ(loop->memory().taken(), 0u);
    handler->OnSize(kLarge);
    EXPECT_EQ(exchange.reads(), 2);
    EXPECT_EQ(loop->memory().taken(), kLarge);
    handler->OnNoMore();
    EXPECT_TRUE(exchange.status().has_value());
    EXPECT_EQ(loop->memory().taken(), 0u);
    handler->OnDone();
  }
}

TEST(Methods, WhatWasTakenForALargeRequestIsGivenBack) {
  broker::World world;
  Methods methods(&world.broker());
  const auto loop = std::make_shared<FakeLoop>();
  methods.AddTo(loop.get());
  const std::string bytes(10'000, static_cast<char>(0xff));  // no message of any type
  for (const std::string& path : loop->methods().paths()) {
    SCOPED_TRACE(path);
    FakeExchange exchange(loop.get(), /*tells_sizes=*/true);
    Handler* const handler = loop->methods().Serve(path, &exchange);
    handler->OnSize(bytes.size());
    handler->OnMessage(PlainRequestBytes(bytes));
    EXPECT_EQ(exchange.status()->code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(loop->memory().taken(), 0u);
    handler->OnDone();
  }
}

}  // namespace
}  // namespace nmq::rpc
