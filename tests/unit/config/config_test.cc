#include "server/config/config.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace nmq {
namespace {

constexpr uint64_t kMemory = uint64_t{1} << 30;

absl::StatusOr<ServerConfig> Parse(absl::string_view text) { return ParseConfig(text, "nmq.conf", kMemory); }

ServerConfig Parsed(absl::string_view text) {
  absl::StatusOr<ServerConfig> config = Parse(text);
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? *config : ServerConfig();
}

// `message` is how the error's message must begin.
void ExpectRefused(absl::string_view text, absl::string_view message,
                   absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
  const absl::Status status = Parse(text).status();
  EXPECT_EQ(status.code(), code) << text;
  EXPECT_TRUE(absl::StartsWith(status.message(), message)) << status << "\nwanted: " << message;
}

void ExpectRetention(const RetentionConfig& retention, uint64_t bytes, uint64_t messages, absl::Duration age) {
  EXPECT_EQ(retention.bytes, bytes);
  EXPECT_EQ(retention.messages, messages);
  EXPECT_EQ(retention.age, age);
}

TEST(Config, EmptyFileIsTheDefaults) {
  for (const ServerConfig& config : {Parsed(""), Parsed("# nothing\n"), DefaultConfig(kMemory)}) {
    EXPECT_EQ(config.limits.all_queues_bytes, kMemory / 4);
    EXPECT_EQ(config.limits.payload_bytes, uint64_t{1} << 20);
    ASSERT_EQ(config.namespaces.size(), 1u);
    EXPECT_EQ(config.namespaces[0].name, "default");
    EXPECT_TRUE(config.namespaces[0].automatic_queues);
    EXPECT_TRUE(config.namespaces[0].queues.empty());
    ExpectRetention(config.namespaces[0].automatic_retention, 64 << 20, 1'000'000, absl::Minutes(2));
  }
}

TEST(Config, HoldsWhatTheFileSays) {
  const ServerConfig config = Parsed(R"(
    limits { payload_bytes: 65536 heartbeat { seconds: 5 } }
    namespace {
      name: "shop"
      queue { name: "DB" event: "DELETE" event: "CREATE" retention { messages: 5000 age { seconds: 60 } } }
      queue { name: "AA" }
      automatic_queues: true
      automatic_retention { bytes: 4096 age { nanos: 500000000 } }
    }
    namespace { name: "quiet" })");
  EXPECT_EQ(config.limits.payload_bytes, 65536u);
  EXPECT_EQ(config.limits.heartbeat, absl::Seconds(5));
  ASSERT_EQ(config.namespaces.size(), 3u);
  EXPECT_EQ(config.namespaces[0].name, "default");
  const NamespaceConfig& shop = config.namespaces[1];
  EXPECT_EQ(shop.name, "shop");
  EXPECT_TRUE(shop.automatic_queues);
  ExpectRetention(shop.automatic_retention, 4096, 1'000'000, absl::Milliseconds(500));
  ASSERT_EQ(shop.queues.size(), 2u);
  EXPECT_EQ(shop.queues[0].name, "DB");
  EXPECT_EQ(shop.queues[0].events, (std::vector<std::string>{"CREATE", "DELETE"}));
  ExpectRetention(shop.queues[0].retention, 64 << 20, 5000, absl::Minutes(1));
  EXPECT_EQ(shop.queues[1].name, "AA");
  EXPECT_TRUE(shop.queues[1].events.empty());
  EXPECT_EQ(config.namespaces[2].name, "quiet");
  EXPECT_FALSE(config.namespaces[2].automatic_queues);
}

TEST(Config, ListedDefaultKeepsItsPlaceAndWishes) {
  ServerConfig config = Parsed(R"(namespace { name: "a" } namespace { name: "default" queue { name: "DB" } })");
  ASSERT_EQ(config.namespaces.size(), 2u);
  EXPECT_EQ(config.namespaces[1].name, "default");
  EXPECT_TRUE(config.namespaces[1].automatic_queues);
  EXPECT_EQ(config.namespaces[1].queues.size(), 1u);
  config = Parsed(R"(namespace { name: "default" automatic_queues: false })");
  ASSERT_EQ(config.namespaces.size(), 1u);
  EXPECT_FALSE(config.namespaces[0].automatic_queues);
}

TEST(Config, SameNamesMayAppearInDifferentNamespaces) {
  EXPECT_TRUE(Parse(R"(namespace { name: "a" queue { name: "DB" event: "x" } queue { name: "FS" event: "x" } }
                       namespace { name: "b" queue { name: "DB" event: "x" } })")
                  .ok());
}

TEST(Config, SyntaxErrorsSayLineAndColumn) {
  ExpectRefused("namespace {\n  name: shop }\n", "nmq.conf:2:9: ");
  ExpectRefused("namespace {", "nmq.conf:1:12: ");
  ExpectRefused("\n\n}", "nmq.conf:3:1: ");
  ExpectRefused("limits { payload_bytes: -1 }", "nmq.conf:1:25: ");
  ExpectRefused("limits { payload_bytes: 99999999999999999999 }", "nmq.conf:1:25: ");
  ExpectRefused("limits {} limits {}", "nmq.conf:1:");
  ExpectRefused("namespace { name: \"a }", "nmq.conf:1:");
  ExpectRefused(absl::string_view("\0\xff", 2), "nmq.conf:1:1: ");
}

TEST(Config, UnknownFieldsAreErrors) {
  ExpectRefused("namespace {\n name: \"a\"\n colour: 1 }", "nmq.conf:3:");
  ExpectRefused("limits { payload: 1 }", "nmq.conf:1:");
  ExpectRefused("cluster {}", "nmq.conf:1:");
  const absl::Status status = Parse("cluster {}").status();
  EXPECT_TRUE(absl::StrContains(status.message(), "cluster")) << status;
}

TEST(Config, DeepNestingIsRefused) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "namespace {";
  EXPECT_FALSE(Parse(text).ok());
}

