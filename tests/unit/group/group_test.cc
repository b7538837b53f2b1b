// Groups: members share the messages of a durable queue, and what is not acknowledged comes again.
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fresh_directory.h"
#include "tests/testing/notification.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr char kConfig[] = R"(
    namespace {
      name: "default"
      queue { name: "D" durability: DURABILITY_DURABLE }
      queue { name: "Short" durability: DURABILITY_DURABLE retention { messages: 5 } }
      queue { name: "Live" }
    })";

class GroupTest : public testing::Test {
 protected:
  GroupTest() { Start(); }

  void Start(const std::string& config = kConfig) {
    world_ = nullptr;
    world_ = std::make_unique<World>(config, /*lanes=*/1, directory_);
  }
  World& world() { return *world_; }

  static v1::GroupOptions Options(const std::string& name = "g") {
    v1::GroupOptions options;
    options.set_name(name);
    return options;
  }
  absl::StatusOr<std::unique_ptr<Listener>> TryEnter(const v1::GroupOptions& options, const std::string& queue = "D",
                                                     const v1::StartPosition& start = {},
                                                     const std::string& event = "") {
    last_ = world_->Connect();
    v1::SubscribeRequest request = SubscribeTo(last_, {{queue, event}}, start);
    *request.mutable_group() = options;
    return world_->TryListen(request);
  }
  std::unique_ptr<Listener> Enter(const v1::GroupOptions& options = Options(), const std::string& queue = "D",
                                  const v1::StartPosition& start = {}, const std::string& event = "") {
    auto listener = TryEnter(options, queue, start, event);
    EXPECT_TRUE(listener.ok()) << listener.status();
    return listener.ok() ? *std::move(listener) : nullptr;
  }

  void Publish(int first, int last, const std::vector<std::string>& rooms = {}, const std::string& queue = "D") {
    for (int i = first; i <= last; ++i) {
      const auto published = world_->Publish({.queue = queue, .payload = std::to_string(i), .rooms = rooms});
      EXPECT_TRUE(published.ok()) << published.status();
    }
  }
  void PublishWithKey(const std::string& payload, const std::string& key) {
    v1::PublishRequest request;
    *request.mutable_message() = ToMessage({.queue = "D", .payload = payload});
    request.mutable_message()->set_key(key);
    EXPECT_TRUE(PublishTo(&world_->broker(), &request).ok());
  }

  // Lets groups do all that they can, dead letters included.
  void Settle() {
    for (int i = 0; i < 4; ++i) {
      world_->broker().FlushToDisk();
      TakeTurn(world_->lane(0));
    }
  }
  // Remembers which deliveries they are.
  Heard Hear(Listener* listener) {
    Settle();
    Heard heard = listener->HearAll();
    for (const v1::Message& message : heard.messages) delivery_[message.sequence()] = message.delivery();
    return heard;
  }
  void Pass(absl::Duration time) {
    world_->clock().Advance(time);
    world_->Housekeep();
  }

