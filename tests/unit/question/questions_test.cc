#include "server/question/questions.h"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nmq::broker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

v1::Answer Saying(const std::string& payload) {
  v1::Answer answer;
  answer.set_payload(payload);
  return answer;
}

class QuestionsTest : public testing::Test {
 protected:
  // What became of a question; nothing as long as it waits.
  using Outcome = std::shared_ptr<std::optional<absl::StatusOr<v1::RequestResponse>>>;

  Outcome Open(const std::string& token, uint64_t replies_max = 0, int64_t deadline_us = 1000,
               const std::string& name_space = "shop") {
    auto outcome = std::make_shared<std::optional<absl::StatusOr<v1::RequestResponse>>>();
    status_ = questions_.Open(token, {name_space, replies_max, deadline_us, [outcome](auto response) {
                                        EXPECT_FALSE(outcome->has_value());
                                        outcome->emplace(std::move(response));
                                      }});
    return outcome;
  }
  Outcome Ask(const std::string& token, const std::vector<uint64_t>& heard, uint64_t replies_max = 0,
              int64_t deadline_us = 1000) {
    Outcome outcome = Open(token, replies_max, deadline_us);
    EXPECT_TRUE(status_.ok()) << status_;
    questions_.Asked(token, heard, {});
    return outcome;
  }
  absl::Status Answer(const std::string& token, uint64_t client, const std::string& payload = "yes") {
    return questions_.Answer(token, "shop", client, Saying(payload));
  }
  static std::vector<std::string> Payloads(const Outcome& outcome) {
    std::vector<std::string> payloads;
    for (const v1::Answer& answer : (*outcome)->value().answers()) payloads.push_back(answer.payload());
    return payloads;
  }

  Questions questions_{/*count_max=*/3, /*bytes_max=*/100};
  absl::Status status_;
};

TEST_F(QuestionsTest, EndsWhenAllWhoHeardHaveAnswered) {
  const Outcome outcome = Ask("t", {1, 2});
  EXPECT_TRUE(Answer("t", 2, "two").ok());
  EXPECT_FALSE(outcome->has_value());
  EXPECT_TRUE(Answer("t", 1, "one").ok());
  ASSERT_TRUE(outcome->has_value());
  EXPECT_THAT(Payloads(outcome), ElementsAre("two", "one"));
  EXPECT_TRUE((*outcome)->value().complete());
  EXPECT_EQ((*outcome)->value().matched(), 2);
  EXPECT_EQ(questions_.size(), 0);
}

TEST_F(QuestionsTest, EndsWithEnoughAnswers) {
  const Outcome outcome = Ask("t", {1, 2, 3}, /*replies_max=*/2);
  EXPECT_TRUE(Answer("t", 3).ok());
  EXPECT_FALSE(outcome->has_value());
  EXPECT_TRUE(Answer("t", 1).ok());
  ASSERT_TRUE(outcome->has_value());
  EXPECT_TRUE((*outcome)->value().complete());
  EXPECT_EQ(ReasonOf(Answer("t", 2)), "QUESTION_NOT_FOUND");
}

TEST_F(QuestionsTest, ClientWithTwoSubscriptionsAnswersOnce) {
  const Outcome outcome = Ask("t", {1, 1, 2});
  EXPECT_TRUE(Answer("t", 1).ok());
  EXPECT_EQ(ReasonOf(Answer("t", 1)), "ALREADY_ANSWERED");
  EXPECT_TRUE(absl::IsNotFound(Answer("t", 1)));
  EXPECT_TRUE(Answer("t", 2).ok());
  ASSERT_TRUE(outcome->has_value());
  EXPECT_EQ((*outcome)->value().answers_size(), 2);
  EXPECT_EQ((*outcome)->value().matched(), 3);
}

TEST_F(QuestionsTest, AnswerMayComeBeforeItIsKnownWhoHeardIt) {
  const Outcome outcome = Open("t");
  EXPECT_TRUE(Answer("t", 1).ok());
  EXPECT_FALSE(outcome->has_value());
  questions_.Asked("t", {1}, {});
  ASSERT_TRUE(outcome->has_value());
  EXPECT_TRUE((*outcome)->value().complete());
}