TEST(Config, NamesAreChecked) {
  ExpectRefused("namespace {\n  name: \"a b\" }", "nmq.conf:2:3: namespace[0].name: \"a b\" of 3 bytes is no name");
  ExpectRefused("\n namespace {}", "nmq.conf:2:2: namespace[0].name: \"\" of 0 bytes is no name");
  ExpectRefused("namespace { name: \"a\" queue {\nname: \"*\" } }", "nmq.conf:2:1: namespace[0].queue[0].name: \"*\"");
  ExpectRefused("namespace { name: \"a\" queue { name: \"q\" event: \"e\"\nevent: \"\\377\" } }",
                "nmq.conf:2:1: namespace[0].queue[0].event[1]: \"\\xff\" of 1 bytes");
  ExpectRefused("limits { name_bytes: 10 } namespace { name: \"elevenbytes\" }", "nmq.conf:1:39: namespace[0].name");
  EXPECT_TRUE(Parse("limits { name_bytes: 11 } namespace { name: \"elevenbytes\" }").ok());
}

TEST(Config, ErrorsInListsInBracketsStillHaveAPlace) {
  ExpectRefused("namespace { name: \"a\"\n queue { name: \"q\" event: [\"e\", \"e\"] } }", "nmq.conf:2:");
}

TEST(Config, NothingIsListedTwice) {
  ExpectRefused("namespace { name: \"a\" }\nnamespace { name: \"a\" }",
                "nmq.conf:2:13: namespace[1].name: \"a\" is listed twice");
  ExpectRefused("namespace { name: \"default\" }\nnamespace { name: \"default\" }",
                "nmq.conf:2:13: namespace[1].name: \"default\" is listed twice");
  ExpectRefused("namespace { name: \"a\" queue { name: \"q\" }\nqueue { name: \"q\" } }",
                "nmq.conf:2:9: namespace[0].queue[1].name: \"q\" is listed twice");
  ExpectRefused("namespace { name: \"a\" queue { name: \"q\" event: \"e\" event: \"f\"\nevent: \"e\" } }",
                "nmq.conf:2:1: namespace[0].queue[0].event[2]: \"e\" is listed twice");
}

TEST(Config, LimitsOutsideTheirRangesAreRefusedWhereTheyStand) {
  ExpectRefused("limits {\n payload_bytes: 67108865 }", "nmq.conf:2:2: limits.payload_bytes: 67108865 is out of range");
  ExpectRefused("limits {\n queue_age {\n seconds: -1 } }", "nmq.conf:2:2: limits.queue_age: -1s is out of range");
  // page_default is at fault, but only page_max is in the file.
  ExpectRefused("\nlimits { page_max: 99 }", "nmq.conf:2:1: limits.page_default: 100 is above page_max of 99");
}

