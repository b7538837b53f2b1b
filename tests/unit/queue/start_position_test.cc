#include <limits>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/await.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kFiveHeld[] = "limits { queue_messages: 5 }";

// A world whose queue DB has seen ten messages, "1" to "10", and holds the last five.
class StartPosition : public ::testing::Test {
 protected:
  StartPosition() {
    for (int i = 1; i <= 10; ++i) Publish(std::to_string(i));
    epoch_ = world_.Listen(member_)->ready().positions(0).epoch();
  }
  void Publish(const std::string& payload) {
    auto published = world_.Publish({.payload = payload});
    ASSERT_TRUE(published.ok()) << published.status();
  }
  Heard HeardFrom(const v1::StartPosition& start, const Wants& wants = {{"DB", ""}}) {
    auto listener = world_.Listen(member_, wants, start);
    Publish("new");
    return listener->HearAll();
  }
  absl::Status Refusal(const v1::StartPosition& start) {
    return world_.TryListen(SubscribeTo(member_, {{"DB", ""}}, start)).status();
  }

  // The position after which a subscription starts whose start was looked for before `meanwhile`.
  uint64_t StartFoundBefore(const v1::StartPosition& start, absl::FunctionRef<void()> meanwhile) {
    const v1::SubscribeRequest request = SubscribeTo(member_, {{"DB", ""}}, start);
    auto wish = world_.broker().CheckSubscribe(TestCall(), request, world_.lane(0), /*owner=*/nullptr);
    EXPECT_TRUE(Await<absl::Status>([&](Namespace::Prepared done) {
                  world_.name_space().PrepareSubscribe(&wish->options, /*stop=*/nullptr, std::move(done));
                }).ok());
    meanwhile();
    v1::Ready ready;
    const auto subscription = world_.broker().Subscribe(*std::move(wish), &ready);
    EXPECT_TRUE(subscription.ok()) << subscription.status();
    world_.name_space().Unsubscribe(subscription->get(), "CLOSED");
    return ready.positions(0).sequence();
  }

  World world_{kFiveHeld};
  Member member_ = world_.Connect();
  uint64_t epoch_;
};

TEST_F(StartPosition, NewHearsWhatComes) { EXPECT_THAT(HeardFrom({}).order, ElementsAre("new")); }

TEST_F(StartPosition, EarliestHearsAllThatIsHeldWithoutAGap) {
  auto listener = world_.Listen(member_, {{"DB", ""}}, Earliest());
  EXPECT_EQ(listener->ready().positions(0).sequence(), 5u);
  EXPECT_THAT(listener->HearAll().order, ElementsAre("6", "7", "8", "9", "10"));
}

TEST_F(StartPosition, LastHearsSoMany) {
  auto listener = world_.Listen(member_, {{"DB", ""}}, Last(2));
  EXPECT_EQ(listener->ready().positions(0).sequence(), 8u);
  EXPECT_THAT(listener->HearAll().order, ElementsAre("9", "10"));
  EXPECT_THAT(world_.Listen(member_, {{"DB", ""}}, Last(5))->HearAll().order, ElementsAre("6", "7", "8", "9", "10"));
  EXPECT_THAT(world_.Listen(member_, {{"DB", ""}}, Last(6))->HearAll().order, ElementsAre("6", "7", "8", "9", "10"));
  EXPECT_THAT(world_.Listen(member_, {{"DB", ""}}, Last(1000000))->HearAll().order,
              ElementsAre("6", "7", "8", "9", "10"));
}

// Under the namespace's mutex nothing is looked for.
TEST_F(StartPosition, LastIsOfTheTimeWhenItIsLookedFor) {
  EXPECT_EQ(StartFoundBefore(Last(2), [&] { Publish("11"); }), 8u);
  EXPECT_EQ(StartFoundBefore(Last(2),
                             [&] {
                               for (int i = 12; i <= 20; ++i) Publish(std::to_string(i));
                             }),
            15u);
}

TEST_F(StartPosition, OfAQueueThatWasMadeAnewSinceTheLastWereLookedForAllIsHeard) {
  EXPECT_EQ(StartFoundBefore(Last(2),
                             [&] {
                               ASSERT_TRUE(world_.name_space().DeleteQueue("DB").ok());
                               for (int i = 1; i <= 3; ++i) Publish(std::to_string(i));
                             }),
            0u);
}

TEST(StartSearch, TakesLongAmongManyMessages) {
  World world;
  const Member member = world.Connect();
  const auto takes_long = [&](const v1::StartPosition& start) {
    const v1::SubscribeRequest request = SubscribeTo(member, {{"DB", ""}}, start);
    const auto wish = world.broker().CheckSubscribe(TestCall(), request, world.lane(0), /*owner=*/nullptr);
    return Broker::MayTakeLong(*wish);
  };
  ASSERT_TRUE(world.Publish({}).ok());
  EXPECT_FALSE(takes_long(Last(1)));
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(world.Publish({}).ok());
  EXPECT_TRUE(takes_long(Last(1)));
  EXPECT_FALSE(takes_long(Earliest()));
}