TEST_F(QuestionsTest, PositionIsThatOfThePublishedQuestion) {
  const Outcome outcome = Open("t");
  v1::QueuePosition position;
  position.set_queue("DB");
  position.set_sequence(7);
  questions_.Asked("t", {1}, position);
  EXPECT_TRUE(Answer("t", 1).ok());
  EXPECT_EQ((*outcome)->value().position().sequence(), 7);
}

TEST_F(QuestionsTest, WhoeverHearsItLaterMayAnswerBesidesTheOthers) {
  const Outcome outcome = Ask("t", {1});
  EXPECT_TRUE(Answer("t", 9, "late").ok());
  EXPECT_FALSE(outcome->has_value());
  EXPECT_TRUE(Answer("t", 1, "asked").ok());
  ASSERT_TRUE(outcome->has_value());
  EXPECT_THAT(Payloads(outcome), ElementsAre("late", "asked"));
}

TEST_F(QuestionsTest, EndsEarlyAndPartialWhenNobodyIsLeft) {
  const Outcome outcome = Ask("t", {1, 2});
  EXPECT_TRUE(Answer("t", 1, "one").ok());
  questions_.Gone(2);
  ASSERT_TRUE(outcome->has_value());
  EXPECT_THAT(Payloads(outcome), ElementsAre("one"));
  EXPECT_FALSE((*outcome)->value().complete());
}

TEST_F(QuestionsTest, GoneClientDoesNotMatterWhenItHasAnswered) {
  const Outcome outcome = Ask("t", {1, 2});
  EXPECT_TRUE(Answer("t", 1).ok());
  questions_.Gone(1);
  EXPECT_FALSE(outcome->has_value());
  EXPECT_TRUE(Answer("t", 2).ok());
  ASSERT_TRUE(outcome->has_value());
  EXPECT_TRUE((*outcome)->value().complete());
}

TEST_F(QuestionsTest, EnoughAnswersAreCompleteThoughSomebodyWent) {
  const Outcome outcome = Ask("t", {1, 2, 3}, /*replies_max=*/1);
  questions_.Gone(1);
  EXPECT_FALSE(outcome->has_value());
  EXPECT_TRUE(Answer("t", 2).ok());
  ASSERT_TRUE(outcome->has_value());
  EXPECT_TRUE((*outcome)->value().complete());
}

TEST_F(QuestionsTest, FewerThanEnoughAreCompleteWhenAllHaveAnswered) {
  const Outcome outcome = Ask("t", {1}, /*replies_max=*/5);
  EXPECT_TRUE(Answer("t", 1).ok());
  ASSERT_TRUE(outcome->has_value());
  EXPECT_TRUE((*outcome)->value().complete());
}

TEST_F(QuestionsTest, GoneClientEndsAllQuestionsThatOnlyItHeard) {
  const Outcome a = Ask("a", {1});
  const Outcome b = Ask("b", {1});
  const Outcome c = Ask("c", {2});
  questions_.Gone(1);
  EXPECT_TRUE(a->has_value());
  EXPECT_TRUE(b->has_value());
  EXPECT_FALSE(c->has_value());
}

TEST_F(QuestionsTest, TimeEndsItWithWhatHasCome) {
  const Outcome early = Ask("early", {1, 2}, 0, /*deadline_us=*/1000);
  const Outcome late = Ask("late", {1}, 0, /*deadline_us=*/2000);
  EXPECT_TRUE(Answer("early", 1, "one").ok());
  EXPECT_EQ(questions_.next_deadline_us(), 1000);
  questions_.Expire(999);
  EXPECT_FALSE(early->has_value());
  questions_.Expire(1000);
  ASSERT_TRUE(early->has_value());
  EXPECT_THAT(Payloads(early), ElementsAre("one"));
  EXPECT_FALSE((*early)->value().complete());
  EXPECT_FALSE(late->has_value());
  EXPECT_EQ(questions_.next_deadline_us(), 2000);
  questions_.Expire(3000);
  EXPECT_THAT(Payloads(late), IsEmpty());
  EXPECT_EQ(questions_.next_deadline_us(), std::nullopt);
  EXPECT_EQ(ReasonOf(Answer("late", 1)), "QUESTION_NOT_FOUND");
}

