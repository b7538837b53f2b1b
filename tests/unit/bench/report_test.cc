#include "tests/bench/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace nmq::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(Report, MedianIsTheMiddleOrTheMeanOfTwo) {
  EXPECT_EQ(Median({3}), 3);
  EXPECT_EQ(Median({9, 1, 5}), 5);
  EXPECT_EQ(Median({4, 1, 2, 100}), 3);
}

TEST(Report, KeepsTheValuesOfAllRounds) {
  Report report;
  report.Add("T1", "rate", "1/s", 2);
  report.Add("T1", "other", "ms", 7);
  report.Add("T1", "rate", "1/s", 1);
  EXPECT_THAT(report.Values("T1", "rate"), ElementsAre(2, 1));
  EXPECT_THAT(report.Values("T10", "rate"), IsEmpty());
}

TEST(Report, TableHasAColumnForEachWorkload) {
  Report report;
  report.Add("T1", "rate", "1/s", 2500000);
  report.Add("L", "latency", "ms", 0.25);
  std::ostringstream out;
  report.PrintTable(out);
  EXPECT_THAT(out.str(), HasSubstr("T1"));
  EXPECT_THAT(out.str(), HasSubstr("rate, 1/s"));
  EXPECT_THAT(out.str(), HasSubstr("2.50 M"));
  EXPECT_THAT(out.str(), HasSubstr("0.250"));
  EXPECT_THAT(out.str(), Not(HasSubstr("..")));
}

TEST(Report, TableShowsTheSpreadOfSeveralRounds) {
  Report report;
  for (const double value : {30, 10, 20}) report.Add("T1", "rate", "1/s", value);
  std::ostringstream out;
  report.PrintTable(out);
  EXPECT_THAT(out.str(), HasSubstr("10..30"));
}

TEST(Report, TableShowsNoSpreadWhereRoundsAgree) {
  Report report;
  for (const double value : {5, 5, 5}) report.Add("T1", "rate", "1/s", value);
  std::ostringstream out;
  report.PrintTable(out);
  EXPECT_THAT(out.str(), Not(HasSubstr("..")));
}

TEST(Report, JsonHasMedianAndSpread) {
  Report report;
  for (const double value : {30, 10, 20}) report.Add("T1", "rate", "1/s", value);
  report.Add("T1", "other", "", 0.5);
  std::ostringstream out;
  report.PrintJson(out);
  EXPECT_EQ(out.str(),
            "[\n"
            R"({"workload":"T1","figure":"rate","unit":"1/s","value":20,"min":10,"max":30,"rounds":3},)"
            "\n"
            R"({"workload":"T1","figure":"other","unit":"","value":0.5,"min":0.5,"max":0.5,"rounds":1})"
            "\n]\n");
}

}  // namespace
}  // namespace nmq::bench