TEST_F(StartPosition, LastCountsWhatTheSubscriptionHears) {
  world_.Connect("", {"other"});
  ASSERT_TRUE(world_.Publish({.event = "rare", .payload = "rare 1"}).ok());
  ASSERT_TRUE(world_.Publish({.event = "rare", .payload = "rare 2"}).ok());
  ASSERT_TRUE(world_.Publish({.event = "rare", .payload = "not for us", .rooms = {"other"}}).ok());
  Publish("common");
  EXPECT_THAT(world_.Listen(member_, {{"DB", "rare"}}, Last(1))->HearAll().order, ElementsAre("rare 2"));
  EXPECT_THAT(world_.Listen(member_, {{"DB", "rare"}}, Last(5))->HearAll().order, ElementsAre("rare 1", "rare 2"));
  EXPECT_THAT(world_.Listen(member_, {{"DB", "never"}}, Last(5))->HearAll().order, IsEmpty());
}

TEST_F(StartPosition, LastIsOfEachQueue) {
  ASSERT_TRUE(world_.Publish({.queue = "FS", .payload = "f1"}).ok());
  ASSERT_TRUE(world_.Publish({.queue = "FS", .payload = "f2"}).ok());
  auto listener = world_.Listen(member_, {{"**", ""}}, Last(1));
  EXPECT_THAT(listener->HearAll().order, ::testing::UnorderedElementsAre("10", "f2"));
}

TEST_F(StartPosition, SequenceHearsFromThereOn) {
  EXPECT_THAT(HeardFrom(FromSequence(9)).order, ElementsAre("9", "10", "new"));
}

TEST_F(StartPosition, SequenceThatIsNextHearsWhatComes) {
  EXPECT_THAT(HeardFrom(FromSequence(11)).order, ElementsAre("new"));
}

TEST_F(StartPosition, OldestHeldSequenceHasNoGap) {
  EXPECT_THAT(world_.Listen(member_, {{"DB", ""}}, FromSequence(6))->HearAll().order,
              ElementsAre("6", "7", "8", "9", "10"));
}

TEST_F(StartPosition, SequenceNoLongerHeldBeginsWithAGap) {
  const Heard heard = world_.Listen(member_, {{"DB", ""}}, FromSequence(5))->HearAll();
  EXPECT_THAT(heard.order, ElementsAre("gap 5-5", "6", "7", "8", "9", "10"));
  EXPECT_EQ(heard.gaps[0].queue(), "DB");
  EXPECT_EQ(heard.gaps[0].epoch(), epoch_);
  EXPECT_EQ(heard.gaps[0].count(), 1u);
  EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_NOT_HELD);
  EXPECT_THAT(world_.Listen(member_, {{"DB", ""}}, FromSequence(1))->HearAll().order,
              ElementsAre("gap 1-5", "6", "7", "8", "9", "10"));
}

TEST_F(StartPosition, SequencePastTheNextOneIsOutOfRange) {
  const absl::Status status = Refusal(FromSequence(12));
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ReasonOf(status), "POSITION_NOT_REACHED");
  EXPECT_EQ(MetadataOf(status, "queue"), "DB");
  EXPECT_EQ(MetadataOf(status, "value"), "12");
  EXPECT_EQ(Refusal(FromSequence(std::numeric_limits<uint64_t>::max())).code(), absl::StatusCode::kOutOfRange);
}

TEST_F(StartPosition, ResumeGoesOnAfterThePosition) {
  EXPECT_THAT(HeardFrom(ResumeFrom("DB", epoch_, 8)).order, ElementsAre("9", "10", "new"));
  EXPECT_THAT(HeardFrom(ResumeFrom("DB", epoch_, 11)).order, ElementsAre("new"));
}

TEST_F(StartPosition, ResumeFromWhatIsNoLongerHeldBeginsWithAGap) {
  const Heard heard = world_.Listen(member_, {{"DB", ""}}, ResumeFrom("DB", epoch_, 2))->HearAll();
  EXPECT_THAT(heard.order, ElementsAre("gap 3-5", "6", "7", "8", "9", "10"));
  EXPECT_EQ(heard.gaps[0].count(), 3u);
  EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_NOT_HELD);
  EXPECT_THAT(world_.Listen(member_, {{"DB", ""}}, ResumeFrom("DB", epoch_, 5))->HearAll().order,
              ElementsAre("6", "7", "8", "9", "10"));
}

