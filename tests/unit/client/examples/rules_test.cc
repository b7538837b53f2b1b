#include "client/examples/rules.h"

#include "gtest/gtest.h"

namespace nmq {
namespace examples {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

absl::Time At(double seconds) { return kStart + absl::Seconds(seconds); }

Message MakeKeyed(const std::string& queue, const std::string& event, size_t bytes = 1) {
  Message message = MakeMessage(queue, event, std::string(bytes, 'x'));
  message.set_key("17");
  message.set_sequence(3);
  return message;
}

std::vector<std::string> Texts(const std::vector<Alert>& alerts) {
  std::vector<std::string> texts;
  for (const Alert& alert : alerts) texts.push_back(alert.text);
  return texts;
}

using Lines = std::vector<std::string>;

TEST(EventRule, AlertsOnEachSuchEventAndNoOther) {
  Rules rules;
  ASSERT_TRUE(rules.AddEvent("DB/DELETE").ok());
  EXPECT_EQ(Texts(rules.OnMessage(MakeKeyed("DB", "DELETE"), At(0))), Lines({"DB/DELETE, key 17, sequence 3"}));
  EXPECT_EQ(Texts(rules.OnMessage(MakeKeyed("DB", "DELETE"), At(0))), Lines({"DB/DELETE, key 17, sequence 3"}));
  EXPECT_TRUE(rules.OnMessage(MakeKeyed("DB", "CREATE"), At(0)).empty());
  EXPECT_TRUE(rules.OnMessage(MakeKeyed("FS", "DELETE"), At(0)).empty());
}

TEST(EventRule, AStarStandsForAnyName) {
  Rules rules;
  ASSERT_TRUE(rules.AddEvent("*/DELETE").ok());
  ASSERT_TRUE(rules.AddEvent("FS/*").ok());
  EXPECT_EQ(rules.OnMessage(MakeKeyed("DB", "DELETE"), At(0)).size(), 1u);
  EXPECT_EQ(rules.OnMessage(MakeKeyed("FS", "DELETE"), At(0)).size(), 2u);
  EXPECT_EQ(rules.OnMessage(MakeKeyed("DB", "CREATE"), At(0)).size(), 0u);
}

TEST(EventRule, SaysNothingOfAKeyThatIsNotThere) {
  Rules rules;
  ASSERT_TRUE(rules.AddEvent("DB/DELETE").ok());
  EXPECT_EQ(Texts(rules.OnMessage(MakeMessage("DB", "DELETE", ""), At(0))), Lines({"DB/DELETE, sequence 0"}));
}

TEST(RateRule, AlertsWhenTheLimitIsExceededNotWhenItIsReached) {
  Rules rules;
  ASSERT_TRUE(rules.AddRate("DB/CREATE:2/10s").ok());
  EXPECT_TRUE(rules.OnMessage(MakeKeyed("DB", "CREATE"), At(0)).empty());
  EXPECT_TRUE(rules.OnMessage(MakeKeyed("DB", "CREATE"), At(1)).empty());
  const std::vector<Alert> alerts = rules.OnMessage(MakeKeyed("DB", "CREATE"), At(9.9));
  EXPECT_EQ(Texts(alerts), Lines({"more than 2 DB/CREATE in 10s, the last with key 17, sequence 3"}));
  EXPECT_EQ(alerts[0].rule, "DB/CREATE:2/10s");
}

TEST(RateRule, ForgetsWhatIsOlderThanTheWindow) {
  Rules rules;
  ASSERT_TRUE(rules.AddRate("DB/CREATE:2/10s").ok());
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(rules.OnMessage(MakeKeyed("DB", "CREATE"), At(5 * i)).empty()) << i;
  }
}

TEST(RateRule, AlertsOnceUntilTheRateWasLowerAgain) {
  Rules rules;
  ASSERT_TRUE(rules.AddRate("DB/CREATE:1/10s").ok());
  EXPECT_EQ(rules.OnMessage(MakeKeyed("DB", "CREATE"), At(0)).size(), 0u);
  EXPECT_EQ(rules.OnMessage(MakeKeyed("DB", "CREATE"), At(1)).size(), 1u);
  EXPECT_EQ(rules.OnMessage(MakeKeyed("DB", "CREATE"), At(2)).size(), 0u);
  EXPECT_EQ(rules.OnMessage(MakeKeyed("DB", "CREATE"), At(100)).size(), 0u);
  EXPECT_EQ(rules.OnMessage(MakeKeyed("DB", "CREATE"), At(101)).size(), 1u);
}

TEST(RateRule, ALimitOfZeroAlertsOnTheFirst) {
  Rules rules;
  ASSERT_TRUE(rules.AddRate("DB/*:0/1s").ok());
  EXPECT_EQ(rules.OnMessage(MakeKeyed("DB", "CREATE"), At(0)).size(), 1u);
}

TEST(RateRule, CountsOnlyItsOwnEvents) {
  Rules rules;
  ASSERT_TRUE(rules.AddRate("DB/CREATE:1/10s").ok());
  EXPECT_EQ(rules.OnMessage(MakeKeyed("DB", "CREATE"), At(0)).size(), 0u);
  EXPECT_EQ(rules.OnMessage(MakeKeyed("DB", "UPDATE"), At(0)).size(), 0u);
}

TEST(SizeRule, AlertsAboveTheLimit) {
  Rules rules;
  rules.AddSize(100);
  EXPECT_TRUE(rules.OnMessage(MakeKeyed("DB", "CREATE", 100), At(0)).empty());
  const std::vector<Alert> alerts = rules.OnMessage(MakeKeyed("DB", "CREATE", 101), At(0));
  EXPECT_EQ(Texts(alerts), Lines({"101 bytes in DB/CREATE, key 17, sequence 3"}));
  EXPECT_EQ(alerts[0].rule, "larger than 100");
}

TEST(SilenceRule, CountsFromTheStart) {
  Rules rules;
  ASSERT_TRUE(rules.AddSilence("DB:30s", kStart).ok());
  EXPECT_TRUE(rules.OnTime(At(29.9)).empty());
  EXPECT_EQ(Texts(rules.OnTime(At(30))), Lines({"nothing from DB for 30s"}));
}

TEST(SilenceRule, AlertsOnceUntilSomethingComes) {
  Rules rules;
  ASSERT_TRUE(rules.AddSilence("DB:30s", kStart).ok());
  EXPECT_EQ(rules.OnTime(At(31)).size(), 1u);
  EXPECT_EQ(rules.OnTime(At(99)).size(), 0u);
  EXPECT_EQ(rules.OnMessage(MakeKeyed("DB", "CREATE"), At(100)).size(), 0u);
  EXPECT_EQ(rules.OnTime(At(129)).size(), 0u);
  EXPECT_EQ(rules.OnTime(At(130)).size(), 1u);
}

TEST(SilenceRule, IsNotBrokenByOtherQueues) {
  Rules rules;
  ASSERT_TRUE(rules.AddSilence("DB:30s", kStart).ok());
  EXPECT_EQ(rules.OnMessage(MakeKeyed("FS", "create"), At(20)).size(), 0u);
  EXPECT_EQ(rules.OnTime(At(30)).size(), 1u);
}

TEST(SilenceRule, AMessageAfterTooLongATimeStillTellsOfTheSilence) {
  Rules rules;
  ASSERT_TRUE(rules.AddSilence("DB:30s", kStart).ok());
  EXPECT_EQ(Texts(rules.OnMessage(MakeKeyed("DB", "CREATE"), At(31))), Lines({"nothing from DB for 30s"}));
}

TEST(Rules, RefuseWhatTheyDoNotUnderstand) {
  Rules rules;
  for (const char* spec : {"", "DB", "DB/", "/DELETE", "DB/DELETE/x"}) EXPECT_FALSE(rules.AddEvent(spec).ok()) << spec;
  for (const char* spec :
       {"", "DB/CREATE", "DB/CREATE:5", "DB/CREATE:5/", "DB/CREATE:x/10s", "DB/CREATE:-1/10s", "DB/CREATE:5/10",
        "DB/CREATE:5/0s", "DB/CREATE:5/-1s", "DB:5/10s", "DB/CREATE:1000001/10s"}) {
    EXPECT_FALSE(rules.AddRate(spec).ok()) << spec;
  }
  for (const char* spec : {"", "DB", ":30s", "DB:", "DB:x", "DB:0s", "DB:30s:1"}) {
    EXPECT_FALSE(rules.AddSilence(spec, kStart).ok()) << spec;
  }
  EXPECT_TRUE(rules.empty());
}

TEST(Rules, SayWhatTheyExpected) {
  EXPECT_EQ(Rules().AddRate("DB/CREATE").message(),
            "'DB/CREATE' is not QUEUE/EVENT:N/WINDOW, such as DB/CREATE:100/10s, with N up to 1000000");
}

}  // namespace
}  // namespace examples
}  // namespace nmq
