// Wrong values of every field of a configuration, made from the tables of limits and of the proto.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nmq/config/v1/config.pb.h"
#include "server/config/config.h"
#include "server/limits/limits.h"

namespace nmq {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uint64_t kMemory = uint64_t{1} << 30;
constexpr size_t kLengthMax = 200;

// `named` are what the answer says besides the place.
void ExpectAnswered(const std::string& text, const std::vector<std::string>& named) {
  const auto config = ParseConfig(text, "nmq.textproto", kMemory);
  ASSERT_FALSE(config.ok()) << text;
  const std::string message(config.status().message());
  EXPECT_THAT(message, StartsWith("nmq.textproto:1:")) << text;
  for (const std::string& name : named) EXPECT_THAT(message, HasSubstr(name)) << text;
  // But lists.
  if (message.find("It has: ") == std::string::npos) EXPECT_LT(message.size(), kLengthMax) << message;
}

TEST(WrongFields, EveryLimitSaysItsRange) {
  size_t count = 0;
  for (const LimitRow& row : LimitRows()) {
    const bool time = row.unit == LimitUnit::kMilliseconds;
    const auto set = [&row, time](const std::string& value) {
      return absl::StrCat("limits { ", row.name, time ? absl::StrCat(" { seconds: ", value, " }") : ": " + value, " }");
    };
    std::vector<std::string> wrong = {"0"};
    if (row.max != UINT64_MAX) wrong.push_back(absl::StrCat((time ? row.max / 1000 : row.max) + 1));
    if (!time && row.min > 1) wrong.push_back(absl::StrCat(row.min - 1));
    for (const std::string& value : wrong) {
      ExpectAnswered(set(value), {absl::StrCat("limits.", row.name, ": "), " is out of range: ", RangeText(row)});
      ++count;
    }
    for (const char* value : {"abc", "\"text\"", "1.5"}) {
      ExpectAnswered(set(value), {time ? "seconds: Expected integer" : absl::StrCat(row.name, ": Expected integer")});
      ++count;
    }
    ExpectAnswered(absl::StrCat("limits { ", row.name, "x: 5 }"), {absl::StrCat(row.name, "x"), "It has: ", row.name});
    ++count;
  }
  EXPECT_GE(count, 200u);
}

TEST(WrongFields, EveryFieldOfANamespaceAndAQueueSaysWhatItIs) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> rows = {
      {"namespace { name: 5 }", {"name: Expected string, got: 5"}},
      {"namespace { name: \"\" }", {"namespace[0].name", "is no name"}},
      {"namespace { name: \"a b\" }", {"namespace[0].name", "\"a b\"", "is no name"}},
      {"namespace { name: \"a\" automatic_queues: maybe }", {"automatic_queues", "maybe"}},
      {"namespace { nam: \"a\" }", {"nam", "It has: name, automatic_queues, automatic_retention, queue"}},
      {"namespace { name: \"a\" automatic_retention { bytes: abc } }", {"bytes: Expected integer, got: abc"}},
      {"namespace { name: \"a\" queue { name: \"\" } }", {"queue[0].name"}},
      {"namespace { name: \"a\" queue { name: \"q\" event: \"\" } }", {"event[0]", "is no name"}},
      {"namespace { name: \"a\" queue { name: \"q\" evnt: \"\" } }",
       {"evnt", "It has: name, event, retention, durability"}},
      {"namespace { name: \"a\" queue { name: \"q\" durability: FAST } }", {"FAST", "DURABILITY_DURABLE"}},
      {"namespace { name: \"a\" queue { name: \"q\" durability: 9 } }", {"9", "DURABILITY_DURABLE"}},
      {"namespace { name: \"a\" queue { name: \"q\" retention { messages: 99999999999999 } } }",
       {"retention.messages", "99999999999999", "1000000"}},
      {"namespace { name: \"a\" queue { name: \"q\" retention { age { seconds: -1 } } } }",
       {"retention.age", "negative"}},
      {"nonsense: 5", {"nonsense", "It has: limits, namespace"}},
  };
  for (const auto& [text, named] : rows) ExpectAnswered(text, named);
}

}  // namespace
}  // namespace nmq