TEST_F(StartPosition, AGapThatTheStreamBrokeBeforeIsToldWhenItIsResumed) {
  for (const v1::StartPosition& start : {ResumeFrom("DB", epoch_, 2), FromSequence(3)}) {
    auto broken = world_.Listen(member_, {{"DB", ""}}, start);
    EXPECT_EQ(broken->ready().positions(0).sequence(), 2u);
    EXPECT_THAT(world_.Listen(member_, {{"DB", ""}}, ResumeFrom(broken->Positions()))->HearAll().order,
                ElementsAre("gap 3-5", "6", "7", "8", "9", "10"));
  }
}

TEST_F(StartPosition, AnotherEpochThatTheStreamBrokeBeforeIsToldWhenItIsResumed) {
  auto broken = world_.Listen(member_, {{"DB", ""}}, ResumeFrom("DB", epoch_ - 1, 7));
  EXPECT_THAT(world_.Listen(member_, {{"DB", ""}}, ResumeFrom(broken->Positions()))->HearAll().order,
              ElementsAre("gap 8-0", "gap 1-5", "6", "7", "8", "9", "10"));
}

TEST_F(StartPosition, ResumeOfAnEmptiedQueueBeginsWithAGapAndGoesOn) {
  auto keeps_the_lease = world_.Listen(member_);
  world_.clock().Advance(absl::Minutes(5));
  world_.Housekeep();
  EXPECT_THAT(HeardFrom(ResumeFrom("DB", epoch_, 9)).order, ElementsAre("gap 10-10", "new"));
}

TEST_F(StartPosition, ResumeInAnotherEpochBeginsWithAGapAndHearsAllThatIsHeld) {
  const Heard heard = world_.Listen(member_, {{"DB", ""}}, ResumeFrom("DB", epoch_ - 1, 7))->HearAll();
  EXPECT_THAT(heard.order, ElementsAre("gap 8-0", "gap 1-5", "6", "7", "8", "9", "10"));
  EXPECT_EQ(heard.gaps[0].epoch(), epoch_ - 1);
  EXPECT_FALSE(heard.gaps[0].has_count());
  EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_EPOCH_CHANGED);
  EXPECT_EQ(heard.gaps[1].epoch(), epoch_);
  EXPECT_EQ(heard.gaps[1].reason(), v1::GAP_REASON_NOT_HELD);
}

TEST_F(StartPosition, ResumeOfAQueueThatIsNotListedHearsItsBeginning) {
  ASSERT_TRUE(world_.Publish({.queue = "FS", .payload = "f1"}).ok());
  auto listener = world_.Listen(member_, {{"**", ""}}, ResumeFrom("DB", epoch_, 10));
  EXPECT_THAT(listener->HearAll().order, ElementsAre("f1"));
  const Heard heard = world_.Listen(member_, {{"DB", ""}}, ResumeFrom("FS", 1, 1))->HearAll();
  EXPECT_THAT(heard.order, ElementsAre("gap 1-5", "6", "7", "8", "9", "10"));
}

TEST_F(StartPosition, ResumeOfAQueueThatIsMadeLaterTellsOfItsOldEpoch) {
  auto listener = world_.Listen(member_, {{"**", ""}}, ResumeFrom("FS", 7, 3));
  listener->HearAll();
  ASSERT_TRUE(world_.Publish({.queue = "FS", .payload = "f1"}).ok());
  ASSERT_TRUE(world_.Publish({.queue = "other", .payload = "o1"}).ok());
  const Heard heard = listener->HearAll();
  EXPECT_THAT(heard.order, ::testing::UnorderedElementsAre("gap 4-0", "f1", "o1"));
  EXPECT_EQ(heard.gaps[0].queue(), "FS");
  EXPECT_EQ(heard.gaps[0].epoch(), 7u);
  EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_EPOCH_CHANGED);
}

TEST_F(StartPosition, ResumeFromAPositionThatIsNotReachedIsOutOfRange) {
  EXPECT_TRUE(Refusal(ResumeFrom("DB", epoch_, 10)).ok());
  const absl::Status status = Refusal(ResumeFrom("DB", epoch_, 11));
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(MetadataOf(status, "bound"), "10");
  EXPECT_EQ(Refusal(ResumeFrom("DB", epoch_, std::numeric_limits<uint64_t>::max())).code(),
            absl::StatusCode::kOutOfRange);
}

TEST_F(StartPosition, ResumeFromTheEndOfNumbersInAnotherEpochIsNoTrap) {
  auto listener =
      world_.Listen(member_, {{"DB", ""}}, ResumeFrom("DB", epoch_ + 1, std::numeric_limits<uint64_t>::max()));
  const Heard heard = listener->HearAll();
  EXPECT_EQ(heard.gaps.size(), 2u);
  EXPECT_EQ(heard.messages.size(), 5u);
}

