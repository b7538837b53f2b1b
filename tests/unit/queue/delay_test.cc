// Messages that wait for their time before they enter their queues.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fresh_directory.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kConfig[] = R"(
    limits { scheduled_messages: 5 delay_max { seconds: 3600 } all_queues_bytes: 1048576 }
    namespace {
      name: "default"
      automatic_queues: true
      queue { name: "D" durability: DURABILITY_DURABLE }
      queue { name: "B" durability: DURABILITY_BUFFERED }
    })";

class Delay : public testing::Test {
 protected:
  Delay() { Start(); }

  void Start() {
    world_ = nullptr;
    world_ = std::make_unique<World>(kConfig, /*lanes=*/1, directory_);
  }

  absl::StatusOr<v1::PublishResponse> TryPublish(const std::string& payload, int seconds, Post post = {}) {
    post.payload = payload;
    post.deliver_at = world_->clock().Now() + absl::Seconds(seconds);
    return world_->Publish(post, "", /*count_matches=*/true);
  }
  v1::PublishResponse Publish(const std::string& payload, int seconds, const Post& post = {}) {
    const auto published = TryPublish(payload, seconds, post);
    EXPECT_TRUE(published.ok()) << published.status();
    return published.value_or(v1::PublishResponse());
  }
  void Pass(int seconds) {
    world_->clock().Advance(absl::Seconds(seconds));
    world_->broker().DeliverDue();
    world_->broker().FlushToDisk();
  }
  std::vector<std::string> Replay(const std::string& queue) {
    auto listener = world_->Listen(world_->Connect("", {"room"}), {{queue, ""}}, Earliest());
    std::vector<std::string> all;
    for (int quiet = 0; quiet < 2;) {
      const Heard heard = listener->HearAll(1000);
      quiet = heard.order.empty() ? quiet + 1 : 0;
      all.insert(all.end(), heard.order.begin(), heard.order.end());
      world_->storage().log().Flush();
    }
    return all;
  }
  uint64_t Scheduled(const std::string& queue) {
    v1::ListQueuesRequest request;
    request.set_queue(queue);
    v1::ListQueuesResponse response;
    EXPECT_TRUE(world_->registry().ListQueues(TestCall(), request, &response).ok());
    return response.queues_size() == 1 ? response.queues(0).scheduled() : 0;
  }
  World& world() { return *world_; }

 private:
  const std::string directory_ = FreshDirectory();
  std::unique_ptr<World> world_;
};

TEST_F(Delay, MessageEntersItsQueueAtItsTime) {
  for (const std::string queue : {"L", "B", "D"}) {
    const Post post{.queue = queue};
    auto listener = world().Listen(world().Connect(), {{queue, ""}});
    const v1::PublishResponse answer = Publish("later", 10, post);
    EXPECT_EQ(answer.sequence(), 0u);
    EXPECT_EQ(answer.id(), "");
    EXPECT_NE(answer.epoch(), 0u);
    EXPECT_FALSE(answer.has_matched());
    EXPECT_EQ(Scheduled(queue), 1u);
    EXPECT_EQ(Publish("now", 0, post).sequence(), 1u);
    Pass(9);
    EXPECT_THAT(listener->Payloads(), ElementsAre("now"));
    Pass(1);
    const Heard heard = listener->HearAll();
    ASSERT_THAT(heard.order, ElementsAre("later"));
    EXPECT_EQ(heard.messages[0].sequence(), 2u);
    EXPECT_EQ(heard.messages[0].publish_time().seconds(), absl::ToUnixSeconds(world().clock().Now()));
    EXPECT_EQ(Scheduled(queue), 0u);
    Pass(100);
    EXPECT_THAT(listener->HearAll().order, IsEmpty());
  }
}

TEST_F(Delay, AnswerSaysWhereItWaits) {
  EXPECT_EQ(Publish("1", 10, {.queue = "L"}).storage(), v1::STORAGE_MEMORY);
  EXPECT_EQ(Publish("1", 10, {.queue = "B"}).storage(), v1::STORAGE_BUFFERED);
  EXPECT_EQ(Publish("1", 10, {.queue = "D"}).storage(), v1::STORAGE_SYNCED);
}

TEST_F(Delay, TimeThatIsPastMeansAtOnce) {
  EXPECT_EQ(Publish("1", 0).sequence(), 1u);
  EXPECT_EQ(Publish("2", -100).sequence(), 2u);
}

