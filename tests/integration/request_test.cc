// Questions and answers between real connections.
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/broker.h"
#include "tests/integration/fixture.h"

namespace nmq::integration {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

v1::RequestRequest Question(const v1::Message& message, int seconds = 20) {
  v1::RequestRequest request;
  *request.mutable_message() = message;
  request.mutable_timeout()->set_seconds(seconds);
  return request;
}
v1::RequestRequest Question(const std::string& payload = "?") { return Question(MakeMessage("DB", "COUNT", payload)); }

struct Outcome {
  grpc::Status status;
  v1::RequestResponse response;

  std::vector<std::string> payloads() const {
    std::vector<std::string> payloads;
    for (const v1::Answer& answer : response.answers()) payloads.push_back(answer.payload());
    return payloads;
  }
};

// A question that is asked while the test goes on.
std::future<Outcome> Ask(Api* api, const v1::RequestRequest& request) {
  return std::async(std::launch::async, [api, request] {
    Outcome outcome;
    outcome.status = api->Call(&v1::MessageQueue::Stub::Request, request, &outcome.response);
    return outcome;
  });
}

grpc::Status Reply(const TestClient& client, const std::string& reply_to, const std::string& payload) {
  v1::ReplyRequest reply;
  reply.set_session(client.session());
  reply.set_reply_to(reply_to);
  reply.set_payload(payload);
  return client.api().Try(&v1::MessageQueue::Stub::Reply, reply);
}

constexpr char kNoQuestion[] = "NOT_FOUND QUESTION_NOT_FOUND";

class RequestTest : public testing::Test {
 protected:
  explicit RequestTest(const std::string& config = "") : server_(config) {}

  TestServer server_;
  Api asker_{server_};
  Api api_{server_};
};

TEST_F(RequestTest, OneReceiverAnswersAtOnce) {
  const TestClient client(&api_);
  auto listener = client.Subscribe("DB");
  auto asked = Ask(&asker_, Question("how many?"));
  const v1::Message question = listener->NextMessage();
  EXPECT_EQ(question.payload(), "how many?");
  EXPECT_EQ(Summary(Reply(client, question.reply_to(), "17")), "OK");
  const Outcome outcome = asked.get();
  EXPECT_EQ(Summary(outcome.status), "OK");
  EXPECT_THAT(outcome.payloads(), ElementsAre("17"));
  EXPECT_EQ(outcome.response.answers(0).client_id(), client.id());
  EXPECT_TRUE(outcome.response.complete());
  EXPECT_EQ(outcome.response.matched(), 1);
  EXPECT_EQ(outcome.response.position().sequence(), question.sequence());
  EXPECT_EQ(Summary(Reply(client, question.reply_to(), "again")), kNoQuestion);
}

TEST_F(RequestTest, WholeRoomAnswersAndNobodyElse) {
  std::vector<std::unique_ptr<TestClient>> clients;
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<TestClient>(&api_));
    if (i < 4) clients.back()->Join({"kitchen"});
    listeners.push_back(clients.back()->Subscribe("DB"));
  }
  auto asked = Ask(&asker_, Question(ForRooms(MakeMessage("DB", "COUNT", "?"), {"kitchen"})));
  for (int i = 3; i >= 0; --i) {
    EXPECT_EQ(Summary(Reply(*clients[i], listeners[i]->NextMessage().reply_to(), absl::StrCat(i))), "OK");
  }
  const Outcome outcome = asked.get();
  EXPECT_THAT(outcome.payloads(), ElementsAre("3", "2", "1", "0"));
  EXPECT_TRUE(outcome.response.complete());
  EXPECT_EQ(outcome.response.matched(), 4);
}

TEST_F(RequestTest, FirstAnswersAreEnoughIfSoAsked) {
  const TestClient a(&api_);
  const TestClient b(&api_);
  auto listener_a = a.Subscribe("DB");
  auto listener_b = b.Subscribe("DB");
  v1::RequestRequest question = Question();
  question.set_replies_max(1);
  auto asked = Ask(&asker_, question);
  EXPECT_EQ(Summary(Reply(b, listener_b->NextMessage().reply_to(), "b")), "OK");
  const Outcome outcome = asked.get();
  EXPECT_THAT(outcome.payloads(), ElementsAre("b"));
  EXPECT_TRUE(outcome.response.complete());
  EXPECT_EQ(outcome.response.matched(), 2);
  EXPECT_EQ(Summary(Reply(a, listener_a->NextMessage().reply_to(), "a")), kNoQuestion);
}

