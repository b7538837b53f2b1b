// Administration over gRPC. What each call does to the last detail: tests/unit/admin/admin_test.cc.
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"

namespace nmq::integration {
namespace {

using testing::ElementsAre;

TEST(Admin, AQueueOfANewNamespaceIsMadeHeardEmptiedAndDeleted) {
  TestServer server;
  Api api(server);
  v1::CreateNamespaceRequest name_space;
  name_space.set_name("shop");
  EXPECT_FALSE(api.Get(&v1::Admin::Stub::CreateNamespace, name_space).kept());
  v1::CreateQueueRequest create;
  create.set_namespace_("shop");
  create.set_name("DB");
  create.add_events("E");
  EXPECT_EQ(api.Get(&v1::Admin::Stub::CreateQueue, create).queue().durability(), v1::DURABILITY_LIVE);
  EXPECT_EQ(Summary(api.Try(&v1::Admin::Stub::CreateQueue, create)),
            "ALREADY_EXISTS QUEUE_EXISTS namespace=shop queue=DB");
  const TestClient client(&api, "shop");
  auto listener = client.Subscribe("DB");
  client.Publish("DB", "E", "1");
  EXPECT_THAT(listener->Payloads(1), ElementsAre("1"));
  v1::PurgeQueueRequest purge;
  purge.set_namespace_("shop");
  purge.set_name("DB");
  EXPECT_EQ(api.Get(&v1::Admin::Stub::PurgeQueue, purge).messages(), 1);
  v1::DeleteQueueRequest remove;
  remove.set_namespace_("shop");
  remove.set_name("DB");
  api.Get(&v1::Admin::Stub::DeleteQueue, remove);
  api.Get(&v1::Admin::Stub::CreateQueue, create);
  client.Publish("DB", "E", "2");
  EXPECT_THAT(listener->Payloads(1), ElementsAre("2"));
  v1::DeleteNamespaceRequest end;
  end.set_name("shop");
  api.Get(&v1::Admin::Stub::DeleteNamespace, end);
  EXPECT_EQ(Summary(listener->End()), "NOT_FOUND NAMESPACE_NOT_FOUND namespace=shop");
}

TEST(Admin, ADisconnectedClientsStreamEndsWithTheReason) {
  TestServer server;
  Api api(server);
  v1::ConnectRequest connect;
  (*connect.mutable_labels())["tier"] = "free";
  const TestClient client(&api, connect);
  const TestClient other(&api);
  auto listener = client.Subscribe("DB");
  auto stays = other.Subscribe("DB");
  v1::DisconnectClientsRequest request;
  (*request.mutable_filter()->mutable_labels())["tier"] = "free";
  request.set_reason("closing time");
  EXPECT_EQ(api.Get(&v1::Admin::Stub::DisconnectClients, request).clients(), 1);
  const grpc::Status status = listener->End();
  EXPECT_EQ(Summary(status), "FAILED_PRECONDITION DISCONNECTED");
  EXPECT_THAT(status.error_message(), testing::HasSubstr("closing time"));
  other.Publish("DB", "E", "still here");
  EXPECT_THAT(stays->Payloads(1), ElementsAre("still here"));
}

// Publishes batches for as long as it lives.
class Flood {
 public:
  explicit Flood(Api* api)
      : context_(NewContext(absl::Minutes(1))), stream_(api->queue().PublishStream(context_.get())) {
    for (int i = 0; i < 1000; ++i) *request_.add_messages() = MakeMessage("DB", "E", "x");
    thread_ = std::thread([this] {
      v1::PublishStreamResponse response;
      while (!stop_ && stream_->Write(request_) && stream_->Read(&response)) {
      }
    });
  }
  ~Flood() {
    stop_ = true;
    thread_.join();
    stream_->WritesDone();
    EXPECT_TRUE(stream_->Finish().ok());
  }

 private:
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::PublishStreamRequest, v1::PublishStreamResponse>> stream_;
  v1::PublishStreamRequest request_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// Admin ends the stream from a thread of its own, at any moment of a turn.
TEST(Admin, AStreamThatIsEndedWhileItReadsSaysWhyToo) {
  TestServer server;
  Api api(server);
  v1::ConnectRequest connect;
  (*connect.mutable_labels())["tier"] = "free";
  v1::DisconnectClientsRequest request;
  (*request.mutable_filter()->mutable_labels())["tier"] = "free";
  const Flood flood(&api);
  for (int i = 0; i < 100; ++i) {
    const TestClient client(&api, connect);
    auto listener = client.Subscribe("DB");
    listener->NextFrame();
    EXPECT_EQ(api.Get(&v1::Admin::Stub::DisconnectClients, request).clients(), 1);
    ASSERT_EQ(Summary(listener->End()), "FAILED_PRECONDITION DISCONNECTED");
  }
}

TEST(Admin, MovedClientsHearTheirNewRoomAtOnce) {
  TestServer server;
  Api api(server);
  const TestClient client(&api);
  client.Join({"lobby"});
  auto listener = client.Subscribe("DB");
  v1::MoveClientsRequest request;
  request.mutable_filter()->set_room("lobby");
  request.add_join("game");
  request.add_leave("lobby");
  EXPECT_EQ(api.Get(&v1::Admin::Stub::MoveClients, request).clients(), 1);
  client.Publish(ForRooms(MakeMessage("DB", "E", "lobby"), {"lobby"}));
  client.Publish(ForRooms(MakeMessage("DB", "E", "game"), {"game"}));
  EXPECT_THAT(listener->Payloads(1), ElementsAre("game"));
}

}  // namespace
}  // namespace nmq::integration
