// Going on where a subscription ended: every message, or a gap that counts what is missing.
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/coverage.h"
#include "tests/integration/fixture.h"
#include "tests/testing/tcp_proxy.h"

namespace nmq::integration {
namespace {

using testing::ElementsAre;

// Publishes without waiting for each answer.
class BulkPublisher {
 public:
  explicit BulkPublisher(Api* api) : context_(NewContext(absl::Minutes(2))) {
    stream_ = api->queue().PublishStream(context_.get());
  }
  // Returns when the server has them.
  void Publish(int count, const std::string& payload) {
    while (count > 0) {
      v1::PublishStreamRequest request;
      for (; count > 0 && request.messages_size() < 100; --count) {
        *request.add_messages() = MakeMessage("DB", "E", payload);
      }
      v1::PublishStreamResponse response;
      ASSERT_TRUE(stream_->Write(request));
      ASSERT_TRUE(stream_->Read(&response));
      ASSERT_TRUE(response.has_accepted());
      published_ = response.accepted().ranges(0).last();
    }
  }
  // The last sequence.
  uint64_t published() const { return published_; }
  void End() {
    stream_->WritesDone();
    EXPECT_EQ(Summary(stream_->Finish()), "OK");
  }

 private:
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::PublishStreamRequest, v1::PublishStreamResponse>> stream_;
  std::atomic<uint64_t> published_{0};
};

TEST(Resume, AReaderThatTheRingOvertookIsToldHowMuchItMissed) {
  TestServer server("limits { queue_messages: 200 in_flight_bytes: 16384 }");
  Api api(server);
  Api publishing(server);
  auto listener = TestClient(&api).Subscribe("DB");
  BulkPublisher publisher(&publishing);
  publisher.Publish(5000, std::string(1000, 'x'));
  Coverage coverage;
  while (coverage.next() <= publisher.published()) {
    const auto frame = listener->NextFrame();
    ASSERT_TRUE(frame.has_value());
    coverage.Add(*frame);
  }
  EXPECT_GE(coverage.gaps(), 1);
  EXPECT_GE(coverage.heard(), 200);
  EXPECT_EQ(coverage.heard() + coverage.missed(), 5000);
  const auto info = InfoOf(&api);
  EXPECT_EQ(info.counters().delivered_messages(), coverage.heard());
  EXPECT_EQ(info.counters().dropped_messages(), coverage.missed());
  publisher.End();
}

TEST(Resume, AfterManyBreaksEveryMessageWasHeardOrCounted) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  TestServer server("limits { queue_messages: 300 in_flight_bytes: 4096 }");
  Api steady(server);
  BulkPublisher publisher(&steady);
  publisher.Publish(1, "first");
  TcpProxy proxy(server.port());
  Api api(proxy.address());
  const TestClient client(&api);
  v1::SubscribeRequest request = client.SubscribeRequest("DB");
  request.mutable_start()->set_earliest(true);
  Coverage coverage;
  for (int round = 0; round < 40; ++round) {
    auto listener = client.Subscribe(request);
    publisher.Publish(static_cast<int>(random() % 400), std::string(random() % 200, 'x'));
    const uint64_t stop = coverage.next() + random() % 400;
    while (coverage.next() < stop && coverage.next() <= publisher.published()) {
      const auto frame = listener->NextFrame();
      ASSERT_TRUE(frame.has_value()) << Summary(listener->End());
      coverage.Add(*frame);
    }
    *request.mutable_start() = listener->Resume();
    proxy.Cut();
    EXPECT_EQ(listener->End().error_code(), grpc::StatusCode::UNAVAILABLE);
    publisher.Publish(static_cast<int>(random() % 500), "");
    client.Reconnect();
  }
  auto last = client.Subscribe(request);
  while (coverage.next() <= publisher.published()) {
    const auto frame = last->NextFrame();
    ASSERT_TRUE(frame.has_value());
    coverage.Add(*frame);
  }
  EXPECT_EQ(coverage.heard() + coverage.missed(), publisher.published());
  EXPECT_GT(coverage.gaps(), 0);
  publisher.End();
}

TEST(Resume, BreaksUnderAConstantStreamLoseNothingThatIsHeld) {
  TestServer server("limits { in_flight_bytes: 4096 }");
  Api steady(server);
  BulkPublisher publisher(&steady);
  publisher.Publish(1, "first");
  TcpProxy proxy(server.port());
  Api api(proxy.address());
  const TestClient client(&api);
  v1::SubscribeRequest request = client.SubscribeRequest("DB");
  request.mutable_start()->set_earliest(true);
  std::thread publishing([&] {
    std::mt19937 random(1);
    for (int i = 0; i < 400; ++i) publisher.Publish(static_cast<int>(1 + random() % 100), "text");
  });
  Coverage coverage;
  for (int round = 0; round < 25; ++round) {
    auto listener = client.Subscribe(request);
    const uint64_t stop = coverage.next() + 100;
    while (coverage.next() < stop && coverage.next() <= publisher.published()) {
      const auto frame = listener->NextFrame();
      ASSERT_TRUE(frame.has_value()) << Summary(listener->End());
      coverage.Add(*frame);
    }
    *request.mutable_start() = listener->Resume();
    proxy.Cut();
    listener->End();
    client.Reconnect();
  }
  publishing.join();
  auto last = client.Subscribe(request);
  while (coverage.next() <= publisher.published()) {
    const auto frame = last->NextFrame();
    ASSERT_TRUE(frame.has_value());
    coverage.Add(*frame);
  }
  EXPECT_EQ(coverage.heard(), publisher.published());
  EXPECT_EQ(coverage.gaps(), 0);
  publisher.End();
}

TEST(Resume, BringsMessagesForTheClientsRoomsFromMeanwhile) {
  TestServer server;
  Api steady(server);
  const TestClient publisher(&steady);
  TcpProxy proxy(server.port());
  Api api(proxy.address());
  const TestClient client(&api);
  client.Join({"A", "B"});
  auto listener = client.Subscribe("DB");
  publisher.Publish("DB", "E", "1");
  EXPECT_EQ(listener->NextMessage().payload(), "1");
  proxy.Cut();
  publisher.Publish(ForRooms(MakeMessage("DB", "E", "A and B"), {"A", "B"}));
  publisher.Publish(ForRooms(MakeMessage("DB", "E", "C"), {"C"}));
  v1::Message message = MakeMessage("DB", "E", "to the client");
  message.mutable_audience()->add_clients(client.id());
  publisher.Publish(message);
  publisher.Publish("DB", "E", "end");
  client.Reconnect();
  v1::SubscribeRequest request = client.SubscribeRequest("DB");
  *request.mutable_start() = listener->Resume();
  EXPECT_THAT(client.Subscribe(request)->PayloadsUpTo("end"), ElementsAre("A and B", "to the client", "end"));
}

TEST(Resume, AQueueThatIsNotListedIsHeardFromItsBeginning) {
  TestServer server;
  Api api(server);
  const TestClient client(&api);
  client.Publish("DB", "E", "1");
  client.Publish("new", "E", "2");
  v1::SubscribeRequest request = client.SubscribeRequest("new");
  request.mutable_start()->mutable_resume();
  EXPECT_EQ(client.Subscribe(request)->NextMessage().payload(), "2");
}

TEST(Resume, APositionThatTheQueueHasNotReachedIsOutOfRange) {
  TestServer server;
  Api api(server);
  const TestClient client(&api);
  const v1::PublishResponse published = client.Publish("DB", "E", "1");
  v1::SubscribeRequest request = client.SubscribeRequest("DB");
  v1::QueuePosition* position = request.mutable_start()->mutable_resume()->add_positions();
  position->set_queue("DB");
  position->set_epoch(published.epoch());
  position->set_sequence(2);
  EXPECT_EQ(Summary(Listener(&api, request).End()), "OUT_OF_RANGE POSITION_NOT_REACHED bound=1 queue=DB value=2");
  position->set_sequence(1);
  auto listener = client.Subscribe(request);
  client.Publish("DB", "E", "2");
  EXPECT_EQ(listener->NextMessage().payload(), "2");
}

TEST(Resume, AQueueListedTwiceIsRefused) {
  TestServer server;
  Api api(server);
  v1::SubscribeRequest request = TestClient(&api).SubscribeRequest("DB");
  for (int i = 0; i < 2; ++i) request.mutable_start()->mutable_resume()->add_positions()->set_queue("DB");
  EXPECT_EQ(Summary(Listener(&api, request).End()), "INVALID_ARGUMENT INVALID_FIELD field=start.resume.positions");
}

class ResumeAfterRestart : public testing::Test {
 protected:
  // Hears two messages of a server, then goes to another, which knows nothing of the first.
  ResumeAfterRestart() {
    TestServer first(kShopConfig);
    Api api(first);
    const TestClient client(&api);
    auto listener = client.Subscribe("DB");
    client.Publish("DB", "E", "1");
    epoch_ = client.Publish("DB", "E", "2").epoch();
    EXPECT_THAT(listener->Payloads(2), ElementsAre("1", "2"));
    session_ = client.session();
    server_epoch_ = client.connected().server_epoch();
    start_ = listener->Resume();
  }

