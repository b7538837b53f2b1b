#include "tests/bench/workloads/cases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/harness/no_subscribers.h"
#include "tests/bench/harness/report.h"

namespace nmq::bench {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAreArray;

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

// Nobody is connected; keeps what is asked of it.
class Listing final : public Client {
 public:
  absl::StatusOr<std::unique_ptr<SubscriberSet>> Subscribe(const SubscriberSpec& spec) override {
    subscribers = spec;
    return std::make_unique<NoSubscribers>();
  }
  absl::StatusOr<std::unique_ptr<Publisher>> Publish(const PublisherSpec& spec) override {
    destinations = spec.destinations;
    return absl::UnimplementedError("it publishes nothing");
  }
  absl::StatusOr<std::unique_ptr<Publisher>> PublishPaced(const PaceSpec&) override {
    return absl::UnimplementedError("it publishes nothing");
  }

  SubscriberSpec subscribers;
  std::vector<Destination> destinations;
};

TEST(Interests, EachEventIsForOneSubscriberAndAllAreOfALength) {
  int found = 0;
  for (const Case& one : AllCases(Scale::kFull)) {
    if (one.name != "W4/events" && one.name != "W4/shared") continue;
    ++found;
    Listing listing;
    Report report;
    EXPECT_TRUE(absl::IsUnimplemented(one.run({}, {.client = &listing}, Record(&report, one.name, "listing"))));
    const int subscribers = one.name == "W4/shared" ? 100 : 1000;
    ASSERT_EQ(listing.subscribers.subscribers, subscribers);
    std::vector<std::string> wanted;
    for (int i = 0; i < subscribers; ++i) {
      const Interest interest = listing.subscribers.interest(i);
      EXPECT_EQ(interest.events.size(), 1000u / static_cast<unsigned>(subscribers)) << one.name;
      wanted.insert(wanted.end(), interest.events.begin(), interest.events.end());
    }
    std::vector<std::string> published;
    for (const Destination& destination : listing.destinations) published.push_back(destination.event);
    EXPECT_THAT(wanted, UnorderedElementsAreArray(published));
    EXPECT_EQ(std::set<std::string>(published.begin(), published.end()).size(), 1000u);
    EXPECT_THAT(published, Each(SizeIs(published[0].size())));
  }
  EXPECT_EQ(found, 2);
}

// What a case asks for; it is not run any further.
SubscriberSpec SubscribersOf(const std::string& name) {
  for (const Case& one : AllCases(Scale::kFull)) {
    if (one.name != name) continue;
    Listing listing;
    Report report;
    EXPECT_TRUE(absl::IsUnimplemented(one.run({}, {.client = &listing}, Record(&report, one.name, "listing"))));
    EXPECT_GT(one.connections, listing.subscribers.connections) << "publishers have connections, too";
    return listing.subscribers;
  }
  ADD_FAILURE() << "there is no " << name;
  return {};
}

TEST(OwnConnections, EachClientHasOneAndNothingElseIsDifferent) {
  for (const std::string shared : {"W3/1000", "W4/events"}) {
    const SubscriberSpec together = SubscribersOf(shared);
    const SubscriberSpec apart = SubscribersOf(shared + "/own");
    EXPECT_EQ(together.connections, 100) << shared;
    EXPECT_EQ(apart.connections, apart.clients) << shared;
    EXPECT_EQ(apart.clients, together.clients) << shared;
    EXPECT_EQ(apart.subscribers, together.subscribers) << shared;
    EXPECT_GE(apart.subscribers, 1000) << shared;
    for (const int subscriber : {0, 1, 999}) {
      EXPECT_EQ(apart.interest(subscriber).rooms, together.interest(subscriber).rooms);
      EXPECT_EQ(apart.interest(subscriber).events, together.interest(subscriber).events);
    }
  }
}

TEST(OwnConnections, OfAShortRunAreMoreThanSharedOnes) {
  std::map<std::string, int> connections;
  for (const Case& one : AllCases(Scale::kShort)) connections[one.name] = one.connections;
  EXPECT_GT(connections.at("W3/30/own"), connections.at("W3/30"));
  EXPECT_GT(connections.at("W4/events/own"), connections.at("W4/events"));
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