  absl::StatusOr<v1::AcknowledgeResponse> Acknowledge(const std::vector<v1::Acknowledgement>& acknowledgements,
                                                      const std::string& group = "g", const std::string& queue = "D") {
    return AcknowledgeAs(world_->Connect().session, acknowledgements, group, queue);
  }
  absl::StatusOr<v1::AcknowledgeResponse> AcknowledgeAs(const std::string& session,
                                                        const std::vector<v1::Acknowledgement>& acknowledgements,
                                                        const std::string& group = "g",
                                                        const std::string& queue = "D") {
    v1::AcknowledgeRequest request;
    request.set_session(session);
    request.set_queue(queue);
    request.set_group(group);
    request.mutable_acknowledgements()->Add(acknowledgements.begin(), acknowledgements.end());
    Notification told;
    absl::StatusOr<v1::AcknowledgeResponse> answer;
    world_->broker().Acknowledge(TestCall(), &request, [&](absl::StatusOr<v1::AcknowledgeResponse> response) {
      answer = std::move(response);
      told.Notify();
    });
    told.WaitForNotification();
    return answer;
  }
  // Of the last delivery of `first` that was heard.
  v1::Acknowledgement Done(uint64_t first, uint64_t last = 0) {
    v1::Acknowledgement one = Of(first);
    one.set_last(last);
    one.set_done(true);
    return one;
  }
  v1::Acknowledgement Retry(uint64_t first, int64_t seconds) {
    v1::Acknowledgement one = Of(first);
    one.mutable_retry_after()->set_seconds(seconds);
    return one;
  }
  v1::Acknowledgement Extend(uint64_t first, int64_t seconds) {
    v1::Acknowledgement one = Of(first);
    one.mutable_extend()->set_seconds(seconds);
    return one;
  }
  v1::Acknowledgement Terminate(uint64_t first, const std::string& reason) {
    v1::Acknowledgement one = Of(first);
    one.set_terminate(reason);
    return one;
  }
  void ExpectNoted(const absl::StatusOr<v1::AcknowledgeResponse>& answer, uint64_t noted, uint64_t not_pending = 0) {
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->noted(), noted);
    EXPECT_EQ(answer->not_pending(), not_pending);
  }

  std::vector<v1::Message> DeadLetters(const std::string& queue = "D.dead",
                                       const std::vector<std::string>& rooms = {}) {
    const Member reader = world_->Connect("", rooms);
    auto listener = world_->Listen(reader, {{queue, ""}}, Earliest());
    std::vector<v1::Message> letters;
    for (int i = 0; i < 3; ++i) {  // blocks from disk come by and by
      for (v1::Message& letter : listener->HearAll().messages) letters.push_back(std::move(letter));
      world_->storage().log().Flush();
    }
    return letters;
  }
  v1::GroupInfo Info(const std::string& group = "g") {
    Settle();
    v1::ListGroupsResponse response;
    EXPECT_TRUE(world_->registry().ListGroups(TestCall(), {}, &response).ok());
    for (const v1::GroupInfo& info : response.groups()) {
      if (info.options().name() == group) return info;
    }
    ADD_FAILURE() << "no group " << group;
    return {};
  }

  v1::Acknowledgement Of(uint64_t first) {
    v1::Acknowledgement one;
    one.set_first(first);
    one.set_delivery(delivery_[first]);
    return one;
  }
  // What a client that knows nothing of deliveries says.
  static v1::Acknowledgement Nameless(v1::Acknowledgement one) {
    one.clear_delivery();
    return one;
  }

  // Of the client that entered last.
  const std::string& session() const { return last_.session; }

 private:
  const std::string directory_ = FreshDirectory();
  std::unique_ptr<World> world_;
  Member last_;
  std::map<uint64_t, uint64_t> delivery_;  // by sequence
};

TEST_F(GroupTest, MembersShareTheMessages) {
  auto a = Enter();
  auto b = Enter();
  Publish(1, 10);
  const std::vector<std::string> of_a = Hear(a.get()).payloads();
  const std::vector<std::string> of_b = Hear(b.get()).payloads();
  EXPECT_THAT(of_a, SizeIs(5));
  std::set<std::string> all(of_a.begin(), of_a.end());
  all.insert(of_b.begin(), of_b.end());
  EXPECT_THAT(all, SizeIs(10));
}

