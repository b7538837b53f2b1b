#include "server/limits/identities.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/simulated_clock.h"

namespace nmq {
namespace {

using testing::HasSubstr;

Principal Caller(const std::string& name, const Quota& quota = {}) {
  Principal caller;
  caller.name = name;
  caller.quota = quota;
  return caller;
}

// One more of something; those that count are kept.
struct Counted {
  const char* limit;
  uint64_t Limits::*of_all;
  uint64_t Quota::*own;
  std::function<absl::Status(const std::shared_ptr<IdentityUse>&, Share*)> add;
};

std::vector<Counted> AllCounted() {
  return {
      {"connections_per_identity", &Limits::connections_per_identity, &Quota::connections, IdentityUse::AddConnection},
      {"clients_per_identity", &Limits::clients_per_identity, &Quota::clients, IdentityUse::AddClient},
      {"subscriptions_per_identity", &Limits::subscriptions_per_identity, &Quota::subscriptions,
       IdentityUse::AddSubscription},
  };
}

absl::Status AddUpTo(uint64_t count, const Counted& counted, const std::shared_ptr<IdentityUse>& use,
                     std::vector<Share>* shares) {
  absl::Status status;
  while (shares->size() < count && status.ok()) {
    Share share;
    status = counted.add(use, &share);
    if (status.ok()) shares->push_back(std::move(share));
  }
  return status;
}

void ExpectAtTheLimit(const Counted& counted, const std::shared_ptr<IdentityUse>& use, uint64_t bound) {
  std::vector<Share> shares;
  EXPECT_TRUE(AddUpTo(bound - 1, counted, use, &shares).ok());
  EXPECT_TRUE(AddUpTo(bound, counted, use, &shares).ok());
  const absl::Status status = AddUpTo(bound + 1, counted, use, &shares);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(ReasonOf(status), "LIMIT_EXCEEDED");
  EXPECT_EQ(MetadataOf(status, "limit"), counted.limit);
  EXPECT_EQ(MetadataOf(status, "value"), absl::StrCat(bound + 1));
  EXPECT_EQ(MetadataOf(status, "bound"), absl::StrCat(bound));
  EXPECT_THAT(std::string(status.message()), HasSubstr("identity \"api\""));
  shares.pop_back();
  EXPECT_TRUE(AddUpTo(bound, counted, use, &shares).ok()) << "what was freed cannot be taken again";
}

TEST(Identities, CountsUpToTheLimitOfAll) {
  for (const Counted& counted : AllCounted()) {
    SCOPED_TRACE(counted.limit);
    Limits limits;
    limits.*counted.of_all = 5;
    Identities identities(&limits);
    const Principal api = Caller("api");
    ExpectAtTheLimit(counted, identities.Of(&api), 5);
  }
}

TEST(Identities, CountsUpToItsOwnLimit) {
  for (const Counted& counted : AllCounted()) {
    SCOPED_TRACE(counted.limit);
    Limits limits;
    limits.*counted.of_all = 2;
    Quota quota;
    quota.*counted.own = 4;
    Identities identities(&limits);
    const Principal api = Caller("api", quota);
    ExpectAtTheLimit(counted, identities.Of(&api), 4);
  }
}

TEST(Identities, NothingIsBoundedUnlessItIsSaid) {
  const Limits limits;
  Identities identities(&limits);
  const Principal api = Caller("api");
  for (const Counted& counted : AllCounted()) {
    std::vector<Share> shares;
    EXPECT_TRUE(AddUpTo(100'000, counted, identities.Of(&api), &shares).ok()) << counted.limit;
  }
  SimulatedClock clock;
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(identities.Of(&api)->Publish(1000, 1 << 20, clock).ok());
    ASSERT_TRUE(identities.Of(&api)->CallControl(clock).ok());
  }
}

TEST(Identities, EachHasItsOwnShare) {
  Limits limits;
  limits.clients_per_identity = 1;
  Identities identities(&limits);
  const Principal api = Caller("api");
  const Principal other = Caller("other");
  Share first;
  Share second;
  EXPECT_TRUE(IdentityUse::AddClient(identities.Of(&api), &first).ok());
  EXPECT_TRUE(IdentityUse::AddClient(identities.Of(&other), &second).ok());
}

TEST(Identities, WhoIsNotAskedIsNotCounted) {
  const Limits limits;
  Identities identities(&limits);
  EXPECT_EQ(identities.Of(nullptr), nullptr);
}

TEST(Identities, LowerLimitLeavesWhatIsThere) {
  const Limits limits;
  Identities identities(&limits);
  Quota quota;
  Principal api = Caller("api", quota);
  const Counted clients = AllCounted()[1];
  std::vector<Share> shares;
  EXPECT_TRUE(AddUpTo(3, clients, identities.Of(&api), &shares).ok());
  quota.clients = 2;
  api = Caller("api", quota);
  EXPECT_FALSE(AddUpTo(4, clients, identities.Of(&api), &shares).ok());
  EXPECT_EQ(shares.size(), 3u);
  shares.resize(1);
  EXPECT_TRUE(AddUpTo(2, clients, identities.Of(&api), &shares).ok());
  EXPECT_FALSE(AddUpTo(3, clients, identities.Of(&api), &shares).ok());
}

TEST(Identities, PublishesAtItsRateInMessages) {
  Limits limits;
  limits.messages_per_second_per_identity = 10;
  Identities identities(&limits);
  SimulatedClock clock;
  const Principal api = Caller("api");
  EXPECT_TRUE(identities.Of(&api)->Publish(9, 1, clock).ok());
  EXPECT_TRUE(identities.Of(&api)->Publish(1, 1, clock).ok());
  const absl::Status status = identities.Of(&api)->Publish(1, 1, clock);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(MetadataOf(status, "limit"), "messages_per_second_per_identity");
  EXPECT_EQ(MetadataOf(status, "bound"), "10");
  EXPECT_EQ(std::string(status.message()),
            "messages_per_second_per_identity: 1 messages now exceed the limit of 10 a second of the identity \"api\"; "
            "try again in 100ms, or do less, or have the limit raised");
  EXPECT_TRUE(status.GetPayload(kRetryInfoTypeUrl).has_value());
  clock.Advance(absl::Milliseconds(100));
  EXPECT_TRUE(identities.Of(&api)->Publish(1, 1, clock).ok());
}

TEST(Identities, WhatItsBytesForbidTakesNoMessages) {
  Limits limits;
  limits.messages_per_second_per_identity = 2;
  limits.bytes_per_second_per_identity = 100;
  Identities identities(&limits);
  SimulatedClock clock;
  const Principal api = Caller("api");
  EXPECT_TRUE(identities.Of(&api)->Publish(1, 100, clock).ok());
  const absl::Status status = identities.Of(&api)->Publish(1, 50, clock);
  EXPECT_EQ(MetadataOf(status, "limit"), "bytes_per_second_per_identity");
  EXPECT_EQ(MetadataOf(status, "value"), "50");
  EXPECT_TRUE(identities.Of(&api)->Publish(1, 0, clock).ok());
}

TEST(Identities, CallsRegistryAndAdminAtItsRate) {
  Limits limits;
  limits.control_calls_per_second_per_identity = 3;
  Identities identities(&limits);
  SimulatedClock clock;
  const Principal api = Caller("api");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(identities.Of(&api)->CallControl(clock).ok());
  EXPECT_EQ(MetadataOf(identities.Of(&api)->CallControl(clock), "limit"), "control_calls_per_second_per_identity");
  clock.Advance(absl::Seconds(1));
  EXPECT_TRUE(identities.Of(&api)->CallControl(clock).ok());
}

TEST(Identities, ManyDoNotMakeTheTableGrow) {
  const Limits limits;
  Identities identities(&limits);
  for (size_t i = 0; i < 3 * Identities::kIdleMax; ++i) {
    const Principal caller = Caller(absl::StrCat("caller", i));
    identities.Of(&caller);
  }
  EXPECT_LE(identities.size(), Identities::kIdleMax);
}

TEST(Identities, ManyOthersDoNotMakeOneForgetWhatItHas) {
  Limits limits;
  limits.clients_per_identity = 1;
  Identities identities(&limits);
  const Principal api = Caller("api");
  Share share;
  EXPECT_TRUE(IdentityUse::AddClient(identities.Of(&api), &share).ok());
  for (size_t i = 0; i < 3 * Identities::kIdleMax; ++i) {
    const Principal caller = Caller(absl::StrCat("caller", i));
    identities.Of(&caller);
  }
  Share another;
  EXPECT_FALSE(IdentityUse::AddClient(identities.Of(&api), &another).ok());
}

}  // namespace
}  // namespace nmq