  void ExpectEpochGap(const v1::Gap& gap) {
    EXPECT_EQ(gap.queue(), "DB");
    EXPECT_EQ(gap.epoch(), epoch_);
    EXPECT_EQ(gap.first(), 3);
    EXPECT_EQ(gap.last(), 0);
    EXPECT_FALSE(gap.has_count());
    EXPECT_EQ(gap.reason(), v1::GAP_REASON_EPOCH_CHANGED);
  }

  uint64_t epoch_;
  uint64_t server_epoch_;
  std::string session_;
  v1::StartPosition start_;
  TestServer server_{kShopConfig};
  Api api_{server_};
};

TEST_F(ResumeAfterRestart, TheSessionIsUnknownAndConnectMakesANewClient) {
  v1::ConnectRequest connect;
  connect.set_session(session_);
  const TestClient client(&api_, connect);
  EXPECT_FALSE(client.connected().resumed());
  EXPECT_NE(client.connected().server_epoch(), server_epoch_);
  v1::JoinRequest join;
  join.set_session(session_);
  join.add_rooms("A");
  EXPECT_EQ(Summary(api_.Try(&v1::MessageQueue::Stub::Join, join)), "NOT_FOUND SESSION_UNKNOWN");
}

TEST_F(ResumeAfterRestart, AQueueOfANewEpochStartsWithAGapAndItsEarliestMessage) {
  const TestClient client(&api_);
  client.Publish("DB", "E", "new 1");
  v1::SubscribeRequest request = client.SubscribeRequest("DB");
  *request.mutable_start() = start_;
  auto listener = client.Subscribe(request);
  ExpectEpochGap(listener->NextGap());
  EXPECT_EQ(listener->NextMessage().payload(), "new 1");
}

TEST_F(ResumeAfterRestart, AQueueThatIsMadeOnlyAfterwardsStartsWithAGapToo) {
  const TestClient client(&api_);
  v1::SubscribeRequest request = client.SubscribeRequest("DB");
  *request.mutable_start() = start_;
  auto listener = client.Subscribe(request);
  client.Publish("DB", "E", "new 1");
  ExpectEpochGap(listener->NextGap());
  EXPECT_EQ(listener->NextMessage().payload(), "new 1");
}

}  // namespace
}  // namespace nmq::integration
