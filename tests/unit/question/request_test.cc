// Questions and answers, from the asker's request to the listener's reply.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What the asker was answered; nothing as long as it waits.
struct Asked {
  std::optional<absl::StatusOr<v1::RequestResponse>> answer;

  const v1::RequestResponse& response() const { return answer->value(); }
  absl::Status status() const { return answer->status(); }
};

v1::RequestRequest Question(const Post& post = {}) {
  v1::RequestRequest request;
  *request.mutable_message() = ToMessage(post);
  return request;
}

std::shared_ptr<Asked> Ask(World* world, v1::RequestRequest request) {
  auto asked = std::make_shared<Asked>();
  world->broker().Ask(TestCall(), &request, [asked](absl::StatusOr<v1::RequestResponse> response) {
    EXPECT_FALSE(asked->answer.has_value());
    asked->answer = std::move(response);
  });
  return asked;
}

absl::Status Reply(World* world, const Member& member, const std::string& reply_to,
                   const std::string& payload = "yes") {
  v1::ReplyRequest request;
  request.set_session(member.session);
  request.set_reply_to(reply_to);
  request.set_payload(payload);
  return world->broker().Reply(TestCall(), &request);
}

TEST(Request, BringsTheAnswerOfWhoeverHearsIt) {
  World world;
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  auto asked = Ask(&world, Question({.payload = "how many?"}));
  EXPECT_FALSE(asked->answer.has_value());
  const v1::Message question = listener->HearAll().messages.at(0);
  EXPECT_EQ(question.payload(), "how many?");
  EXPECT_GE(question.reply_to().size(), 32u);
  v1::ReplyRequest reply;
  reply.set_session(member.session);
  reply.set_reply_to(question.reply_to());
  reply.set_payload("17");
  reply.set_content_type("text/plain");
  (*reply.mutable_headers())["took"] = "1ms";
  EXPECT_TRUE(world.broker().Reply(TestCall(), &reply).ok());
  ASSERT_TRUE(asked->answer.has_value());
  ASSERT_EQ(asked->response().answers_size(), 1);
  const v1::Answer& answer = asked->response().answers(0);
  EXPECT_EQ(answer.client_id(), member.id);
  EXPECT_EQ(answer.payload(), "17");
  EXPECT_EQ(answer.content_type(), "text/plain");
  EXPECT_EQ(answer.headers().at("took"), "1ms");
  EXPECT_FALSE(answer.has_error());
  EXPECT_TRUE(asked->response().complete());
  EXPECT_EQ(asked->response().matched(), 1u);
  EXPECT_EQ(asked->response().position().queue(), "DB");
  EXPECT_EQ(asked->response().position().epoch(), question.epoch());
  EXPECT_EQ(asked->response().position().sequence(), 1u);
}

TEST(Request, TokensDiffer) {
  World world;
  auto listener = world.Listen(world.Connect());
  Ask(&world, Question());
  Ask(&world, Question());
  const Heard heard = listener->HearAll();
  ASSERT_EQ(heard.messages.size(), 2u);
  EXPECT_NE(heard.messages[0].reply_to(), heard.messages[1].reply_to());
}

TEST(Request, OnlyAQuestionHasReplyTo) {
  World world;
  auto listener = world.Listen(world.Connect());
  v1::PublishRequest request;
  *request.mutable_message() = ToMessage({});
  request.mutable_message()->set_reply_to("forged");
  ASSERT_TRUE(PublishTo(&world.broker(), &request).ok());
  v1::RequestRequest question = Question();
  question.mutable_message()->set_reply_to("forged");
  Ask(&world, question);
  const Heard heard = listener->HearAll();
  ASSERT_EQ(heard.messages.size(), 2u);
  EXPECT_EQ(heard.messages[0].reply_to(), "");
  EXPECT_THAT(heard.messages[1].reply_to(), testing::Not(HasSubstr("forged")));
}

