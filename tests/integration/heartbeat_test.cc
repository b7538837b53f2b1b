// Streams that have nothing to say say that they are alive, and how far they have come.
#include <atomic>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"

namespace nmq::integration {
namespace {

using testing::ElementsAre;

class Heartbeats : public testing::Test {
 protected:
  // Reads to the next heartbeat; nothing else may come before it.
  v1::Heartbeat Next(Listener* listener) {
    const auto frame = listener->NextFrame();
    EXPECT_TRUE(frame.has_value() && frame->has_heartbeat());
    return frame.has_value() ? frame->heartbeat() : v1::Heartbeat();
  }

  TestServer server_{"limits { heartbeat { seconds: 1 } }"};
  Api api_{server_};
  TestClient client_{&api_};
};

TEST_F(Heartbeats, ComeOnceTheStreamHasBeenSilentLongEnough) {
  auto listener = client_.Subscribe("DB");
  EXPECT_EQ(listener->ready().heartbeat().seconds(), 1);
  const absl::Time start = absl::Now();
  const v1::Heartbeat first = Next(listener.get());
  const v1::Heartbeat second = Next(listener.get());
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(1900));
  EXPECT_GE(second.time().seconds(), first.time().seconds());
  EXPECT_EQ(second.positions_size(), 0);
}

TEST_F(Heartbeats, TellHowFarTheSubscriptionIsThoughNothingWasForIt) {
  client_.Publish("DB", "other", "1");
  auto listener = client_.Subscribe("DB", "mine");
  client_.Publish("DB", "other", "2");
  const uint64_t epoch = client_.Publish("DB", "other", "3").epoch();
  const v1::Heartbeat first = Next(listener.get());
  ASSERT_EQ(first.positions_size(), 1);
  EXPECT_EQ(first.positions(0).queue(), "DB");
  EXPECT_EQ(first.positions(0).epoch(), epoch);
  EXPECT_EQ(first.positions(0).sequence(), 3);
  // Once is enough.
  EXPECT_EQ(Next(listener.get()).positions_size(), 0);

  // From there one can go on.
  v1::SubscribeRequest request = client_.SubscribeRequest("DB");
  *request.mutable_start() = listener->Resume();
  auto resumed = client_.Subscribe(request);
  client_.Publish("DB", "other", "4");
  EXPECT_EQ(resumed->NextMessage().payload(), "4");
}

TEST_F(Heartbeats, CoverMessagesForOtherRooms) {
  client_.Publish("DB", "E", "");
  auto listener = client_.Subscribe("DB");
  client_.Publish(ForRooms(MakeMessage("DB", "E", ""), {"elsewhere"}));
  const v1::Heartbeat heartbeat = Next(listener.get());
  ASSERT_EQ(heartbeat.positions_size(), 1);
  EXPECT_EQ(heartbeat.positions(0).sequence(), 2);
}

TEST_F(Heartbeats, OfOneStreamDoNotWaitForTheOthers) {
  auto busy = client_.Subscribe("DB");
  auto idle = client_.Subscribe("FS");
  std::atomic<bool> stop{false};
  std::thread publisher([&] {
    Api api(server_);
    const TestClient client(&api);
    while (!stop) client.Publish("DB", "E", "text");
  });
  Next(idle.get());
  stop = true;
  publisher.join();
}

}  // namespace
}  // namespace nmq::integration