TEST_F(StartPosition, ResumedSubscriptionHasEveryMessageOrAGapThatCountsThem) {
  auto listener = world_.Listen(member_, {{"DB", ""}}, Earliest());
  uint64_t heard = listener->HearOnce(200).messages.size();
  listener->Close();
  for (int i = 0; i < 7; ++i) Publish("more");
  auto resumed = world_.Listen(member_, {{"DB", ""}}, ResumeFrom(listener->Positions()));
  const Heard rest = resumed->HearAll();
  ASSERT_EQ(rest.gaps.size(), 1u);
  EXPECT_EQ(heard + rest.gaps[0].count() + rest.messages.size(), 12u);
}

TEST_F(StartPosition, WhileCatchingUpNothingNewIsMissed) {
  auto listener = world_.Listen(member_, {{"DB", ""}}, Earliest());
  EXPECT_THAT(listener->HearOnce(1).order, ElementsAre("6"));
  EXPECT_THAT(listener->HearOnce(1).order, ElementsAre("7"));
  Publish("11");
  EXPECT_THAT(listener->HearAll(1).order, ElementsAre("8", "9", "10", "11"));
  Publish("12");
  EXPECT_THAT(listener->HearAll(1).order, ElementsAre("12"));
}

TEST_F(StartPosition, LongBacklogIsReadWholly) {
  World world;
  const Member member = world.Connect();
  // More than a reader looks at in one go, all but two of them in vain.
  ASSERT_TRUE(world.Publish({.event = "rare", .payload = "1"}).ok());
  for (int i = 0; i < 20000; ++i) ASSERT_TRUE(world.Publish({}).ok());
  ASSERT_TRUE(world.Publish({.event = "rare", .payload = "2"}).ok());
  EXPECT_THAT(world.Listen(member, {{"DB", "rare"}}, Earliest())->Payloads(), ElementsAre("1", "2"));
  EXPECT_THAT(world.Listen(member, {{"DB", "rare"}}, Last(2))->Payloads(), ElementsAre("1", "2"));
  EXPECT_EQ(world.Listen(member, {{"DB", ""}}, Earliest())->Payloads().size(), 20002u);
}

TEST(StartParse, UnsetIsNew) {
  auto start = Start::Parse({}, 1);
  ASSERT_TRUE(start.ok());
  EXPECT_EQ(start->kind, Start::Kind::kNew);
}

TEST(StartParse, EarliestMustBeTrue) {
  v1::StartPosition position;
  position.set_earliest(false);
  EXPECT_EQ(MetadataOf(Start::Parse(position, 1).status(), "field"), "start.earliest");
  EXPECT_EQ(Start::Parse(Earliest(), 1)->kind, Start::Kind::kEarliest);
}

TEST(StartParse, LastIsOneToAMillion) {
  EXPECT_EQ(MetadataOf(Start::Parse(Last(0), 1).status(), "field"), "start.last");
  EXPECT_EQ(Start::Parse(Last(1), 1)->number, 1u);
  EXPECT_EQ(Start::Parse(Last(1000000), 1)->kind, Start::Kind::kLast);
  EXPECT_EQ(Start::Parse(Last(1000001), 1).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(StartParse, SequenceIsAtLeastOne) {
  EXPECT_EQ(MetadataOf(Start::Parse(FromSequence(0), 1).status(), "field"), "start.sequence");
  EXPECT_EQ(Start::Parse(FromSequence(1), 1)->kind, Start::Kind::kSequence);
}

TEST(StartParse, PositionsAreBoundedAndNamedOnce) {
  v1::Resume resume;
  resume.add_positions()->set_queue("a");
  EXPECT_TRUE(Start::Parse(ResumeFrom(resume), 2).ok());
  resume.add_positions()->set_queue("b");
  auto start = Start::Parse(ResumeFrom(resume), 2);
  ASSERT_TRUE(start.ok());
  EXPECT_EQ(start->positions.size(), 2u);
  resume.add_positions()->set_queue("c");
  const absl::Status status = Start::Parse(ResumeFrom(resume), 2).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(MetadataOf(status, "limit"), "queues_per_namespace");
  resume.mutable_positions(2)->set_queue("a");
  EXPECT_EQ(MetadataOf(Start::Parse(ResumeFrom(resume), 3).status(), "field"), "start.resume.positions");
}

TEST(StartParse, ResumeOfNothingIsAllowed) {
  v1::StartPosition position;
  position.mutable_resume();
  EXPECT_EQ(Start::Parse(position, 1)->kind, Start::Kind::kResume);
}

}  // namespace
}  // namespace nmq::broker
