#include "client/examples/program.h"

#include <thread>

#include "absl/time/clock.h"
#include "client/examples/rfc3339.h"
#include "gtest/gtest.h"

namespace nmq {
namespace examples {
namespace {

TEST(ParsePatterns, PartsQueueAndEvent) {
  const std::vector<EventPattern> patterns = *ParsePatterns({"DB/**", "a.*/CREATE"});
  ASSERT_EQ(patterns.size(), 2u);
  EXPECT_EQ(patterns[0].queue, "DB");
  EXPECT_EQ(patterns[0].event, "**");
  EXPECT_EQ(patterns[1].queue, "a.*");
  EXPECT_EQ(patterns[1].event, "CREATE");
}

TEST(ParsePatterns, RefusesHalfPatternsAndNone) {
  for (const char* pattern : {"DB", "", "/", "DB/", "/CREATE"}) EXPECT_FALSE(ParsePatterns({pattern}).ok()) << pattern;
  EXPECT_FALSE(ParsePatterns({}).ok());
}

TEST(Rfc3339, IsUtcWithMilliseconds) {
  EXPECT_EQ(Rfc3339(absl::FromUnixMillis(1'700'000'000'123)), "2023-11-14T22:13:20.123Z");
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(1'700'000'000);
  timestamp.set_nanos(5'000'000);
  EXPECT_EQ(Rfc3339(timestamp), "2023-11-14T22:13:20.005Z");
}

TEST(Stop, WaitsUntilSomebodySaysSo) {
  Stop stop;
  EXPECT_FALSE(stop.Wait(absl::ZeroDuration()));
  EXPECT_FALSE(stop.Wait(absl::Milliseconds(1)));
  std::thread([&stop] { stop.Request(); }).join();
  EXPECT_TRUE(stop.Wait());
  EXPECT_TRUE(stop.Wait(absl::ZeroDuration()));
}

}  // namespace
}  // namespace examples
}  // namespace nmq