TEST(Request, WholeRoomAnswers) {
  World world;
  const Member a = world.Connect("", {"kitchen"});
  const Member b = world.Connect("", {"kitchen"});
  const Member c = world.Connect();
  auto listener_a = world.Listen(a);
  auto listener_b = world.Listen(b);
  auto listener_c = world.Listen(c);
  auto asked = Ask(&world, Question({.rooms = {"kitchen"}}));
  EXPECT_THAT(listener_c->Payloads(), IsEmpty());
  const std::string reply_to = listener_a->HearAll().messages.at(0).reply_to();
  EXPECT_TRUE(Reply(&world, a, reply_to, "a").ok());
  EXPECT_FALSE(asked->answer.has_value());
  EXPECT_TRUE(Reply(&world, b, reply_to, "b").ok());
  ASSERT_TRUE(asked->answer.has_value());
  EXPECT_EQ(asked->response().answers_size(), 2);
  EXPECT_EQ(asked->response().matched(), 2u);
}

TEST(Request, EndsAtOnceAndLeavesNothingWhenNobodyListens) {
  World world;
  ASSERT_TRUE(world.Publish({.payload = "before"}).ok());
  auto asked = Ask(&world, Question());
  ASSERT_TRUE(asked->answer.has_value());
  EXPECT_TRUE(absl::IsUnavailable(asked->status())) << asked->status();
  EXPECT_EQ(ReasonOf(asked->status()), "NOBODY_LISTENS");
  EXPECT_EQ(world.Publish({.payload = "after"})->sequence(), 2u);
  auto listener = world.Listen(world.Connect(), {{"DB", ""}}, Earliest());
  EXPECT_THAT(listener->Payloads(), ElementsAre("before", "after"));
}

TEST(Request, ThatNobodyListensToMakesNoQueue) {
  World world;
  auto asked = Ask(&world, Question({.queue = "new"}));
  EXPECT_EQ(ReasonOf(asked->status()), "NOBODY_LISTENS");
  v1::NamespaceInfo info;
  world.name_space().Describe(&info);
  EXPECT_EQ(info.queues(), 0u);
}

TEST(Request, MakesTheQueueThatSomebodyWaitsFor) {
  World world;
  auto listener = world.Listen(world.Connect());
  auto asked = Ask(&world, Question({.queue = "new"}));
  EXPECT_FALSE(asked->answer.has_value());
  EXPECT_EQ(listener->HearAll().messages.size(), 1u);
}

TEST(Request, NobodyListensWhereTheRoomOrTheEventIsAnother) {
  World world;
  auto listener = world.Listen(world.Connect("", {"kitchen"}), {{"DB", "DELETE"}});
  EXPECT_EQ(ReasonOf(Ask(&world, Question({.rooms = {"cellar"}}))->status()), "NOBODY_LISTENS");
  EXPECT_EQ(ReasonOf(Ask(&world, Question({.event = "CREATE"}))->status()), "NOBODY_LISTENS");
  EXPECT_THAT(listener->Payloads(), IsEmpty());
}

TEST(Request, AskerMayExceptItself) {
  World world;
  const Member asker = world.Connect();
  auto own = world.Listen(asker);
  v1::RequestRequest question = Question({.except_publisher = true});
  question.set_session(asker.session);
  EXPECT_EQ(ReasonOf(Ask(&world, question)->status()), "NOBODY_LISTENS");
}

TEST(Request, EndsEarlyWhenTheListenerDisconnects) {
  World world;
  const Member a = world.Connect();
  const Member b = world.Connect();
  auto listener_a = world.Listen(a);
  auto listener_b = world.Listen(b);
  auto asked = Ask(&world, Question());
  EXPECT_TRUE(Reply(&world, a, listener_a->HearAll().messages.at(0).reply_to()).ok());
  ASSERT_TRUE(world.Disconnect(b).ok());
  ASSERT_TRUE(asked->answer.has_value());
  EXPECT_EQ(asked->response().answers_size(), 1);
  EXPECT_FALSE(asked->response().complete());
}

