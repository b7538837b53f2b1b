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
