// Subscriptions whose start is looked for on disk, or whose group is made there, while that takes its time.
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/grpc/server.h"
#include "server/queue/storage.h"
#include "tests/integration/fixture.h"

namespace nmq::integration {
namespace {

using testing::ElementsAre;

constexpr char kConfig[] = R"(
    limits { subscriptions_per_client: 2 }
    namespace { name: "default" queue { name: "D" durability: DURABILITY_DURABLE } })";

// A Subscribe call that nobody has read from.
class Call {
 public:
  Call(Api* api, const v1::SubscribeRequest& request)
      : context_(NewContext()), reader_(api->queue().Subscribe(context_.get(), request)) {}
  ~Call() {
    if (!ended_) End();
  }

  std::vector<std::string> Payloads(size_t count) {
    std::vector<std::string> payloads;
    v1::SubscribeResponse frame;
    while (payloads.size() < count && reader_->Read(&frame)) {
      for (const v1::Message& message : frame.batch().messages()) payloads.push_back(message.payload());
    }
    return payloads;
  }
  void Cancel() { context_->TryCancel(); }
  grpc::Status Finish() {
    ended_ = true;
    v1::SubscribeResponse frame;
    while (reader_->Read(&frame)) {
    }
    return reader_->Finish();
  }

 private:
  void End() {
    Cancel();
    Finish();
  }

  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<v1::SubscribeResponse>> reader_;
  bool ended_ = false;
};

// A server with one loop and five messages on disk. What looks on its disk waits until it is let go on.
class Search : public testing::Test {
 protected:
  Search() {
    for (int i = 1; i <= 5; ++i) client_.Publish("D", "E", absl::StrCat(i));
    server_->broker().searcher().Post([this] { go_on_.WaitForNotification(); });
  }
  ~Search() override {
    if (!go_on_.HasBeenNotified()) go_on_.Notify();
    server_ = nullptr;
    std::filesystem::remove_all(directory_);
  }

  v1::SubscribeRequest Last(uint64_t count) const {
    v1::SubscribeRequest request = client_.SubscribeRequest("D");
    request.mutable_start()->set_last(count);
    return request;
  }
  // Waits until so many streams have come, and the loop has done what it does about them.
  void AwaitStreams(size_t count) {
    EXPECT_TRUE(WaitUntil([&] { return server_->rpc().streams() == count; }));
    (void)TestClient(&api_);
  }
  uint64_t subscriptions() { return InfoOf(&api_).subscriptions(); }

  const std::string directory_ = absl::StrCat(testing::TempDir(), "/search.", getpid());
  absl::Notification go_on_;
  std::unique_ptr<TestServer> server_ =
      std::make_unique<TestServer>(TestServer::Options{.config = kConfig, .lanes = 1, .data_dir = directory_});
  Api api_{*server_};
  const TestClient client_{&api_};
};

TEST_F(Search, KeepsNobodyElseWaiting) {
  Call call(&api_, Last(3));
  AwaitStreams(1);
  EXPECT_EQ(subscriptions(), 0u);
  auto listener = client_.Subscribe("L");
  client_.Publish("L", "E", "live");
  EXPECT_EQ(listener->NextMessage().payload(), "live");
  client_.Publish("D", "E", "6");

  go_on_.Notify();
  EXPECT_THAT(call.Payloads(3), ElementsAre("4", "5", "6"));
}

TEST_F(Search, OfAStartInTimeKeepsNobodyElseWaiting) {
  v1::SubscribeRequest request = client_.SubscribeRequest("D");
  request.mutable_start()->mutable_time()->set_seconds(1);
  Call call(&api_, request);
  AwaitStreams(1);
  EXPECT_EQ(subscriptions(), 0u);
  go_on_.Notify();
  EXPECT_THAT(call.Payloads(5), ElementsAre("1", "2", "3", "4", "5"));
}

TEST_F(Search, MakingAGroupKeepsNobodyElseWaiting) {
  v1::SubscribeRequest request = client_.SubscribeRequest("D");
  request.mutable_start()->set_sequence(3);
  request.mutable_group()->set_name("workers");
  Call call(&api_, request);
  AwaitStreams(1);
  EXPECT_EQ(subscriptions(), 0u);
  EXPECT_EQ(api_.Get(&v1::Registry::Stub::ListGroups, v1::ListGroupsRequest()).groups_size(), 0);
  go_on_.Notify();
  EXPECT_THAT(call.Payloads(3), ElementsAre("3", "4", "5"));
  // A group that is there is joined at once.
  absl::Notification again;
  server_->broker().searcher().Post([&] { again.WaitForNotification(); });
  EXPECT_TRUE(client_.Subscribe(request)->live());
  again.Notify();
  server_->broker().searcher().Flush();
}

TEST_F(Search, OfWhoeverIsGoneIsForgotten) {
  auto call = std::make_unique<Call>(&api_, Last(3));
  AwaitStreams(1);
  call = nullptr;
  AwaitStreams(0);
  go_on_.Notify();
  server_->broker().searcher().Flush();
  EXPECT_EQ(subscriptions(), 0u);
  EXPECT_THAT(Call(&api_, Last(2)).Payloads(2), ElementsAre("4", "5"));
}

TEST_F(Search, EndsWhenTheServerDrains) {
  Call call(&api_, Last(3));
  AwaitStreams(1);
  std::thread stopping([&] { server_->Stop(absl::Seconds(20)); });
  EXPECT_EQ(Summary(call.Finish()), "UNAVAILABLE DRAINING retry=1s");
  stopping.join();
}

TEST_F(Search, AClientHasNoMoreThanSubscriptions) {
  Call first(&api_, Last(1));
  Call second(&api_, Last(2));
  AwaitStreams(2);
  EXPECT_EQ(Summary(Call(&api_, Last(3)).Finish()),
            "RESOURCE_EXHAUSTED LIMIT_EXCEEDED bound=2 limit=subscriptions_per_client value=3");
  go_on_.Notify();
  EXPECT_THAT(first.Payloads(1), ElementsAre("5"));
  EXPECT_THAT(second.Payloads(2), ElementsAre("4", "5"));
}

}  // namespace
}  // namespace nmq::integration