TEST_F(GroupTest, AFlushReturnsThoughAMemberNeverStopsAcknowledging) {
  auto member = Enter();
  v1::AcknowledgeRequest request;
  request.set_session(world().Connect().session);
  request.set_queue("D");
  request.set_group("g");
  *request.add_acknowledgements() = Done(1);
  std::atomic<bool> stop = false;
  Notification stopped;
  std::function<void()> acknowledge = [&] {
    v1::AcknowledgeRequest again = request;
    world().broker().Acknowledge(TestCall(), &again, [&](const absl::StatusOr<v1::AcknowledgeResponse>& response) {
      EXPECT_TRUE(response.ok()) << response.status();
      stop ? stopped.Notify() : acknowledge();
    });
  };
  acknowledge();
  std::future<void> flushed = std::async(std::launch::async, [&] { world().broker().FlushToDisk(); });
  EXPECT_EQ(flushed.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  stop = true;
  stopped.WaitForNotification();
}

TEST_F(GroupTest, EachGroupHearsEverything) {
  auto a = Enter(Options("a"));
  auto b = Enter(Options("b"));
  Publish(1, 3);
  EXPECT_THAT(Hear(a.get()).payloads(), ElementsAre("1", "2", "3"));
  EXPECT_THAT(Hear(b.get()).payloads(), ElementsAre("1", "2", "3"));
}

TEST_F(GroupTest, MessageThatIsNotAcknowledgedInTimeComesAgainAndSaysSo) {
  auto a = Enter();
  Publish(1, 2);
  const Heard first = Hear(a.get());
  ASSERT_THAT(first.payloads(), ElementsAre("1", "2"));
  EXPECT_EQ(first.messages[0].attempt(), 0u);
  ExpectNoted(Acknowledge({Done(1)}), 1);
  Pass(absl::Seconds(29));
  EXPECT_THAT(Hear(a.get()).payloads(), IsEmpty());
  Pass(absl::Seconds(2));
  const Heard again = Hear(a.get());
  ASSERT_THAT(again.payloads(), ElementsAre("2"));
  EXPECT_EQ(again.messages[0].attempt(), 2u);
  EXPECT_EQ(again.messages[0].sequence(), 2u);
  EXPECT_EQ(Info().redelivered_messages(), 1u);
}

TEST_F(GroupTest, WhatAMemberHadGoesToAnotherOneAtOnceWhenItLeaves) {
  auto a = Enter();
  Publish(1, 3);
  ASSERT_THAT(Hear(a.get()).payloads(), SizeIs(3));
  auto b = Enter();
  EXPECT_THAT(Hear(b.get()).payloads(), IsEmpty());
  a->Close();
  EXPECT_THAT(Hear(b.get()).payloads(), ElementsAre("1", "2", "3"));
}

TEST_F(GroupTest, MemberHasNoMoreThanItsCredit) {
  v1::GroupOptions options = Options();
  options.set_credit_messages(3);
  auto a = Enter(options);
  Publish(1, 10);
  EXPECT_THAT(Hear(a.get()).payloads(), ElementsAre("1", "2", "3"));
  ExpectNoted(Acknowledge({Done(1, 2)}), 2);
  EXPECT_THAT(Hear(a.get()).payloads(), ElementsAre("4", "5"));
}

TEST_F(GroupTest, MessageThatCannotBeDoneIsADeadLetterWithItsOrigin) {
  v1::GroupOptions options = Options();
  options.set_attempts_max(2);
  auto a = Enter(options);
  Publish(1, 1);
  ASSERT_THAT(Hear(a.get()).payloads(), ElementsAre("1"));
  ExpectNoted(Acknowledge({Retry(1, 0)}), 1);
  ASSERT_THAT(Hear(a.get()).payloads(), ElementsAre("1"));
  EXPECT_THAT(DeadLetters(), IsEmpty());
  ExpectNoted(Acknowledge({Retry(1, 0)}), 1);
  EXPECT_THAT(Hear(a.get()).payloads(), IsEmpty());
  const std::vector<v1::Message> letters = DeadLetters();
  ASSERT_THAT(letters, SizeIs(1));
  EXPECT_EQ(letters[0].payload(), "1");
  EXPECT_EQ(letters[0].event(), "CREATE");
  EXPECT_EQ(letters[0].dead_letter().queue(), "D");
  EXPECT_EQ(letters[0].dead_letter().sequence(), 1u);
  EXPECT_EQ(letters[0].dead_letter().group(), "g");
  EXPECT_EQ(letters[0].dead_letter().attempts(), 2u);
  EXPECT_EQ(letters[0].dead_letter().reason(), "MAX_ATTEMPTS");
  const v1::GroupInfo info = Info();
  EXPECT_EQ(info.dead_messages(), 1u);
  EXPECT_EQ(info.pending_messages() + info.waiting_messages() + info.lag_messages(), 0u);
}

TEST_F(GroupTest, TerminatedMessageIsADeadLetterWhenTheAnswerComes) {
  auto a = Enter();
  Publish(1, 1);
  ASSERT_THAT(Hear(a.get()).payloads(), SizeIs(1));
  ExpectNoted(Acknowledge({Terminate(1, "cannot be parsed")}), 1);
  const std::vector<v1::Message> letters = DeadLetters();
  ASSERT_THAT(letters, SizeIs(1));
  EXPECT_EQ(letters[0].dead_letter().reason(), "cannot be parsed");
  a = nullptr;
  Start();
  auto b = Enter();
  EXPECT_THAT(Hear(b.get()).payloads(), IsEmpty());
  EXPECT_THAT(DeadLetters(), SizeIs(1)) << "the queue that the group made is there again";
}

TEST_F(GroupTest, NobodyCanPublishADeadLetterHimself) {
  v1::PublishRequest request;
  *request.mutable_message() = ToMessage({.queue = "D", .payload = "x"});
  request.mutable_message()->mutable_dead_letter()->set_reason("forged");
  request.mutable_message()->set_attempt(7);
  ASSERT_TRUE(PublishTo(&world().broker(), &request).ok());
  const std::vector<v1::Message> messages = DeadLetters("D");
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_FALSE(messages[0].has_dead_letter());
  EXPECT_EQ(messages[0].attempt(), 0u);
}

TEST_F(GroupTest, StateSurvivesARestart) {
  auto a = Enter();
  Publish(1, 10);
  ASSERT_THAT(Hear(a.get()).payloads(), SizeIs(10));
  ExpectNoted(Acknowledge({Done(1, 3), Done(6)}), 4);
  a = nullptr;
  Start();
  auto b = Enter();
  const Heard again = Hear(b.get());
  EXPECT_THAT(again.payloads(), UnorderedElementsAre("4", "5", "7", "8", "9", "10"));
  for (const v1::Message& message : again.messages) EXPECT_EQ(message.attempt(), 2u) << message.payload();
  Publish(11, 11);
  EXPECT_THAT(Hear(b.get()).payloads(), ElementsAre("11"));
}

TEST_F(GroupTest, AttemptsCountOverRestarts) {
  v1::GroupOptions options = Options();
  options.set_attempts_max(3);
  {
    auto a = Enter(options);
    Publish(1, 1);
    ASSERT_THAT(Hear(a.get()).payloads(), SizeIs(1));
  }
  for (uint32_t attempt = 2; attempt <= 3; ++attempt) {
    Start();
    auto b = Enter();
    const Heard again = Hear(b.get());
    ASSERT_THAT(again.messages, SizeIs(1));
    EXPECT_EQ(again.messages[0].attempt(), attempt);
  }
  Start();
  auto c = Enter();
  EXPECT_THAT(Hear(c.get()).payloads(), IsEmpty());
  EXPECT_THAT(DeadLetters(), SizeIs(1));
}

TEST_F(GroupTest, NewGroupStartsWhereItsFirstMemberSays) {
  Publish(1, 3);
  EXPECT_THAT(Hear(Enter(Options("new")).get()).payloads(), IsEmpty());
  EXPECT_THAT(Hear(Enter(Options("all"), "D", Earliest()).get()).payloads(), ElementsAre("1", "2", "3"));
  EXPECT_THAT(Hear(Enter(Options("some"), "D", FromSequence(3)).get()).payloads(), ElementsAre("3"));
  EXPECT_EQ(TryEnter(Options("last"), "D", Last(1)).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(TryEnter(Options("late"), "D", FromSequence(9)).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(GroupTest, GroupGoesOnWithoutMembers) {
  Enter()->Close();
  Publish(1, 3);
  EXPECT_EQ(Info().lag_messages(), 3u);
  auto later = Enter();
  EXPECT_THAT(Hear(later.get()).payloads(), ElementsAre("1", "2", "3"));
}

TEST_F(GroupTest, GroupHearsTheEventsThatItWants) {
  auto a = Enter(Options(), "D", {}, "CREATE");
  ASSERT_TRUE(world().Publish({.queue = "D", .event = "DELETE", .payload = "no"}).ok());
  Publish(1, 1);
  EXPECT_THAT(Hear(a.get()).payloads(), ElementsAre("1"));
  EXPECT_EQ(Info().lag_messages(), 0u);
}

TEST_F(GroupTest, RoomsOfOthersAreNotForTheGroup) {
  v1::GroupOptions with_room = Options("kitchen");
  with_room.add_rooms("kitchen");
  auto outside = Enter(Options("outside"));
  auto inside = Enter(with_room);
  Publish(1, 1, {"kitchen"});
  Publish(2, 2, {"cellar"});
  Publish(3, 3);
  EXPECT_THAT(Hear(outside.get()).payloads(), ElementsAre("3"));
  EXPECT_THAT(Hear(inside.get()).payloads(), ElementsAre("1", "3"));
}

TEST_F(GroupTest, DeadLetterOfARoomIsForThatRoomOnly) {
  v1::GroupOptions options = Options();
  options.add_rooms("kitchen");
  auto a = Enter(options);
  Publish(1, 1, {"kitchen"});
  ASSERT_THAT(Hear(a.get()).payloads(), SizeIs(1));
  ExpectNoted(Acknowledge({Terminate(1, "no")}), 1);
  EXPECT_THAT(DeadLetters("D.dead"), IsEmpty());
  EXPECT_THAT(DeadLetters("D.dead", {"kitchen"}), SizeIs(1));
}

TEST_F(GroupTest, MessagesOfAKeyGoToOneMember) {
  v1::GroupOptions options = Options();
  options.set_by_key(true);
  std::vector<std::unique_ptr<Listener>> members;
  for (int i = 0; i < 3; ++i) members.push_back(Enter(options));
  for (int i = 0; i < 60; ++i) PublishWithKey(absl::StrCat(i), absl::StrCat("key", i % 20));
  std::set<std::string> seen;
  for (const auto& member : members) {
    std::set<std::string> keys;
    for (const v1::Message& message : Hear(member.get()).messages) keys.insert(message.key());
    for (const std::string& key : keys) EXPECT_TRUE(seen.insert(key).second) << key << " went to two members";
  }
  EXPECT_THAT(seen, SizeIs(20));
}

TEST_F(GroupTest, RefusedMessageComesAgainAfterTheTimeAskedFor) {
  auto a = Enter();
  Publish(1, 1);
  ASSERT_THAT(Hear(a.get()).payloads(), SizeIs(1));
  ExpectNoted(Acknowledge({Retry(1, 60)}), 1);
  Pass(absl::Seconds(59));
  EXPECT_THAT(Hear(a.get()).payloads(), IsEmpty());
  Pass(absl::Seconds(2));
  EXPECT_THAT(Hear(a.get()).payloads(), ElementsAre("1"));
}

TEST_F(GroupTest, ExtendedMessageDoesNotComeAgainBefore) {
  auto a = Enter();
  Publish(1, 1);
  ASSERT_THAT(Hear(a.get()).payloads(), SizeIs(1));
  ExpectNoted(Acknowledge({Extend(1, 3600)}), 1);
  Pass(absl::Seconds(3599));
  EXPECT_THAT(Hear(a.get()).payloads(), IsEmpty());
  Pass(absl::Seconds(2));
  EXPECT_THAT(Hear(a.get()).payloads(), ElementsAre("1"));
}

TEST_F(GroupTest, AcknowledgingTwiceIsNoErrorAndCountsOnce) {
  auto a = Enter();
  Publish(1, 2);
  ASSERT_THAT(Hear(a.get()).payloads(), SizeIs(2));
  ExpectNoted(Acknowledge({Done(1)}), 1);
  ExpectNoted(Acknowledge({Done(1)}), 0, 1);
  ExpectNoted(Acknowledge({Done(1, 1000)}), 1, 999);
  EXPECT_EQ(Info().done_messages(), 2u);
}

TEST_F(GroupTest, LateAcknowledgementDoesNotActOnWhatAnotherMemberHas) {
  auto a = Enter();
  const std::string of_a = session();
  Publish(1, 1);
  ASSERT_THAT(Hear(a.get()).payloads(), SizeIs(1));
  const std::vector<v1::Acknowledgement> late = {Retry(1, 0), Extend(1, 3600), Terminate(1, "no"), Done(1)};
  Pass(absl::Seconds(31));
  a->Close();  // its client lives on
  auto b = Enter();
  const Heard again = Hear(b.get());
  ASSERT_THAT(again.payloads(), ElementsAre("1"));
  for (const v1::Acknowledgement& one : late) {
    ExpectNoted(AcknowledgeAs(of_a, {one}), 0, 1);
    ExpectNoted(AcknowledgeAs(of_a, {Nameless(one)}), 0, 1);
    EXPECT_EQ(Info().pending_messages(), 1u) << one.ShortDebugString();
  }
  EXPECT_THAT(Hear(b.get()).payloads(), IsEmpty());
  ExpectNoted(Acknowledge({Done(1)}), 1);
}

TEST_F(GroupTest, WhatIsDoneLateCountsUntilTheMessageIsDeliveredAgain) {
  auto a = Enter();
  Publish(1, 2);
  ASSERT_THAT(Hear(a.get()).payloads(), SizeIs(2));
  ExpectNoted(Acknowledge({Retry(1, 60), Retry(2, 60)}), 2);
  ExpectNoted(Acknowledge({Extend(1, 60)}), 0, 1);
  ExpectNoted(Acknowledge({Done(1)}), 1);
  Pass(absl::Seconds(61));
  EXPECT_THAT(Hear(a.get()).payloads(), ElementsAre("2"));
}

TEST_F(GroupTest, ClientThatNamesNoDeliveryMeansWhatItsOwnMembersHave) {
  auto a = Enter();
  const std::string of_a = session();
  Publish(1, 1);
  ASSERT_THAT(Hear(a.get()).payloads(), ElementsAre("1"));
  ExpectNoted(Acknowledge({Nameless(Done(1))}), 0, 1);
  ExpectNoted(AcknowledgeAs(of_a, {Nameless(Extend(1, 60)), Nameless(Done(1))}), 2);
  EXPECT_EQ(Info().done_messages(), 1u);
}

TEST_F(GroupTest, MemberThatLeavesBeforeItReadsUsesUpNoAttempt) {
  v1::GroupOptions options = Options();
  options.set_attempts_max(1);
  auto a = Enter(options);
  Publish(1, 3);
  Settle();
  a->Close();
  auto b = Enter(options);
  EXPECT_THAT(Hear(b.get()).payloads(), ElementsAre("1", "2", "3"));
  b->Close();
  auto c = Enter(options);
  EXPECT_THAT(Hear(c.get()).payloads(), IsEmpty());
  EXPECT_THAT(DeadLetters(), SizeIs(3)) << "what was read is";
}

TEST_F(GroupTest, AcknowledgementOfBeforeARestartCountsUntilTheMessageIsDeliveredAgain) {
  auto a = Enter();
  Publish(1, 2);
  ASSERT_THAT(Hear(a.get()).payloads(), SizeIs(2));
  a = nullptr;
  Start();
  ExpectNoted(Acknowledge({Done(1)}), 1);
  const v1::Acknowledgement late = Done(2);
  auto b = Enter();
  ASSERT_THAT(Hear(b.get()).payloads(), ElementsAre("2"));
  ExpectNoted(Acknowledge({late}), 0, 1);
}

TEST_F(GroupTest, GroupThatIsMadeAnewKnowsNothingOfTheOldOne) {
  auto a = Enter();
  Publish(1, 1);
  ASSERT_THAT(Hear(a.get()).payloads(), SizeIs(1));
  const v1::Acknowledgement late = Done(1);
  ASSERT_TRUE(world().name_space().DeleteGroup("D", "g").ok());
  Pass(absl::Milliseconds(1));
  auto b = Enter(Options(), "D", Earliest());
  ASSERT_THAT(Hear(b.get()).payloads(), ElementsAre("1"));
  ExpectNoted(Acknowledge({late}), 0, 1);
}

TEST_F(GroupTest, AcknowledgementNamesNoMoreMessagesThanTheLimit) {
  auto a = Enter();
  Publish(1, 2);
  ASSERT_THAT(Hear(a.get()).payloads(), SizeIs(2));
  for (const std::vector<v1::Acknowledgement>& many :
       {std::vector{Done(1, 100'001)}, std::vector{Done(1, 60'000), Done(60'001, 100'001)},
        std::vector{Extend(1, 60), Done(1, UINT64_MAX)}, std::vector{Done(1, UINT64_MAX), Done(1, UINT64_MAX)}}) {
    const absl::Status status = Acknowledge(many).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(ReasonOf(status), "LIMIT_EXCEEDED");
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr("acknowledged_messages"));
  }
  EXPECT_EQ(Info().pending_messages(), 2u);
  ExpectNoted(Acknowledge({Done(1, 99'999)}), 2, 99'997);
  ExpectNoted(Acknowledge({Done(1, 60'000), Done(60'001, 100'000)}), 0, 100'000);
}

TEST_F(GroupTest, DeadLettersDoNotGoInACircle) {
  v1::GroupOptions of_short = Options();
  of_short.set_dead_letter_queue("D");
  v1::GroupOptions of_d = Options();
  of_d.set_dead_letter_queue("Short");
  auto a = Enter(of_short, "Short");
  const absl::Status status = TryEnter(of_d).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "DEAD_LETTER_CYCLE");
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("D -> Short -> D"));
}

TEST_F(GroupTest, WhatTheRetentionTakesIsAGap) {
  v1::GroupOptions options = Options();
  options.set_credit_messages(1);
  auto a = Enter(options, "Short");
  Publish(1, 20, {}, "Short");
  ASSERT_THAT(Hear(a.get()).payloads(), ElementsAre("1"));
  Pass(absl::Seconds(1));  // keeps five
  Publish(21, 21, {}, "Short");
  const Heard heard = Hear(a.get());
  ASSERT_THAT(heard.gaps, SizeIs(1));
  EXPECT_EQ(heard.gaps[0].first(), 1u);
  EXPECT_EQ(heard.gaps[0].last(), 15u);
  EXPECT_EQ(heard.gaps[0].count(), 15u);
  EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_RETENTION);
  EXPECT_THAT(heard.payloads(), ElementsAre("16"));
  EXPECT_EQ(Info().lost_messages(), 15u);
}

TEST_F(GroupTest, LiveQueueHasNoGroups) {
  const absl::Status status = TryEnter(Options(), "Live").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "GROUP_NEEDS_DISK");
  EXPECT_EQ(TryEnter(Options(), "Unknown").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(GroupTest, MemberThatWantsAnotherGroupIsRefused) {
  v1::GroupOptions options = Options();
  options.set_attempts_max(3);
  auto a = Enter(options);
  options.set_attempts_max(4);
  const absl::Status status = TryEnter(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "OTHER_GROUP");
  options.set_attempts_max(0);
  EXPECT_TRUE(TryEnter(options).ok()) << "unset: as it is";
}

TEST_F(GroupTest, GroupsOfAQueueAreBounded) {
  Start(absl::StrCat("limits { groups_per_queue: 2 }", kConfig));
  auto a = Enter(Options("a"));
  auto b = Enter(Options("b"));
  const absl::Status status = TryEnter(Options("c")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(TryEnter(Options("b")).ok());
  EXPECT_TRUE(TryEnter(Options("c"), "Short").ok());
}

TEST_F(GroupTest, BadAcknowledgementsAreRefused) {
  auto a = Enter();
  EXPECT_EQ(Acknowledge({Done(1)}, "unknown").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Acknowledge({Done(1)}, "g", "unknown").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Acknowledge({}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Acknowledge({Done(0)}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Acknowledge({Done(5, 4)}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Acknowledge({Extend(1, 0)}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Acknowledge({Retry(1, 43'201)}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Acknowledge({Terminate(1, std::string(1025, 'x'))}).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Acknowledge({v1::Acknowledgement()}).status().code(), absl::StatusCode::kInvalidArgument);
  ExpectNoted(Acknowledge({Done(UINT64_MAX - 1, UINT64_MAX)}), 0, 2);
}

TEST_F(GroupTest, BadOptionsAreRefused) {
  const auto code = [this](const std::function<void(v1::GroupOptions*)>& spoil) {
    v1::GroupOptions options = Options();
    spoil(&options);
    return TryEnter(options).status().code();
  };
  using Options = v1::GroupOptions;
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_EQ(code([](Options* o) { o->set_name(""); }), kInvalid);
  EXPECT_EQ(code([](Options* o) { o->mutable_ack_deadline()->set_nanos(999'999'999); }), kInvalid);
  EXPECT_EQ(code([](Options* o) { o->mutable_ack_deadline()->set_seconds(43'201); }), kInvalid);
  EXPECT_EQ(code([](Options* o) { o->set_attempts_max(1001); }), kInvalid);
  EXPECT_EQ(code([](Options* o) { o->mutable_backoff()->set_seconds(3601); }), kInvalid);
  EXPECT_EQ(code([](Options* o) { o->mutable_backoff_max()->set_seconds(43'201); }), kInvalid);
  EXPECT_EQ(code([](Options* o) { o->set_credit_messages(10'001); }), kInvalid);
  EXPECT_EQ(code([](Options* o) { o->set_credit_bytes((64 << 20) + 1); }), kInvalid);
  EXPECT_EQ(code([](Options* o) { o->set_dead_letter_queue("D"); }), kInvalid);
  EXPECT_EQ(code([](Options* o) { o->set_dead_letter_queue("a b"); }), kInvalid);
  EXPECT_EQ(code([](Options* o) { o->add_rooms(""); }), kInvalid);
  EXPECT_EQ(code([](Options* o) { o->set_dead_letter_queue("Live"); }), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code([](Options* o) {
              for (int i = 0; i < 101; ++i) o->add_rooms(absl::StrCat("r", i));
            }),
            absl::StatusCode::kResourceExhausted);
  v1::SubscribeRequest two = SubscribeTo(world().Connect(), {{"D", ""}, {"Short", ""}});
  *two.mutable_group() = GroupTest::Options();
  EXPECT_EQ(world().TryListen(two).status().code(), kInvalid);
}

TEST_F(GroupTest, CreditIsBoundedByTheLimits) {
  for (const uint64_t credit : {9'999, 10'000}) {
    v1::GroupOptions options = Options();
    options.set_credit_messages(credit);
    EXPECT_TRUE(TryEnter(options).ok()) << credit;
  }
  for (const uint64_t credit : {(64 << 20) - 1, 64 << 20}) {
    v1::GroupOptions options = Options();
    options.set_credit_bytes(credit);
    EXPECT_TRUE(TryEnter(options).ok()) << credit;
  }
  v1::GroupOptions options = Options();
  options.set_credit_messages(10'001);
  const absl::Status status = TryEnter(options).status();
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("10001"));
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("10000"));
}

TEST_F(GroupTest, GroupsAreListedInPages) {
  std::vector<std::unique_ptr<Listener>> members;
  for (const char* name : {"a", "b", "c"}) members.push_back(Enter(Options(name)));
  members.push_back(Enter(Options("d"), "Short"));
  v1::ListGroupsRequest request;
  request.set_page_size(3);
  v1::ListGroupsResponse first;
  ASSERT_TRUE(world().registry().ListGroups(TestCall(), request, &first).ok());
  EXPECT_THAT(first.groups(), SizeIs(3));
  request.set_page_token(first.next_page_token());
  v1::ListGroupsResponse second;
  ASSERT_TRUE(world().registry().ListGroups(TestCall(), request, &second).ok());
  ASSERT_THAT(second.groups(), SizeIs(1));
  EXPECT_EQ(second.groups(0).queue(), "Short");
  EXPECT_EQ(second.next_page_token(), "");
  v1::ListGroupsRequest of_queue;
  of_queue.set_queue("Short");
  v1::ListGroupsResponse only;
  ASSERT_TRUE(world().registry().ListGroups(TestCall(), of_queue, &only).ok());
  EXPECT_THAT(only.groups(), SizeIs(1));
}

}  // namespace
}  // namespace nmq::broker