TEST(Request, EndsEarlyWhenTheListenersLeaseRunsOut) {
  World world;
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  v1::RequestRequest question = Question();
  question.mutable_timeout()->set_seconds(60);
  auto asked = Ask(&world, question);
  listener->Close();
  world.clock().Advance(absl::Seconds(29));
  world.Housekeep();
  EXPECT_FALSE(asked->answer.has_value()) << "it may come back and answer";
  world.clock().Advance(absl::Seconds(2));
  world.Housekeep();
  ASSERT_TRUE(asked->answer.has_value());
  EXPECT_FALSE(asked->response().complete());
}

TEST(Request, EndsWhenItsTimeIsOver) {
  World world;
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  auto asked = Ask(&world, Question());
  EXPECT_EQ(world.broker().NextQuestionDeadline(), world.clock().Monotonic() + absl::Seconds(5));
  world.clock().Advance(absl::Milliseconds(4999));
  world.broker().ExpireQuestions();
  EXPECT_FALSE(asked->answer.has_value());
  world.clock().Advance(absl::Milliseconds(1));
  world.broker().ExpireQuestions();
  ASSERT_TRUE(asked->answer.has_value());
  EXPECT_EQ(asked->response().answers_size(), 0);
  EXPECT_FALSE(asked->response().complete());
  EXPECT_EQ(asked->response().matched(), 1u);
  EXPECT_EQ(world.broker().NextQuestionDeadline(), std::nullopt);
  const absl::Status late = Reply(&world, member, listener->HearAll().messages.at(0).reply_to());
  EXPECT_TRUE(absl::IsNotFound(late)) << late;
}

