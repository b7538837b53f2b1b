#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tests/bench/nats/nats_protocol.h"
#include "tests/bench/nats/nats_system.h"
#include "tests/unit/bench/peer_client_facts.h"

namespace nmq::bench {
namespace {

INSTANTIATE_TEST_SUITE_P(Nats, PeerClient, testing::Values(&NatsSystem));
INSTANTIATE_TEST_SUITE_P(RawNats, PeerClient, testing::Values(&RawNatsSystem));

struct Recorder final : NatsHandler {
  void OnMessage(uint64_t subscription, absl::string_view payload) override {
    messages.emplace_back(subscription, payload);
  }
  absl::Status OnPing() override {
    ++pings;
    return absl::OkStatus();
  }
  void OnPong() override { ++pongs; }

  std::vector<std::pair<uint64_t, std::string>> messages;
  int pings = 0;
  int pongs = 0;
};

constexpr absl::string_view kSaid =
    "INFO {\"max_payload\":1048576}\r\nPONG\r\n+OK\r\n"
    "MSG q.tick 3 5\r\na\r\nb!\r\n"
    "PING\r\nMSG q.tick 12 _INBOX.1 0\r\n\r\n";

void ExpectAllOf(const Recorder& recorder) {
  const std::vector<std::pair<uint64_t, std::string>> expected = {{3, "a\r\nb!"}, {12, ""}};
  EXPECT_EQ(recorder.messages, expected);
  EXPECT_EQ(recorder.pings, 1);
  EXPECT_EQ(recorder.pongs, 1);
}

TEST(NatsReader, FindsMessagesAndPings) {
  Recorder recorder;
  NatsReader reader(&recorder);
  EXPECT_TRUE(reader.Feed(kSaid).ok());
  ExpectAllOf(recorder);
}

TEST(NatsReader, AnythingMayComeInPieces) {
  Recorder recorder;
  NatsReader reader(&recorder);
  for (size_t i = 0; i < kSaid.size(); ++i) EXPECT_TRUE(reader.Feed(kSaid.substr(i, 1)).ok());
  ExpectAllOf(recorder);
}

TEST(NatsReader, ErrorOfTheServerIsAnError) {
  Recorder recorder;
  NatsReader reader(&recorder);
  EXPECT_EQ(reader.Feed("-ERR 'Slow Consumer'\r\n").code(), absl::StatusCode::kUnavailable);
}

TEST(NatsReader, WhatIsNoProtocolIsDataLoss) {
  for (const std::string said : {"HTTP/1.1 400\r\n", "PING\n", "\n", "MSG q\r\n", "MSG q 1\r\n", "MSG q x 1\r\n",
                                 "MSG q 1 -1\r\n", "MSG q 1 99999999999\r\n"}) {
    Recorder recorder;
    NatsReader reader(&recorder);
    EXPECT_EQ(reader.Feed(said).code(), absl::StatusCode::kDataLoss) << said;
  }
}

TEST(NatsReader, LineWithoutAnEndIsDataLoss) {
  Recorder recorder;
  NatsReader reader(&recorder);
  EXPECT_EQ(reader.Feed(std::string(100000, 'x')).code(), absl::StatusCode::kDataLoss);
}

TEST(NatsGreeting, NumbersSubscriptions) {
  EXPECT_EQ(NatsGreeting({"a", "b.*"}),
            "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB a 0\r\nSUB b.* 1\r\nPING\r\n");
}

}  // namespace
}  // namespace nmq::bench
