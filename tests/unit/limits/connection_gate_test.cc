#include "server/limits/connection_gate.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <deque>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/simulated_clock.h"

namespace nmq {
namespace {

using testing::HasSubstr;

sockaddr_storage Address(const std::string& text) {
  sockaddr_storage address = {};
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    address.ss_family = AF_INET;
  } else {
    EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr), 1) << text;
    address.ss_family = AF_INET6;
  }
  return address;
}

class ConnectionGateTest : public testing::Test {
 protected:
  absl::Status Come(const std::string& from) {
    if (gate_ == nullptr) gate_ = std::make_unique<ConnectionGate>(&limits_, &clock_);
    ConnectionGate::Pass pass;
    absl::Status status = gate_->Admit(Address(from), &pass);
    if (status.ok()) there_.push_back(std::move(pass));
    return status;
  }
  // As many as the bound come in, and the one after them does not.
  void ExpectBound(const char* limit, uint64_t bound, const std::function<std::string(uint64_t)>& from) {
    for (uint64_t i = 0; i < bound; ++i) EXPECT_TRUE(Come(from(i)).ok()) << i;
    const absl::Status status = Come(from(bound));
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_EQ(MetadataOf(status, "limit"), limit);
    EXPECT_EQ(MetadataOf(status, "bound"), absl::StrCat(bound));
    EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat(limit, ": ")));
  }

  Limits limits_;
  SimulatedClock clock_;
  std::unique_ptr<ConnectionGate> gate_;
  std::deque<ConnectionGate::Pass> there_;
};

std::string Same(uint64_t) { return "192.0.2.1"; }
std::string Other(uint64_t i) { return absl::StrCat("10.", i >> 16 & 255, ".", i >> 8 & 255, ".", i & 255); }

TEST_F(ConnectionGateTest, SoManyInAll) {
  limits_.connections = 5;
  ExpectBound("connections", 5, Other);
  EXPECT_EQ(gate_->connections(), 5u);
  there_.pop_front();
  EXPECT_TRUE(Come(Other(100)).ok());
}

TEST_F(ConnectionGateTest, SoManyFromOneAddress) {
  limits_.connections_per_address = 3;
  ExpectBound("connections_per_address", 3, Same);
  EXPECT_THAT(std::string(Come(Same(0)).message()), HasSubstr("192.0.2.1"));
  EXPECT_TRUE(Come(Other(1)).ok());
  there_.pop_front();
  EXPECT_TRUE(Come(Same(0)).ok());
}

TEST_F(ConnectionGateTest, SoManyFromOneNetworkOfIPv6) {
  limits_.connections_per_address = 3;
  ExpectBound("connections_per_address", 3, [](uint64_t i) { return absl::StrCat("2001:db8:0:1:", i, "::", i); });
  EXPECT_THAT(std::string(Come("2001:db8:0:1::9").message()), HasSubstr("2001:db8:0:1::/64"));
  EXPECT_TRUE(Come("2001:db8:0:2::1").ok());
}

TEST_F(ConnectionGateTest, IPv4IsTheSameInIPv6) {
  limits_.connections_per_address = 1;
  EXPECT_TRUE(Come("192.0.2.1").ok());
  EXPECT_FALSE(Come("::ffff:192.0.2.1").ok());
  EXPECT_TRUE(Come("::ffff:192.0.2.2").ok());
}

TEST_F(ConnectionGateTest, SoManyInASecond) {
  limits_.connections_per_second = 4;
  ExpectBound("connections_per_second", 4, Other);
  clock_.Advance(absl::Milliseconds(249));
  EXPECT_FALSE(Come(Other(50)).ok());
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(Come(Other(51)).ok());
}

TEST_F(ConnectionGateTest, SoManyInASecondFromOneAddress) {
  limits_.connections_per_second_per_address = 4;
  ExpectBound("connections_per_second_per_address", 4, Same);
  EXPECT_TRUE(Come(Other(1)).ok());
  clock_.Advance(absl::Milliseconds(250));
  EXPECT_TRUE(Come(Same(0)).ok());
}

TEST_F(ConnectionGateTest, WhoComesTooOftenTakesNothingFromOthers) {
  limits_.connections_per_second = 10;
  limits_.connections_per_second_per_address = 2;
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(Come(Same(0)).ok(), i < 2);
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(Come(Other(i)).ok()) << i;
  EXPECT_EQ(gate_->connections(), 10u);
}

TEST_F(ConnectionGateTest, WhoIsRefusedIsNotCounted) {
  limits_.connections = 2;
  limits_.connections_per_address = 2;
  EXPECT_TRUE(Come("10.0.0.1").ok());
  EXPECT_TRUE(Come("10.0.0.2").ok());
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(Come("10.0.0.3").ok());
  there_.clear();
  EXPECT_EQ(gate_->connections(), 0u);
  EXPECT_TRUE(Come("10.0.0.3").ok());
  EXPECT_TRUE(Come("10.0.0.3").ok());
}

TEST_F(ConnectionGateTest, ManyAddressesDoNotMakeItGrow) {
  for (size_t i = 0; i < 3 * ConnectionGate::kIdleMax; ++i) {
    EXPECT_TRUE(Come(Other(i)).ok());
    there_.clear();
  }
  EXPECT_LE(gate_->addresses(), ConnectionGate::kIdleMax);
}

TEST_F(ConnectionGateTest, AddressOfNoKindIsCountedInAllOnly) {
  limits_.connections = 1;
  gate_ = std::make_unique<ConnectionGate>(&limits_, &clock_);
  ConnectionGate::Pass pass;
  EXPECT_TRUE(gate_->Admit({}, &pass).ok());
  EXPECT_EQ(gate_->addresses(), 0u);
  ConnectionGate::Pass another;
  EXPECT_FALSE(gate_->Admit({}, &another).ok());
}

}  // namespace
}  // namespace nmq