TEST(Request, TimeoutIsFromOneMillisecondToTheLimit) {
  World world("limits { request_max { seconds: 10 } }");
  auto listener = world.Listen(world.Connect());
  auto ask = [&](int64_t seconds, int32_t nanos) {
    v1::RequestRequest question = Question();
    question.mutable_timeout()->set_seconds(seconds);
    question.mutable_timeout()->set_nanos(nanos);
    auto asked = Ask(&world, question);
    return asked->answer.has_value() ? asked->status() : absl::OkStatus();
  };
  EXPECT_TRUE(ask(0, 1'000'000).ok());
  EXPECT_TRUE(ask(10, 0).ok());
  for (const absl::Status& status : {ask(0, 0), ask(0, 999'999), ask(10, 1), ask(-1, 0)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("is not in 1ms to 10s"));
  }
}

TEST(Request, DefaultTimeoutIsNotAboveTheLimit) {
  World world("limits { request_max { seconds: 2 } }");
  auto listener = world.Listen(world.Connect());
  Ask(&world, Question());
  EXPECT_EQ(world.broker().NextQuestionDeadline(), world.clock().Monotonic() + absl::Seconds(2));
}

TEST(Request, IsNeverADuplicate) {
  World world;
  auto listener = world.Listen(world.Connect());
  v1::RequestRequest again = Question();
  again.mutable_message()->set_request_id("17");
  EXPECT_EQ(MetadataOf(Ask(&world, again)->status(), "field"), "message.request_id");
  v1::RequestRequest nothing;
  EXPECT_EQ(MetadataOf(Ask(&world, nothing)->status(), "field"), "message");
  EXPECT_THAT(listener->Payloads(), IsEmpty());
}

TEST(Request, ChecksItsMessageAsPublishDoes) {
  World world("limits { payload_bytes: 10 } namespace { name: 'shop' queue { name: 'DB' event: 'CREATE' } }");
  auto listener = world.Listen(world.Connect("shop"));
  v1::RequestRequest large = Question({.payload = std::string(11, 'p')});
  large.set_namespace_("shop");
  EXPECT_EQ(MetadataOf(Ask(&world, large)->status(), "limit"), "payload_bytes");
  EXPECT_EQ(world.Refused("shop"), 1u);
  v1::RequestRequest other = Question({.event = "OTHER"});
  other.set_namespace_("shop");
  EXPECT_EQ(ReasonOf(Ask(&world, other)->status()), "EVENT_NOT_FOUND");
}

TEST(Request, FailedOnesHoldNoPlace) {
  World world("limits { requests: 1 }");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ReasonOf(Ask(&world, Question())->status()), "NOBODY_LISTENS");
  auto listener = world.Listen(world.Connect());
  EXPECT_FALSE(Ask(&world, Question())->answer.has_value());
  auto refused = Ask(&world, Question());
  ASSERT_TRUE(refused->answer.has_value());
  EXPECT_EQ(MetadataOf(refused->status(), "limit"), "requests");
  EXPECT_EQ(world.Refused(), 1u);
}

TEST(Request, DrainEndsWhatWaitsAndRefusesWhatComes) {
  World world;
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  auto first = Ask(&world, Question({.payload = "1"}));
  auto second = Ask(&world, Question({.payload = "2"}));
  world.broker().StartDrain();
  const Heard heard = listener->HearAll();
  EXPECT_TRUE(Reply(&world, member, heard.messages.at(0).reply_to()).ok()) << "what was asked may be answered";
  EXPECT_TRUE(first->response().complete());
  world.broker().EndQuestions();
  EXPECT_EQ(ReasonOf(second->status()), "QUESTION_ABANDONED");
  EXPECT_EQ(ReasonOf(Ask(&world, Question())->status()), "DRAINING");
}

TEST(Reply, NeedsASessionOfTheNamespace) {
  World world("namespace { name: 'other' automatic_queues: true }");
  auto listener = world.Listen(world.Connect());
  auto asked = Ask(&world, Question());
  const std::string reply_to = listener->HearAll().messages.at(0).reply_to();
  EXPECT_TRUE(absl::IsInvalidArgument(Reply(&world, {}, reply_to)));
  const Member stranger = world.Connect("other");
  EXPECT_EQ(ReasonOf(Reply(&world, stranger, reply_to)), "QUESTION_NOT_FOUND");
  EXPECT_FALSE(asked->answer.has_value());
}

TEST(Reply, IsCheckedLikeAMessage) {
  World world("limits { payload_bytes: 10 headers: 1 header_value_bytes: 4 }");
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  auto asked = Ask(&world, Question());
  const std::string reply_to = listener->HearAll().messages.at(0).reply_to();
  auto reply = [&](auto fill) {
    v1::ReplyRequest request;
    request.set_session(member.session);
    request.set_reply_to(reply_to);
    fill(&request);
    return world.broker().Reply(TestCall(), &request);
  };
  EXPECT_EQ(MetadataOf(reply([](auto* r) { r->clear_reply_to(); }), "field"), "reply_to");
  EXPECT_EQ(MetadataOf(reply([](auto* r) { r->set_payload(std::string(11, 'p')); }), "limit"), "payload_bytes");
  EXPECT_EQ(MetadataOf(reply([](auto* r) { r->set_content_type("12345"); }), "limit"), "header_value_bytes");
  EXPECT_EQ(MetadataOf(reply([](auto* r) { (*r->mutable_headers())[""] = "1"; }), "field"), "headers");
  EXPECT_EQ(MetadataOf(reply([](auto* r) { (*r->mutable_headers())["h"] = "12345"; }), "limit"), "header_value_bytes");
  EXPECT_EQ(MetadataOf(reply([](auto* r) { r->mutable_error()->set_message("no"); }), "field"), "error.code");
  EXPECT_EQ(world.Refused(), 3u);
  EXPECT_FALSE(asked->answer.has_value());
  EXPECT_TRUE(reply([](auto* r) { r->mutable_error()->set_code(5); }).ok());
  EXPECT_EQ(asked->response().answers(0).error().code(), 5);
}

}  // namespace
}  // namespace nmq::broker