TEST_F(RequestTest, WhatComesInTimeIsMarkedAsPartial) {
  const TestClient a(&api_);
  const TestClient b(&api_);
  auto listener_a = a.Subscribe("DB");
  auto listener_b = b.Subscribe("DB");
  v1::RequestRequest question = Question();
  question.mutable_timeout()->set_seconds(2);
  auto asked = Ask(&asker_, question);
  EXPECT_EQ(Summary(Reply(a, listener_a->NextMessage().reply_to(), "a")), "OK");
  const Outcome outcome = asked.get();
  EXPECT_EQ(Summary(outcome.status), "OK");
  EXPECT_THAT(outcome.payloads(), ElementsAre("a"));
  EXPECT_FALSE(outcome.response.complete());
  EXPECT_EQ(Summary(Reply(b, listener_b->NextMessage().reply_to(), "late")), kNoQuestion);
}

TEST_F(RequestTest, OneQuestionsTimeDoesNotWaitForAnothers) {
  const TestClient client(&api_);
  auto listener = client.Subscribe("DB");
  auto slow = Ask(&asker_, Question("slow"));
  const std::string reply_to = listener->NextMessage().reply_to();
  v1::RequestRequest question = Question("quick");
  question.mutable_timeout()->set_seconds(0);
  question.mutable_timeout()->set_nanos(1'000'000);
  const Outcome outcome = Ask(&asker_, question).get();
  EXPECT_EQ(Summary(outcome.status), "OK");
  EXPECT_FALSE(outcome.response.complete());
  EXPECT_EQ(Summary(Reply(client, reply_to, "yes")), "OK");
  EXPECT_TRUE(slow.get().response.complete());
}

TEST_F(RequestTest, NobodyListensIsSaidAtOnceAndTheQuestionIsNotKept) {
  const Outcome outcome = Ask(&asker_, Question()).get();
  EXPECT_EQ(Summary(outcome.status), "UNAVAILABLE NOBODY_LISTENS event=COUNT queue=DB");
  EXPECT_EQ(InfoOf(&api_).queues(), 0);
}

TEST_F(RequestTest, EndsEarlyWhenTheOnlyListenerLeaves) {
  const TestClient client(&api_);
  auto listener = client.Subscribe("DB");
  auto asked = Ask(&asker_, Question());
  listener->NextMessage();
  client.Disconnect();
  const Outcome outcome = asked.get();
  EXPECT_EQ(Summary(outcome.status), "OK");
  EXPECT_THAT(outcome.payloads(), IsEmpty());
  EXPECT_FALSE(outcome.response.complete());
}

TEST_F(RequestTest, ErrorAnswerIsAnAnswer) {
  const TestClient client(&api_);
  auto listener = client.Subscribe("DB");
  auto asked = Ask(&asker_, Question());
  v1::ReplyRequest reply;
  reply.set_session(client.session());
  reply.set_reply_to(listener->NextMessage().reply_to());
  reply.mutable_error()->set_code(grpc::StatusCode::NOT_FOUND);
  reply.mutable_error()->set_message("no such record");
  EXPECT_EQ(Summary(api_.Try(&v1::MessageQueue::Stub::Reply, reply)), "OK");
  const Outcome outcome = asked.get();
  ASSERT_EQ(outcome.response.answers_size(), 1);
  EXPECT_EQ(outcome.response.answers(0).error().message(), "no such record");
  EXPECT_TRUE(outcome.response.complete());
}

TEST_F(RequestTest, AskerThatGivesUpLeavesTheServerWell) {
  const TestClient client(&api_);
  auto listener = client.Subscribe("DB");
  auto context = NewContext();
  auto asked = std::async(std::launch::async, [&] {
    v1::RequestResponse response;
    return asker_.queue().Request(context.get(), Question(), &response);
  });
  const std::string reply_to = listener->NextMessage().reply_to();
  context->TryCancel();
  EXPECT_EQ(asked.get().error_code(), grpc::StatusCode::CANCELLED);
  Reply(client, reply_to, "to nobody");
  auto next = Ask(&asker_, Question("next"));
  EXPECT_EQ(Summary(Reply(client, listener->NextMessage().reply_to(), "yes")), "OK");
  EXPECT_THAT(next.get().payloads(), ElementsAre("yes"));
}

TEST_F(RequestTest, ManyAtOnceGetEachItsOwnAnswer) {
  constexpr int kQuestions = 300;
  const TestClient client(&api_);
  auto listener = client.Subscribe("DB");
  std::thread answerer([&] {
    for (int i = 0; i < kQuestions; ++i) {
      const v1::Message question = listener->NextMessage();
      EXPECT_TRUE(Reply(client, question.reply_to(), question.payload()).ok());
    }
  });
  std::vector<std::thread> askers;
  for (int i = 0; i < 6; ++i) {
    askers.emplace_back([&, i] {
      Api own(server_);
      for (int j = 0; j < kQuestions / 6; ++j) {
        const std::string payload = absl::StrCat(i, ".", j);
        v1::RequestResponse response;
        EXPECT_TRUE(own.Call(&v1::MessageQueue::Stub::Request, Question(payload), &response).ok());
        EXPECT_EQ(response.answers_size(), 1);
        for (const v1::Answer& answer : response.answers()) EXPECT_EQ(answer.payload(), payload);
      }
    });
  }
  for (std::thread& asker : askers) asker.join();
  answerer.join();
}