TEST_F(Delay, OrderIsThatOfTheTimesAndThenOfComing) {
  for (const std::string queue : {"L", "D"}) {
    const Post post{.queue = queue};
    Publish("c", 20, post);
    Publish("a", 10, post);
    Publish("b", 10, post);
    Publish("d", 20, post);
    Pass(30);
    EXPECT_THAT(Replay(queue), ElementsAre("a", "b", "c", "d"));
  }
}

TEST_F(Delay, WhatWaitsOnDiskSurvivesARestartAndComesOnce) {
  Publish("1", 10, {.queue = "D"});
  Publish("2", 20, {.queue = "D", .rooms = {"room"}});
  Publish("3", 10, {.queue = "B"});
  Publish("4", 10, {.queue = "L"});
  Start();
  EXPECT_EQ(Scheduled("D"), 2u);
  EXPECT_THAT(Replay("D"), IsEmpty());
  Pass(10);
  EXPECT_THAT(Replay("D"), ElementsAre("1"));
  EXPECT_THAT(Replay("B"), ElementsAre("3"));
  Start();
  EXPECT_EQ(Scheduled("D"), 1u);
  Pass(20);
  EXPECT_THAT(Replay("D"), ElementsAre("1", "2"));
  EXPECT_THAT(Replay("B"), ElementsAre("3"));
  Start();
  Pass(20);
  EXPECT_THAT(Replay("D"), ElementsAre("1", "2"));
  EXPECT_THAT(Replay("L"), IsEmpty());
}

TEST_F(Delay, WhoIsInTheRoomIsSettledWhenTheMessageComes) {
  const Member first = world().Connect("", {"room"});
  const Member second = world().Connect();
  auto left = world().Listen(first);
  auto joined = world().Listen(second);
  Publish("1", 10, {.rooms = {"room"}});
  Publish("2", 10, {.except_rooms = {"room"}});
  ASSERT_TRUE(world().Leave(first, {"room"}).ok());
  ASSERT_TRUE(world().Join(second, {"room"}).ok());
  Pass(10);
  ASSERT_TRUE(world().Leave(second, {"room"}).ok());
  EXPECT_THAT(left->Payloads(), ElementsAre("2"));
  EXPECT_THAT(joined->Payloads(), ElementsAre("1"));
}

TEST_F(Delay, PublisherIsKnownAndCanBeExcepted) {
  const Member publisher = world().Connect();
  auto own = world().Listen(publisher);
  auto other = world().Listen(world().Connect());
  Post post{.payload = "1", .except_publisher = true};
  post.deliver_at = world().clock().Now() + absl::Seconds(10);
  ASSERT_TRUE(world().PublishAs(publisher, post).ok());
  Pass(10);
  EXPECT_THAT(own->HearAll().order, IsEmpty());
  const Heard heard = other->HearAll();
  ASSERT_THAT(heard.messages, SizeIs(1));
  EXPECT_EQ(heard.messages[0].publisher(), publisher.id);
  EXPECT_TRUE(heard.messages[0].audience().ByteSizeLong() == 0) << "others need not know";
}

TEST_F(Delay, ClientThatIsGoneHearsNothingAndNobodyElseDoes) {
  const Member gone = world().Connect();
  auto other = world().Listen(world().Connect());
  Publish("1", 10, {.clients = {gone.id}});
  ASSERT_TRUE(world().Disconnect(gone).ok());
  Pass(10);
  EXPECT_THAT(other->HearAll().order, IsEmpty());
}

TEST_F(Delay, BatchIsTakenWholeAndSaysWhatIsThere) {
  v1::PublishStreamRequest request;
  request.set_count_matches(true);
  for (const std::string queue : {"L", "D", "L", "D"}) {
    *request.add_messages() = ToMessage({.queue = queue, .payload = absl::StrCat(request.messages_size())});
  }
  for (int i : {0, 3}) {
    request.mutable_messages(i)->mutable_deliver_at()->set_seconds(absl::ToUnixSeconds(world().clock().Now()) + 10);
  }
  auto publish = [&] {
    PublishStream stream(&world().broker(), TestCall());
    v1::PublishStreamResponse response;
    EXPECT_TRUE(PublishOn(&stream, request, &response).ok());
    return response;
  };
  const v1::PublishStreamResponse response = publish();
  ASSERT_EQ(response.accepted().ranges_size(), 2) << response.ShortDebugString();
  for (const v1::SequenceRange& range : response.accepted().ranges()) {
    EXPECT_EQ(range.first(), 1u);
    EXPECT_EQ(range.last(), 1u);
  }
  EXPECT_EQ(Scheduled("L"), 1u);
  EXPECT_EQ(Scheduled("D"), 1u);
  // Nothing of a batch is taken of which not all may wait.
  for (int i : {1, 2}) *request.mutable_messages(i)->mutable_deliver_at() = request.messages(0).deliver_at();
  EXPECT_TRUE(publish().has_refused());
  EXPECT_EQ(Scheduled("L"), 1u);
  EXPECT_EQ(Scheduled("D"), 1u);
  Pass(10);
  EXPECT_THAT(Replay("L"), ElementsAre("2", "0"));
  EXPECT_THAT(Replay("D"), ElementsAre("1", "3"));
}

