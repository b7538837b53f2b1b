// The Registry and the Admin of the C++ client, against a real server.
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "client/cpp/client.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"

namespace nmq::integration {
namespace {

constexpr char kSmallPages[] = R"(
  limits { page_default: 10 page_max: 10 }
  namespace { name: "shop" automatic_queues: true }
)";

class ClientAdmin : public testing::Test {
 protected:
  ClientAdmin() : server_(kSmallPages), client_(Connect("one")), registry_(client_->NewRegistry()) {}

  std::unique_ptr<Client> Connect(const std::string& name) {
    ClientOptions options;
    options.server = server_.address();
    options.namespace_name = "shop";
    options.name = name;
    absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(options);
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  TestServer server_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Registry> registry_;
};

TEST_F(ClientAdmin, AListHasAllPagesAndTheRevisionToWatchAfter) {
  for (int i = 0; i < 25; ++i) {
    ASSERT_TRUE(client_->Publish(MakeMessage(absl::StrCat("Q", i), "CREATE", "")).ok());
  }
  const absl::StatusOr<v1::ListQueuesResponse> all = registry_->ListQueues();
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->queues_size(), 25);
  EXPECT_GT(all->revision(), 0u);
  EXPECT_EQ(all->next_page_token(), "");
  v1::ListQueuesRequest some;
  some.set_queue("Q7");
  EXPECT_EQ(registry_->ListQueues(some)->queues_size(), 1);
  const absl::StatusOr<v1::ListMetricsResponse> metrics = registry_->ListMetrics();
  ASSERT_TRUE(metrics.ok()) << metrics.status();
  EXPECT_GT(metrics->metrics_size(), 0);
}

TEST_F(ClientAdmin, WhoOnlyLooksIsNoClient) {
  ClientOptions options;
  options.server = server_.address();
  options.namespace_name = "shop";
  options.lazy = true;
  const auto looker = Client::Connect(options);
  ASSERT_TRUE(looker.ok());
  ASSERT_TRUE(client_->Join({"kitchen"}).ok());
  const auto registry = (*looker)->NewRegistry();
  EXPECT_EQ(registry->CountClients()->count(), 1u);
  EXPECT_EQ(registry->ListRooms()->rooms_size(), 1);
  EXPECT_EQ(registry->GetClient(client_->client_id())->name(), "one");
  EXPECT_EQ(registry->GetClient("nobody").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(registry->ListClients()->clients(0).id(), client_->client_id());
}

TEST_F(ClientAdmin, AWatchHearsWhatHappensUntilItHasHeardEnough) {
  const absl::StatusOr<v1::ListRoomsResponse> rooms = registry_->ListRooms();
  ASSERT_TRUE(rooms.ok()) << rooms.status();
  ASSERT_TRUE(client_->Join({"kitchen"}).ok());
  v1::WatchRequest request;
  request.set_namespace_("shop");
  request.set_after_revision(rooms->revision());
  std::string joined;
  const absl::Status status = registry_->Watch(request, [&joined](const v1::WatchResponse& response) {
    for (const v1::Change& change : response.changes()) {
      if (change.kind() == v1::CHANGE_KIND_ROOM_JOINED) joined = change.room();
    }
    return joined.empty();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(joined, "kitchen");
}

TEST_F(ClientAdmin, AWatchEndsWithItsClient) {
  absl::Notification live;
  absl::Status status;
  std::thread watcher([&] {
    status = registry_->Watch({}, [&live](const v1::WatchResponse&) {
      if (!live.HasBeenNotified()) live.Notify();
      return true;
    });
  });
  live.WaitForNotification();
  EXPECT_TRUE(client_->Disconnect().ok());
  watcher.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
}

TEST_F(ClientAdmin, QueuesAreMadeChangedEmptiedAndDeletedInTheClientsNamespace) {
  const auto admin = client_->NewAdmin();
  v1::CreateQueueRequest create;
  create.set_name("ORDERS");
  create.add_events("CREATE");
  const absl::StatusOr<v1::CreateQueueResponse> created = admin->CreateQueue(create);
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->queue().namespace_(), "shop");
  EXPECT_EQ(admin->CreateQueue(create).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_FALSE(client_->Publish(MakeMessage("ORDERS", "DELETE", "")).ok());
  v1::UpdateQueueRequest update;
  update.set_name("ORDERS");
  update.mutable_retention()->set_messages(2);
  EXPECT_TRUE(admin->UpdateQueue(update).ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(client_->Publish(MakeMessage("ORDERS", "CREATE", "")).ok());
  EXPECT_EQ(registry_->ListQueues()->queues(0).first_sequence(), 2u);
  v1::PurgeQueueRequest purge;
  purge.set_name("ORDERS");
  EXPECT_TRUE(admin->PurgeQueue(purge).ok());
  v1::DeleteQueueRequest remove;
  remove.set_name("ORDERS");
  EXPECT_TRUE(admin->DeleteQueue(remove).ok());
  EXPECT_EQ(registry_->ListQueues()->queues_size(), 0);
}

TEST_F(ClientAdmin, ClientsAreMovedAndDisconnected) {
  const std::unique_ptr<Client> other = Connect("two");
  const auto admin = client_->NewAdmin();
  v1::MoveClientsRequest move;
  move.mutable_filter()->set_name("two");
  move.add_join("kitchen");
  EXPECT_TRUE(admin->MoveClients(move).ok());
  EXPECT_EQ(registry_->GetClient(other->client_id())->rooms(0), "kitchen");
  v1::DisconnectClientsRequest disconnect;
  disconnect.mutable_filter()->set_name("two");
  EXPECT_TRUE(admin->DisconnectClients(disconnect).ok());
  EXPECT_EQ(registry_->CountClients()->count(), 1u);
  v1::ExplainRequest explain;
  explain.set_right(v1::RIGHT_PUBLISH);
  EXPECT_TRUE(registry_->Explain(explain)->allowed());
}

TEST_F(ClientAdmin, NamespacesAreMadeAndDeleted) {
  const auto admin = client_->NewAdmin();
  v1::CreateNamespaceRequest create;
  create.set_name("warehouse");
  ASSERT_TRUE(admin->CreateNamespace(create).ok());
  EXPECT_EQ(registry_->ListNamespaces()->namespaces_size(), 3);
  v1::DeleteNamespaceRequest remove;
  remove.set_name("warehouse");
  EXPECT_TRUE(admin->DeleteNamespace(remove).ok());
  remove.set_name("shop");
  EXPECT_EQ(admin->DeleteNamespace(remove).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace nmq::integration
