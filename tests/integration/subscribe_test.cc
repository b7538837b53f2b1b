// What a subscription hears: patterns, and where it starts.
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/broker.h"
#include "tests/integration/fixture.h"
#include "tests/testing/simulated_clock.h"

namespace nmq::integration {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

class Subscribing : public testing::Test {
 protected:
  // 1 to `count`, as payloads.
  void PublishNumbers(int count) {
    for (int i = 1; i <= count; ++i) client_.Publish("DB", i % 2 == 1 ? "odd" : "even", absl::StrCat(i));
  }
  // What a subscription from there on hears until `last`.
  std::vector<std::string> From(const v1::StartPosition& start, const std::string& last) {
    v1::SubscribeRequest request = client_.SubscribeRequest("DB");
    *request.mutable_start() = start;
    return client_.Subscribe(request)->PayloadsUpTo(last);
  }

  TestServer server_;
  Api api_{server_};
  TestClient client_{&api_};
  v1::StartPosition start_;
};

TEST_F(Subscribing, PatternsPickQueuesAndEvents) {
  struct Row {
    const char* queue;
    const char* event;
    std::vector<std::string> heard;
  };
  const std::vector<Row> rows = {
      {"**", "", {"a/x", "a.b/x.y", "a.b.c/x.y.z", "b/y"}},
      {"*", "", {"a/x", "b/y"}},
      {"a", "", {"a/x"}},
      {"a.*", "", {"a.b/x.y"}},
      {"a.**", "", {"a.b/x.y", "a.b.c/x.y.z"}},
      {"**", "*", {"a/x", "b/y"}},
      {"**", "x.**", {"a.b/x.y", "a.b.c/x.y.z"}},
      {"**", "*.y", {"a.b/x.y"}},
      {"*", "y", {"b/y"}},
      {"nothing", "", {}},
  };
  std::vector<std::unique_ptr<Listener>> listeners;
  for (const Row& row : rows) {
    v1::SubscribeRequest request = client_.SubscribeRequest(row.queue, row.event);
    request.add_patterns()->set_queue("end");
    listeners.push_back(client_.Subscribe(request));
  }
  client_.Publish("a", "x", "a/x");
  client_.Publish("a.b", "x.y", "a.b/x.y");
  client_.Publish("a.b.c", "x.y.z", "a.b.c/x.y.z");
  client_.Publish("b", "y", "b/y");
  // Order holds in a queue only: so wait for the messages, then for the end.
  for (size_t i = 0; i < rows.size(); ++i) {
    SCOPED_TRACE(absl::StrCat(rows[i].queue, " / ", rows[i].event));
    EXPECT_THAT(listeners[i]->Payloads(rows[i].heard.size()), testing::UnorderedElementsAreArray(rows[i].heard));
  }
  client_.Publish("end", "end", "end");
  for (const auto& listener : listeners) EXPECT_THAT(listener->PayloadsUpTo("end"), ElementsAre("end"));
}

TEST_F(Subscribing, AMessageThatSeveralPatternsMatchIsHeardOnce) {
  v1::SubscribeRequest request = client_.SubscribeRequest("DB", "odd");
  for (const char* queue : {"DB", "*", "**"}) request.add_patterns()->set_queue(queue);
  request.mutable_patterns(2)->set_event("odd");
  auto listener = client_.Subscribe(request);
  EXPECT_EQ(client_.PublishAndCount(MakeMessage("DB", "odd", "1")), 1);
  client_.Publish("DB", "even", "2");
  EXPECT_THAT(listener->PayloadsUpTo("2"), ElementsAre("1", "2"));
}

TEST_F(Subscribing, ReadySaysWhoHearsWhatFromWhere) {
  PublishNumbers(5);
  const uint64_t epoch = client_.Publish("FS", "E", "").epoch();
  auto listener = client_.Subscribe("*");
  EXPECT_EQ(listener->ready().namespace_(), "default");
  EXPECT_EQ(listener->ready().client_id(), client_.id());
  EXPECT_THAT(listener->ready().subscription_id(), testing::StartsWith(client_.id()));
  EXPECT_EQ(listener->ready().heartbeat().seconds(), 15);
  ASSERT_EQ(listener->ready().positions_size(), 2);
  EXPECT_EQ(listener->ready().positions(0).queue(), "DB");
  EXPECT_EQ(listener->ready().positions(0).sequence(), 5);
  EXPECT_EQ(listener->ready().positions(1).queue(), "FS");
  EXPECT_EQ(listener->ready().positions(1).sequence(), 1);
  EXPECT_EQ(listener->ready().positions(1).epoch(), epoch);
}

TEST_F(Subscribing, StartsWithWhatIsNewUnlessToldOtherwise) {
  PublishNumbers(3);
  auto listener = client_.Subscribe("DB");
  client_.Publish("DB", "E", "4");
  EXPECT_THAT(listener->PayloadsUpTo("4"), ElementsAre("4"));
}

TEST_F(Subscribing, FromTheEarliestMessage) {
  PublishNumbers(3);
  start_.set_earliest(true);
  EXPECT_THAT(From(start_, "3"), ElementsAre("1", "2", "3"));
}

TEST_F(Subscribing, FromTheLastMessagesThatItMayHear) {
  PublishNumbers(6);
  start_.set_last(2);
  EXPECT_THAT(From(start_, "6"), ElementsAre("5", "6"));
  start_.set_last(100);
  EXPECT_THAT(From(start_, "6"), ElementsAre("1", "2", "3", "4", "5", "6"));

  v1::SubscribeRequest odd = client_.SubscribeRequest("DB", "odd");
  odd.mutable_start()->set_last(2);
  EXPECT_THAT(client_.Subscribe(odd)->PayloadsUpTo("5"), ElementsAre("3", "5"));
}

TEST_F(Subscribing, FromASequence) {
  PublishNumbers(4);
  start_.set_sequence(3);
  EXPECT_THAT(From(start_, "4"), ElementsAre("3", "4"));
  v1::SubscribeRequest next = client_.SubscribeRequest("DB");
  next.mutable_start()->set_sequence(5);
  auto listener = client_.Subscribe(next);
  client_.Publish("DB", "E", "5");
  EXPECT_EQ(listener->NextMessage().payload(), "5");
}

TEST_F(Subscribing, ASequencePastTheNextOneIsOutOfRange) {
  PublishNumbers(4);
  v1::SubscribeRequest request = client_.SubscribeRequest("DB");
  request.mutable_start()->set_sequence(6);
  EXPECT_EQ(Summary(Listener(&api_, request).End()), "OUT_OF_RANGE POSITION_NOT_REACHED bound=5 queue=DB value=6");
}

TEST_F(Subscribing, NoStartBringsMessagesOfARoomFromBeforeTheJoin) {
  client_.Publish(ForRooms(MakeMessage("DB", "E", "before"), {"A"}));
  client_.Join({"A"});
  client_.Publish(ForRooms(MakeMessage("DB", "E", "in"), {"A"}));
  client_.Leave({"A"});
  client_.Publish(ForRooms(MakeMessage("DB", "E", "after"), {"A"}));
  client_.Publish("DB", "E", "end");
  start_.set_earliest(true);
  EXPECT_THAT(From(start_, "end"), ElementsAre("in", "end"));
  start_.clear_earliest();
  start_.set_last(2);
  EXPECT_THAT(From(start_, "end"), ElementsAre("in", "end"));
}

TEST_F(Subscribing, AQueueThatIsMadeLaterIsHeardFromItsBeginning) {
  auto listener = client_.Subscribe("*");
  EXPECT_EQ(listener->ready().positions_size(), 0);
  client_.Publish("new", "E", "1");
  client_.Publish("newer", "E", "2");
  EXPECT_THAT(listener->Payloads(2), UnorderedElementsAre("1", "2"));
}

TEST_F(Subscribing, MessagesOfAQueueComeInOrderWhoeverPublishes) {
  auto listener = client_.Subscribe("DB");
  constexpr int kPublishers = 4;
  constexpr int kEach = 100;
  std::vector<std::thread> threads;
  for (int i = 0; i < kPublishers; ++i) {
    threads.emplace_back([&, i] {
      Api api(server_);
      const TestClient publisher(&api);
      for (int j = 0; j < kEach; ++j) publisher.Publish("DB", absl::StrCat("from", i), absl::StrCat(j));
    });
  }
  std::vector<int> next(kPublishers, 0);
  for (uint64_t sequence = 1; sequence <= kPublishers * kEach; ++sequence) {
    const v1::Message message = listener->NextMessage();
    ASSERT_EQ(message.sequence(), sequence);
    const int publisher = message.event().back() - '0';
    ASSERT_EQ(message.payload(), absl::StrCat(next[publisher]++));
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(SubscribingWithBounds, AStartBeforeTheOldestMessageBeginsWithAGap) {
  TestServer server("limits { queue_messages: 10 }");
  Api api(server);
  const TestClient client(&api);
  for (int i = 1; i <= 25; ++i) client.Publish("DB", "E", absl::StrCat(i));
  v1::SubscribeRequest request = client.SubscribeRequest("DB");
  request.mutable_start()->set_sequence(3);
  auto listener = client.Subscribe(request);
  const v1::Gap gap = listener->NextGap();
  EXPECT_EQ(gap.queue(), "DB");
  EXPECT_EQ(gap.first(), 3);
  EXPECT_EQ(gap.last(), 15);
  EXPECT_EQ(gap.count(), 13);
  EXPECT_EQ(gap.reason(), v1::GAP_REASON_NOT_HELD);
  EXPECT_EQ(listener->NextMessage().sequence(), 16);

  // The earliest is what is there: nothing is missing.
  request.mutable_start()->set_earliest(true);
  EXPECT_EQ(client.Subscribe(request)->NextMessage().sequence(), 16);
}

TEST_F(Subscribing, HeadersPickMessages) {
  const auto publish = [this](const std::string& payload, const std::map<std::string, std::string>& headers) {
    v1::Message message = MakeMessage("DB", "E", payload);
    message.mutable_headers()->insert(headers.begin(), headers.end());
    client_.Publish(message);
  };
  v1::SubscribeRequest request = client_.SubscribeRequest("DB");
  request.add_headers()->set_name("region");
  request.mutable_headers(0)->set_value("eu");
  request.add_headers()->set_name("urgent");
  auto live = client_.Subscribe(request);
  publish("1", {{"region", "eu"}, {"urgent", "yes"}});
  publish("2", {{"region", "us"}, {"urgent", "yes"}});
  publish("3", {{"region", "eu"}});
  publish("4", {});
  publish("5", {{"region", "eu"}, {"urgent", ""}, {"more", "x"}});
  EXPECT_THAT(live->Payloads(2), ElementsAre("1", "5"));
  request.mutable_start()->set_last(2);
  EXPECT_THAT(client_.Subscribe(request)->Payloads(2), ElementsAre("1", "5"));
}

TEST_F(Subscribing, HeaderFilterNeedsANameAndNoGroup) {
  v1::SubscribeRequest request = client_.SubscribeRequest("DB");
  request.add_headers();
  EXPECT_EQ(Summary(Listener(&api_, request).End()), "INVALID_ARGUMENT INVALID_FIELD field=headers[0].name");
  request.mutable_headers(0)->set_name("region");
  request.mutable_group()->set_name("g");
  EXPECT_EQ(Summary(Listener(&api_, request).End()), "INVALID_ARGUMENT INVALID_FIELD field=headers");
}

TEST(SubscribingWithBounds, MessagesThatAreTooOldAreNotHeldAnyMore) {
  SimulatedClock clock;
  TestServer server({.config = "limits { queue_age { seconds: 60 } }", .clock = &clock});
  Api api(server);
  const TestClient client(&api);
  client.Publish("DB", "E", "1");
  clock.Advance(absl::Seconds(40));
  client.Publish("DB", "E", "2");
  clock.Advance(absl::Seconds(25));
  server.Housekeep();
  v1::SubscribeRequest request = client.SubscribeRequest("DB");
  request.mutable_start()->set_sequence(1);
  auto listener = client.Subscribe(request);
  EXPECT_EQ(listener->NextGap().last(), 1);
  EXPECT_EQ(listener->NextMessage().payload(), "2");

  clock.Advance(absl::Seconds(60));
  server.Housekeep();
  request.mutable_start()->set_earliest(true);
  auto empty = client.Subscribe(request);
  client.Publish("DB", "E", "3");
  EXPECT_EQ(empty->NextMessage().payload(), "3");
}

}  // namespace
}  // namespace nmq::integration