TEST_F(QuestionsTest, TimeMayBeOverBeforeItIsPublished) {
  const Outcome outcome = Open("t");
  questions_.Expire(1000);
  EXPECT_TRUE(outcome->has_value());
  questions_.Asked("t", {1}, {});
  EXPECT_EQ(questions_.size(), 0);
}

TEST_F(QuestionsTest, AnswersFillTheBytesAndTheNextEndsIt) {
  // A payload costs two bytes more than it has.
  const Outcome outcome = Ask("t", {1, 2, 3});
  EXPECT_TRUE(Answer("t", 1, std::string(47, 'a')).ok());
  EXPECT_TRUE(Answer("t", 2, std::string(49, 'b')).ok());
  EXPECT_FALSE(outcome->has_value());
  const absl::Status status = Answer("t", 3, "c");
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(MetadataOf(status, "limit"), "request_bytes");
  EXPECT_EQ(MetadataOf(status, "value"), "103");
  EXPECT_EQ(MetadataOf(status, "bound"), "100");
  ASSERT_TRUE(outcome->has_value());
  EXPECT_EQ((*outcome)->value().answers_size(), 2);
  EXPECT_FALSE((*outcome)->value().complete());
}

TEST_F(QuestionsTest, NamespaceHasSoManyQuestionsAndNoMore) {
  const Outcome a = Open("a");
  Open("b");
  Open("c");
  EXPECT_TRUE(status_.ok());
  const Outcome d = Open("d");
  EXPECT_TRUE(absl::IsResourceExhausted(status_)) << status_;
  EXPECT_EQ(MetadataOf(status_, "limit"), "requests");
  EXPECT_EQ(MetadataOf(status_, "bound"), "3");
  EXPECT_FALSE(d->has_value());
  Open("e", 0, 1000, "other");
  EXPECT_TRUE(status_.ok()) << "another namespace has its own";
  questions_.Forget("a");
  EXPECT_FALSE(a->has_value());
  Open("f");
  EXPECT_TRUE(status_.ok()) << status_;
}

TEST_F(QuestionsTest, AnotherNamespaceKnowsNothingOfIt) {
  const Outcome outcome = Ask("t", {1});
  EXPECT_EQ(ReasonOf(questions_.Answer("t", "other", 1, Saying("no"))), "QUESTION_NOT_FOUND");
  EXPECT_FALSE(outcome->has_value());
}

TEST_F(QuestionsTest, EndAnswersAllAndTakesNoMore) {
  const Outcome outcome = Ask("t", {1});
  questions_.End(absl::UnavailableError("over"));
  ASSERT_TRUE(outcome->has_value());
  EXPECT_EQ((*outcome)->status().message(), "over");
  Open("u");
  EXPECT_EQ(status_.message(), "over");
  EXPECT_EQ(ReasonOf(Answer("t", 1)), "QUESTION_NOT_FOUND");
  questions_.Gone(1);
}

TEST_F(QuestionsTest, CallbackMayAskTheNextQuestion) {
  bool done = false;
  ASSERT_TRUE(questions_.Open("t", {"shop", 0, 1000, [&](auto) { done = Open("next") != nullptr; }}).ok());
  questions_.Asked("t", {1}, {});
  EXPECT_TRUE(Answer("t", 1).ok());
  EXPECT_TRUE(done);
  EXPECT_EQ(questions_.size(), 1);
}

TEST_F(QuestionsTest, EachEndsOnceWhoeverEndsIt) {
  constexpr int kRounds = 300;
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<int> ends = 0;
    const std::string token = absl::StrCat("t", round);
    ASSERT_TRUE(questions_.Open(token, {"shop", 0, 1000, [&](auto) { ++ends; }}).ok());
    std::thread answerer([&] { Answer(token, 1).IgnoreError(); });
    std::thread leaver([&] { questions_.Gone(2); });
    std::thread timer([&] { questions_.Expire(1000); });
    questions_.Asked(token, {1, 2}, {});
    questions_.Gone(2);
    answerer.join();
    leaver.join();
    timer.join();
    EXPECT_EQ(ends, 1);
    EXPECT_EQ(questions_.size(), 0);
  }
}

}  // namespace
}  // namespace nmq::broker
