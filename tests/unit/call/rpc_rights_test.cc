#include "server/call/rpc_rights.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"

namespace nmq {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

using Rights = std::map<std::string, std::string>;

// The right of each rpc of the services in `file`, by its name; "no row" for one whose request has none.
Rights RightsOf(const FileDescriptor* file) {
  std::map<const Descriptor*, std::string> table;
  RpcRights::ForEach([&](const Descriptor* request, Right right) {
    EXPECT_TRUE(table.emplace(request, NameOf(right)).second) << request->name() << " has two rows";
  });
  Rights rights;
  for (int i = 0; i < file->service_count(); ++i) {
    const ServiceDescriptor* service = file->service(i);
    for (int j = 0; j < service->method_count(); ++j) {
      const MethodDescriptor* method = service->method(j);
      const auto row = table.find(method->input_type());
      rights[absl::StrCat(service->name(), ".", method->name())] = row == table.end() ? "no row" : row->second;
    }
  }
  return rights;
}

TEST(RpcRights, EachRpcOfMessageQueueHasOne) {
  EXPECT_EQ(RightsOf(v1::ConnectRequest::descriptor()->file()), (Rights{
                                                                    {"MessageQueue.Acknowledge", "subscribe"},
                                                                    {"MessageQueue.Connect", "connect"},
                                                                    {"MessageQueue.Disconnect", "connect"},
                                                                    {"MessageQueue.Join", "join"},
                                                                    {"MessageQueue.Leave", "join"},
                                                                    {"MessageQueue.Publish", "publish"},
                                                                    {"MessageQueue.PublishStream", "publish"},
                                                                    {"MessageQueue.Reply", "subscribe"},
                                                                    {"MessageQueue.Request", "publish"},
                                                                    {"MessageQueue.Subscribe", "subscribe"},
                                                                }));
}

TEST(RpcRights, EachRpcOfRegistryHasOne) {
  EXPECT_EQ(RightsOf(v1::WatchRequest::descriptor()->file()), (Rights{
                                                                  {"Registry.CountClients", "inspect"},
                                                                  {"Registry.Explain", "none"},
                                                                  {"Registry.GetClient", "inspect"},
                                                                  {"Registry.ListClients", "inspect"},
                                                                  {"Registry.ListGroups", "inspect"},
                                                                  {"Registry.ListMetrics", "inspect"},
                                                                  {"Registry.ListNamespaces", "inspect"},
                                                                  {"Registry.ListQueues", "inspect"},
                                                                  {"Registry.ListRooms", "inspect"},
                                                                  {"Registry.ListSubscriptions", "inspect"},
                                                                  {"Registry.Watch", "inspect"},
                                                              }));
}

TEST(RpcRights, EachRpcOfAdminHasOne) {
  EXPECT_EQ(RightsOf(v1::CreateQueueRequest::descriptor()->file()), (Rights{
                                                                        {"Admin.CreateGroup", "admin"},
                                                                        {"Admin.CreateNamespace", "admin"},
                                                                        {"Admin.CreateQueue", "admin"},
                                                                        {"Admin.DeleteGroup", "admin"},
                                                                        {"Admin.DeleteNamespace", "admin"},
                                                                        {"Admin.DeleteQueue", "admin"},
                                                                        {"Admin.DisconnectClients", "admin"},
                                                                        {"Admin.MoveClients", "admin"},
                                                                        {"Admin.PauseGroup", "admin"},
                                                                        {"Admin.PurgeQueue", "admin"},
                                                                        {"Admin.RedriveDeadLetters", "admin"},
                                                                        {"Admin.ResumeGroup", "admin"},
                                                                        {"Admin.SeekGroup", "admin"},
                                                                        {"Admin.UpdateNamespace", "admin"},
                                                                        {"Admin.UpdateQueue", "admin"},
                                                                    }));
}

TEST(RpcRights, AreKnownWhenTheServerIsCompiled) {
  static_assert(RightOf<v1::PublishRequest>() == Right::kPublish);
  static_assert(RightOf<v1::JoinRequest>() == Right::kJoin);
}

}  // namespace
}  // namespace nmq