TEST_F(Delay, MessagesOfTheNamespaceThatWaitAreBounded) {
  for (int i = 0; i < 3; ++i) Publish("x", 10, {.queue = "D"});
  for (int i = 0; i < 2; ++i) Publish("x", 10, {.queue = "L"});
  for (const std::string queue : {"D", "L"}) {
    const absl::Status status = TryPublish("x", 10, {.queue = queue}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(MetadataOf(status, "limit"), "scheduled_messages");
    EXPECT_EQ(MetadataOf(status, "value"), "6");
    EXPECT_EQ(MetadataOf(status, "bound"), "5");
  }
  EXPECT_EQ(world().Refused(), 2u);
  Pass(10);
  for (int i = 0; i < 5; ++i) Publish("x", 10, {.queue = "D"});
  Start();
  EXPECT_FALSE(TryPublish("x", 10).ok()) << "what waits on disk counts after a restart";
}

TEST_F(Delay, BytesThatWaitInMemoryAreBounded) {
  const std::string large(400'000, 'x');
  Publish(large, 10, {.queue = "a"});
  Publish(large, 10, {.queue = "b"});
  const absl::Status status = TryPublish(large, 10, {.queue = "c"}).status();
  EXPECT_EQ(MetadataOf(status, "limit"), "all_queues_bytes");
  Publish(large, 10, {.queue = "D"});
  Pass(10);
  Publish(large, 10, {.queue = "c"});
}

TEST_F(Delay, TooFarAheadIsRefused) {
  Publish("1", 3600);
  const absl::Status status = TryPublish("2", 3601).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MetadataOf(status, "field"), "deliver_at");
}

TEST_F(Delay, ExpiryCountsAfterTheDelay) {
  auto listener = world().Listen(world().Connect());
  const absl::Time now = world().clock().Now();
  EXPECT_EQ(MetadataOf(TryPublish("1", 10, {.expire_at = now + absl::Seconds(10)}).status(), "field"), "expire_at");
  Publish("1", 10, {.expire_at = now + absl::Seconds(15)});
  Publish("2", 10, {.expire_at = now + absl::Seconds(30)});
  Pass(20);
  EXPECT_THAT(listener->HearAll().order, ElementsAre("gap 1-1", "2"));
}

TEST_F(Delay, WhatNeedsASequenceAtOnceIsRefusedWithATime) {
  v1::PublishRequest request;
  *request.mutable_message() = ToMessage({.deliver_at = world().clock().Now() + absl::Seconds(10)});
  request.mutable_message()->set_request_id("id");
  EXPECT_EQ(MetadataOf(PublishTo(&world().broker(), &request).status(), "field"), "request_id");
  *request.mutable_message() = ToMessage({.deliver_at = world().clock().Now() + absl::Seconds(10)});
  request.set_expected_last_sequence(0);
  EXPECT_EQ(MetadataOf(PublishTo(&world().broker(), &request).status(), "field"), "expected_last_sequence");
  v1::RequestRequest question;
  *question.mutable_message() = ToMessage({.deliver_at = world().clock().Now() + absl::Seconds(10)});
  absl::Status status;
  world().broker().Ask(TestCall(), &question,
                       [&](absl::StatusOr<v1::RequestResponse> answer) { status = answer.status(); });
  EXPECT_EQ(MetadataOf(status, "field"), "message.deliver_at");
}

TEST_F(Delay, WhatItComesToIsCheckedAtOnce) {
  EXPECT_EQ(ReasonOf(TryPublish("1", 10, {.clients = {"nobody"}}).status()), "CLIENT_NOT_FOUND");
  EXPECT_EQ(Scheduled("DB"), 0u);
}

}  // namespace
}  // namespace nmq::broker
