#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tests/bench/redis/redis_protocol.h"
#include "tests/bench/redis/redis_system.h"
#include "tests/unit/bench/peer_client_facts.h"

namespace nmq::bench {
namespace {

INSTANTIATE_TEST_SUITE_P(Redis, PeerClient, testing::Values(&RedisSystem));

struct Recorder final : ReplyHandler {
  void OnText(absl::string_view text) override { texts.emplace_back(text); }
  void OnInteger() override { ++integers; }

  std::vector<std::string> texts;
  int integers = 0;
};

constexpr absl::string_view kReplies =
    "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
    "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$5\r\na\r\nb!\r\n"
    "*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\nc\r\n$3\r\nend\r\n"
    ":2\r\n";

TEST(ReplyReader, FindsPayloadsAndIntegers) {
  Recorder recorder;
  ReplyReader reader(&recorder);
  EXPECT_TRUE(reader.Feed(kReplies).ok());
  EXPECT_EQ(recorder.texts, (std::vector<std::string>{"a\r\nb!", "end"}));
  EXPECT_EQ(recorder.integers, 2);
}

TEST(ReplyReader, RepliesMayComeInPieces) {
  Recorder recorder;
  ReplyReader reader(&recorder);
  for (size_t i = 0; i < kReplies.size(); ++i) EXPECT_TRUE(reader.Feed(kReplies.substr(i, 1)).ok());
  EXPECT_EQ(recorder.texts, (std::vector<std::string>{"a\r\nb!", "end"}));
  EXPECT_EQ(recorder.integers, 2);
}

TEST(ReplyReader, LargeRepliesAreWhole) {
  Recorder recorder;
  ReplyReader reader(&recorder);
  const std::string text(100000, 'x');
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(reader.Feed(Command({"message", "c", text})).ok());
  EXPECT_EQ(recorder.texts, std::vector<std::string>(3, text));
}

TEST(ReplyReader, ErrorReplyIsAnError) {
  Recorder recorder;
  ReplyReader reader(&recorder);
  EXPECT_EQ(reader.Feed("-ERR no\r\n").code(), absl::StatusCode::kInternal);
}

TEST(ReplyReader, WhatIsNoReplyIsDataLoss) {
  Recorder recorder;
  ReplyReader reader(&recorder);
  EXPECT_EQ(reader.Feed("HTTP/1.1 400\r\n").code(), absl::StatusCode::kDataLoss);
}

TEST(RedisCommand, PatternsArePatternSubscriptions) {
  EXPECT_EQ(SubscribeCommand({"a", "b"}), "*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$1\r\nb\r\n");
  EXPECT_EQ(SubscribeCommand({"a.*"}), "*2\r\n$10\r\nPSUBSCRIBE\r\n$3\r\na.*\r\n");
}

TEST(RedisCommand, PublishIsACommand) {
  EXPECT_EQ(PublishPrefix("q.tick", 3) + "xyz\r\n", Command({"PUBLISH", "q.tick", "xyz"}));
}

}  // namespace
}  // namespace nmq::bench