TEST_F(RequestTest, MayBeAnsweredWhileTheServerDrains) {
  const TestClient client(&api_);
  auto listener = client.Subscribe("DB");
  auto asked = Ask(&asker_, Question());
  const std::string reply_to = listener->NextMessage().reply_to();
  std::thread stop([&] { server_.Stop(absl::Seconds(20)); });
  EXPECT_TRUE(WaitUntil([&] { return server_.broker().draining(); }));
  EXPECT_EQ(Summary(Ask(&asker_, Question()).get().status), "UNAVAILABLE DRAINING retry=1s");
  EXPECT_EQ(Summary(Reply(client, reply_to, "yes")), "OK");
  EXPECT_THAT(asked.get().payloads(), ElementsAre("yes"));
  client.Disconnect();
  stop.join();
}

TEST_F(RequestTest, EndsWithUnavailableWhenTheServerStops) {
  const TestClient client(&api_);
  auto listener = client.Subscribe("DB");
  std::vector<std::future<Outcome>> asked;
  for (int i = 0; i < 100; ++i) {
    asked.push_back(Ask(&asker_, Question()));
    listener->NextMessage();
  }
  server_.Stop(absl::ZeroDuration());
  for (auto& question : asked) EXPECT_EQ(Summary(question.get().status), "UNAVAILABLE QUESTION_ABANDONED");
}

TEST_F(RequestTest, TimeoutIsBoundedByTheLimit) {
  const TestClient client(&api_);
  auto listener = client.Subscribe("DB");
  EXPECT_EQ(Summary(Ask(&asker_, Question(MakeMessage("DB", "COUNT", "?"), 61)).get().status),
            "INVALID_ARGUMENT INVALID_FIELD field=timeout");
  auto asked = Ask(&asker_, Question(MakeMessage("DB", "COUNT", "?"), 60));
  EXPECT_EQ(Summary(Reply(client, listener->NextMessage().reply_to(), "yes")), "OK");
  EXPECT_TRUE(asked.get().response.complete());
}

class RequestLimitsTest : public RequestTest {
 protected:
  RequestLimitsTest() : RequestTest("limits { requests: 3 request_bytes: 100 }") {}
};

TEST_F(RequestLimitsTest, SoManyQuestionsMayWait) {
  const TestClient client(&api_);
  auto listener = client.Subscribe("DB");
  std::vector<std::future<Outcome>> asked;
  std::vector<std::string> tokens;
  for (int i = 0; i < 3; ++i) {
    asked.push_back(Ask(&asker_, Question()));
    tokens.push_back(listener->NextMessage().reply_to());
  }
  EXPECT_EQ(Summary(Ask(&asker_, Question()).get().status),
            "RESOURCE_EXHAUSTED LIMIT_EXCEEDED bound=3 limit=requests value=4");
  EXPECT_EQ(InfoOf(&api_).counters().refused_requests(), 1);
  EXPECT_EQ(Summary(Reply(client, tokens[0], "yes")), "OK");
  EXPECT_TRUE(asked[0].get().response.complete());
  asked[0] = Ask(&asker_, Question());
  tokens[0] = listener->NextMessage().reply_to();
  for (const std::string& token : tokens) EXPECT_EQ(Summary(Reply(client, token, "yes")), "OK");
  for (auto& question : asked) EXPECT_TRUE(question.get().response.complete());
}

// The bytes of an answer are those of its encoding: its client's id is 15 bytes, two more for that and for the payload.
TEST_F(RequestLimitsTest, AnswersFillTheBytesAndTheNextOneEndsTheQuestion) {
  const size_t rest = 100 - 2 * (2 + 15 + 2);
  const TestClient a(&api_);
  const TestClient b(&api_);
  ASSERT_EQ(a.id().size(), 15);
  auto listener_a = a.Subscribe("DB");
  auto listener_b = b.Subscribe("DB");
  for (const size_t size : {rest - 1, rest, rest + 1}) {
    auto asked = Ask(&asker_, Question());
    const std::string reply_to = listener_a->NextMessage().reply_to();
    listener_b->NextMessage();
    EXPECT_EQ(Summary(Reply(a, reply_to, "a")), "OK");
    const grpc::Status status = Reply(b, reply_to, std::string(size - 1, 'b'));
    const Outcome outcome = asked.get();
    EXPECT_EQ(outcome.response.complete(), size <= rest) << size;
    EXPECT_EQ(outcome.response.answers_size(), size <= rest ? 2 : 1);
    EXPECT_EQ(Summary(status),
              size <= rest ? "OK" : "RESOURCE_EXHAUSTED LIMIT_EXCEEDED bound=100 limit=request_bytes value=101");
  }
}

}  // namespace
}  // namespace nmq::integration
