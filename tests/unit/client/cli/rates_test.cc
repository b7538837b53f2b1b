#include "client/cli/rates.h"

#include "gtest/gtest.h"

namespace nmq {
namespace cli {
namespace {

v1::Counters Counted(uint64_t published, uint64_t delivered) {
  v1::Counters counters;
  counters.set_published_messages(published);
  counters.set_delivered_messages(delivered);
  return counters;
}

TEST(RatesOf, DividesTheDifferenceByTheTime) {
  const Rates rates = RatesOf(Counted(100, 1000), Counted(300, 1000), absl::Seconds(2));
  EXPECT_DOUBLE_EQ(rates.messages_in, 100);
  EXPECT_DOUBLE_EQ(rates.messages_out, 0);
}

TEST(RatesOf, CountersThatWentBackCountFromZero) {
  EXPECT_DOUBLE_EQ(RatesOf(Counted(100, 0), Counted(30, 0), absl::Seconds(1)).messages_in, 30);
}

TEST(RatesOf, NoTimeNoRate) {
  EXPECT_DOUBLE_EQ(RatesOf(Counted(0, 0), Counted(30, 0), absl::ZeroDuration()).messages_in, 0);
}

TEST(RatesText, BusiestQueuesComeFirst) {
  Sample before;
  before.time = absl::FromUnixSeconds(100);
  Sample now;
  now.time = absl::FromUnixSeconds(101);
  for (int i = 0; i < 30; ++i) {
    v1::QueueInfo queue;
    queue.set_namespace_("default");
    queue.set_name("Q" + std::to_string(i));
    queue.set_first_sequence(1);
    before.queues.push_back(queue);
    *queue.mutable_counters() = Counted(i * 100, 0);
    now.queues.push_back(queue);
  }
  const std::string text = RatesText(before, now);
  EXPECT_LT(text.find("Q29"), text.find("Q28"));
  EXPECT_NE(text.find("2,900"), std::string::npos);
  EXPECT_EQ(text.find("Q10 "), std::string::npos);
}

TEST(RatesJson, HasRatesBesideTheCounters) {
  Sample before;
  before.time = absl::FromUnixSeconds(100);
  Sample now;
  now.time = absl::FromUnixSeconds(101);
  v1::NamespaceInfo info;
  info.set_name("default");
  *info.mutable_counters() = Counted(5, 0);
  now.namespaces.push_back(info);
  const std::string json = RatesJson(before, now);
  EXPECT_NE(json.find(R"("messages_in_per_second":5,)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("name":"default")"), std::string::npos);
}

}  // namespace
}  // namespace cli
}  // namespace nmq
