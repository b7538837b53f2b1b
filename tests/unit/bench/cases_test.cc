#include "tests/bench/workloads/cases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace nmq::bench {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Cases, BothScalesHaveEveryWorkload) {
  for (const Scale scale : {Scale::kFull, Scale::kShort}) {
    std::set<std::string> workloads;
    std::set<std::string> names;
    for (const Case& one : AllCases(scale)) {
      workloads.insert(one.name.substr(0, one.name.find('/')));
      EXPECT_TRUE(names.insert(one.name).second) << one.name;
    }
    EXPECT_THAT(workloads, ElementsAre("D1", "D2", "D3", "D4", "D5", "W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8"));
  }
}

TEST(Cases, WhatIsStoredIsOfTheDWorkloads) {
  for (const Case& one : AllCases(Scale::kFull)) EXPECT_EQ(one.stores, one.name.front() == 'D') << one.name;
}

TEST(Growth, CostThatStaysHasExponentZero) {
  EXPECT_THAT(GrowthExponent({{1, 5}, {2, 5}, {4, 5}}), DoubleNear(0, 1e-9));
}

TEST(Growth, CostThatDoublesWithTheNumberHasExponentOne) {
  EXPECT_THAT(GrowthExponent({{10, 3}, {20, 6}, {40, 12}}), DoubleNear(1, 1e-9));
}

TEST(Growth, IsReportedFromTheMedians) {
  Report report;
  for (const double cost : {2.0, 900.0, 1.0}) {
    report.Add("W8/rooms/10", "nmq", "server CPU per delivery", "us", cost);
  }
  report.Add("W8/rooms/20", "nmq", "server CPU per delivery", "us", 4);
  AddGrowth(&report);
  EXPECT_THAT(report.Values("W8/rooms", "nmq", "exponent of cost per delivery"), ElementsAre(DoubleNear(1, 1e-9)));
  EXPECT_THAT(report.Values("W8/subscribers", "nmq", "exponent of cost per delivery"), IsEmpty());
}

}  // namespace
}  // namespace nmq::bench