TEST(Config, RetentionStaysWithinTheLimits) {
  const std::string limits = "limits { queue_bytes: 100000 queue_messages: 100 queue_age { seconds: 10 } } ";
  const auto with = [&limits](absl::string_view retention) {
    return absl::StrCat(limits, "namespace { name: \"a\" queue { name: \"q\"\nretention { ", retention, " } } }");
  };
  const auto accepted = [&with](absl::string_view retention) {
    return Parsed(with(retention)).namespaces.at(1).queues.at(0).retention;
  };
  ExpectRetention(accepted(""), 100'000, 100, absl::Seconds(10));
  ExpectRetention(accepted("bytes: 99999 messages: 99 age { seconds: 9 }"), 99'999, 99, absl::Seconds(9));
  ExpectRetention(accepted("bytes: 100000 messages: 100 age { seconds: 10 }"), 100'000, 100, absl::Seconds(10));
  ExpectRetention(accepted("bytes: 1 messages: 1 age { nanos: 1 }"), 1, 1, absl::Nanoseconds(1));
  const std::string path = "nmq.conf:2:13: namespace[0].queue[0].retention.";
  ExpectRefused(with("bytes: 100001"), path + "bytes: 100001 exceeds queue_bytes of 100000");
  ExpectRefused(with("messages: 101"), path + "messages: 101 exceeds queue_messages of 100");
  ExpectRefused(with("age { seconds: 10 nanos: 1 }"), path + "age: 10.000000001s exceeds queue_age of 10s");
  ExpectRefused(with("age { seconds: -1 }"), path + "age: -1s is negative");
  ExpectRefused(limits + "namespace { name: \"a\"\nautomatic_retention { messages: 101 } }",
                "nmq.conf:2:23: namespace[0].automatic_retention.messages: 101 exceeds queue_messages of 100");
}

TEST(Config, DurableQueueHasBoundsOfItsOwn) {
  const std::string limits =
      "limits { queue_messages: 100 durable_bytes: 2000000 durable_messages: 1000 durable_age { seconds: 10 } } ";
  const auto with = [&](const std::string& retention) {
    return limits + "namespace { name: \"n\" queue { name: \"q\" durability: DURABILITY_DURABLE retention { " +
           retention + " } } }";
  };
  const auto config = ParseConfig(with("bytes: 2000000 messages: 1000 age { seconds: 10 }"), "nmq.conf", 1 << 30);
  ASSERT_TRUE(config.ok()) << config.status();
  for (const char* refused : {"bytes: 2000001", "messages: 1001", "age { seconds: 11 }"}) {
    const auto status = ParseConfig(with(refused), "nmq.conf", 1 << 30).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << refused;
    EXPECT_NE(status.message().find("exceeds durable_"), absl::string_view::npos) << status;
  }
}

TEST(Config, CountsNamespacesWithDefaultAmongThem) {
  const std::string limit = "limits { namespaces: 3 } ";
  EXPECT_TRUE(Parse(limit + R"(namespace { name: "a" })").ok());
  EXPECT_TRUE(Parse(limit + R"(namespace { name: "a" } namespace { name: "b" })").ok());
  const std::string three = R"(namespace { name: "a" } namespace { name: "b" } namespace { name: "c" })";
  ExpectRefused(limit + three, "nmq.conf: namespaces: 4 exceeds the limit of 3", absl::StatusCode::kResourceExhausted);
}

TEST(Config, CountsQueuesOfEachNamespace) {
  const auto with = [](int count) {
    std::string text = "limits { queues_per_namespace: 3 }\nnamespace { name: \"a\"";
    for (int i = 0; i < count; ++i) absl::StrAppend(&text, " queue { name: \"q", i, "\" }");
    return text + " } namespace { name: \"b\" queue { name: \"q\" } }";
  };
  EXPECT_TRUE(Parse(with(2)).ok());
  EXPECT_TRUE(Parse(with(3)).ok());
  ExpectRefused(with(4), "nmq.conf:2:1: namespace[0]: queues_per_namespace: 4 exceeds the limit of 3",
                absl::StatusCode::kResourceExhausted);
}

TEST(LoadConfigFile, ReadsAFile) {
  const std::string path = testing::TempDir() + "/config_test.conf";
  std::string text = "namespace { name: \"a\" }\n";
  while (text.size() < 10'000) text += "# a comment\n";
  std::ofstream(path) << text << "namespace { name: \"b\" }";
  const absl::StatusOr<ServerConfig> config = LoadConfigFile(path, kMemory);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->namespaces.size(), 3u);
  std::ofstream(path) << "namespace { name: 1 }";
  EXPECT_TRUE(absl::StartsWith(LoadConfigFile(path, kMemory).status().message(), path + ":1:19: "));
  std::filesystem::remove(path);
}

TEST(LoadConfigFile, SaysWhyAFileCannotBeRead) {
  const std::string missing = testing::TempDir() + "/no-such-file";
  const absl::Status status = LoadConfigFile(missing, kMemory).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(absl::StartsWith(status.message(), "cannot read " + missing + ": ")) << status;
  const absl::Status folder = LoadConfigFile(testing::TempDir(), kMemory).status();
  EXPECT_FALSE(folder.ok());
  EXPECT_TRUE(absl::StartsWith(folder.message(), "cannot read ")) << folder;
}

}  // namespace
}  // namespace nmq
