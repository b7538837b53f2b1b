#include "client/cli/top_tables.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nmq {
namespace cli {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

// Queues Q0 to Q29, of which the last is the busiest, in one namespace.
std::pair<Sample, Sample> TwoSamples() {
  Sample before;
  before.time = absl::FromUnixSeconds(100);
  Sample now;
  now.time = absl::FromUnixSeconds(101);
  v1::NamespaceInfo info;
  info.set_name("default");
  now.namespaces.push_back(info);
  for (int i = 0; i < 30; ++i) {
    v1::QueueInfo queue;
    queue.set_namespace_("default");
    queue.set_name(absl::StrCat("Q", i));
    queue.set_first_sequence(1);
    queue.set_last_sequence(100 - i);
    before.queues.push_back(queue);
    queue.mutable_counters()->set_published_messages(i * 100);
    now.queues.push_back(queue);
  }
  return {before, now};
}

std::string TextOf(WindowSize size, TopView* view) {
  const auto [before, now] = TwoSamples();
  return TopText(TopTables(before, now, *view), size, view);
}

TEST(TopText, BusiestQueuesComeFirst) {
  TopView view;
  const std::string text = TextOf({.rows = 30, .columns = 200}, &view);
  EXPECT_LT(text.find("Q29"), text.find("Q28"));
  EXPECT_THAT(text, HasSubstr("2,900"));
  EXPECT_THAT(text, Not(HasSubstr("Q0 ")));
}

TEST(TopText, FitsItsWindowAndTellsOfTheRowsThatDoNot) {
  TopView view;
  const std::string text = TextOf({.rows = 20, .columns = 80}, &view);
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  EXPECT_LE(lines.size(), 21u);
  for (const std::string& line : lines) EXPECT_LE(TextWidth(line), 80u) << line;
  EXPECT_THAT(text, HasSubstr("  0 more above, 17 more below\n"));
  // Whole columns: no number is cut.
  EXPECT_THAT(text, Not(HasSubstr("…")));
}

TEST(LeftOutText, TellsOfTheColumnsThatDoNotFit) {
  const auto [before, now] = TwoSamples();
  const std::array<TopTable, 3> tables = TopTables(before, now, {});
  EXPECT_THAT(LeftOutText(tables, 80), ::testing::StartsWith("no room for ROOMS, QUEUES, SUBSCRIPTIONS"));
  EXPECT_LE(TextWidth(LeftOutText(tables, 20)), 20u);
  EXPECT_EQ(LeftOutText(tables, 200), "");
}

TEST(TopText, ScrollsTheChosenTable) {
  TopView view;
  view.chosen = 1;
  view.above[1] = 5;
  const std::string text = TextOf({.rows = 20, .columns = 80}, &view);
  EXPECT_THAT(text, HasSubstr("> 5 more above, 12 more below\n"));
  EXPECT_THAT(text, Not(HasSubstr("Q29")));
  view.above[1] = 1000;
  EXPECT_THAT(TextOf({.rows = 20, .columns = 80}, &view), HasSubstr("> 17 more above, 0 more below\n"));
  EXPECT_EQ(view.above[1], 17u);
}

TEST(TopTables, SortAndFilter) {
  const std::pair<Sample, Sample> samples = TwoSamples();
  const auto names = [&samples](const TopView& view) {
    const std::array<TopTable, 3> tables = TopTables(samples.first, samples.second, view);
    std::vector<std::string> all;
    for (const TopRow& row : tables[1].rows) all.push_back(row.name);
    return all;
  };
  EXPECT_EQ(names({.sort = "name"})[1], "default/Q1");
  EXPECT_EQ(names({.sort = "held"})[0], "default/Q0");
  EXPECT_EQ(names({.sort = "in"})[0], "default/Q29");
  EXPECT_THAT(names({.filter = "Q2"}), Each(HasSubstr("Q2")));
  EXPECT_EQ(names({.filter = "Q2"}).size(), 11u);
}

}  // namespace
}  // namespace cli
}  // namespace nmq
