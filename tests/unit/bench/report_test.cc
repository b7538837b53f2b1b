#include "tests/bench/harness/report.h"

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
  report.Add("W1", "nmq", "rate", "1/s", 2);
  report.Add("W1", "nmq", "other", "ms", 7);
  report.Add("W1", "nmq", "rate", "1/s", 1);
  EXPECT_THAT(report.Values("W1", "nmq", "rate"), ElementsAre(2, 1));
  EXPECT_THAT(report.Values("W1", "nats", "rate"), IsEmpty());
}

TEST(Report, NamesWhatItHasInOrder) {
  Report report;
  report.Add("W2", "nmq", "rate", "1/s", 1);
  report.Add("W1", "nats", "rate", "1/s", 1);
  report.Add("W2", "nats", "rate", "1/s", 1);
  EXPECT_THAT(report.Workloads(), ElementsAre("W2", "W1"));
  EXPECT_THAT(report.Systems(), ElementsAre("nmq", "nats"));
}

TEST(Report, TableHasAColumnForEachSystem) {
  Report report;
  report.Add("W1", "nmq", "rate", "1/s", 2500000);
  report.Add("W2", "nats", "latency", "ms", 0.25);
  std::ostringstream out;
  report.PrintTable(out);
  EXPECT_THAT(out.str(), HasSubstr("nmq                nats"));
  EXPECT_THAT(out.str(), HasSubstr("rate, 1/s"));
  EXPECT_THAT(out.str(), HasSubstr("2.50 M"));
  EXPECT_THAT(out.str(), HasSubstr("0.250"));
  EXPECT_THAT(out.str(), Not(HasSubstr("..")));
}

TEST(Report, TableShowsTheSpreadOfSeveralRounds) {
  Report report;
  for (const double value : {30, 10, 20}) report.Add("W1", "nmq", "rate", "1/s", value);
  std::ostringstream out;
  report.PrintTable(out);
  EXPECT_THAT(out.str(), HasSubstr("10..30"));
}

TEST(Report, TableShowsNoSpreadWhereRoundsAgree) {
  Report report;
  for (const double value : {5, 5, 5}) report.Add("W1", "nmq", "rate", "1/s", value);
  std::ostringstream out;
  report.PrintTable(out);
  EXPECT_THAT(out.str(), Not(HasSubstr("..")));
}

TEST(Report, JsonHasMedianAndSpread) {
  Report report;
  for (const double value : {30, 10, 20}) report.Add("W1", "nmq", "rate", "1/s", value);
  report.Add("W1", "nmq", "other", "", 0.5);
  std::ostringstream out;
  report.PrintJson({{"machine", "a \"fast\" one"}}, out);
  EXPECT_EQ(out.str(),
            "{\n"
            R"("machine":"a \"fast\" one",)"
            "\n"
            R"("records":[)"
            "\n"
            R"({"workload":"W1","system":"nmq","figure":"rate","unit":"1/s","median":20,"min":10,"max":30,"rounds":3},)"
            "\n"
            R"({"workload":"W1","system":"nmq","figure":"other","unit":"","median":0.5,"min":0.5,"max":0.5,"rounds":1})"
            "\n]}\n");
}

}  // namespace
}  // namespace nmq::bench
