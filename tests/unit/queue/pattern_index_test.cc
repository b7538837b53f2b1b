#include "server/queue/pattern_index.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "base/names.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using ::testing::UnorderedElementsAreArray;

std::vector<std::string> Matching(const PatternIndex& index, absl::string_view name) {
  std::vector<std::string> found;
  index.Match(name, [&](absl::string_view pattern) { found.emplace_back(pattern); });
  return found;
}

TEST(PatternIndex, EmptyMatchesNothing) {
  const PatternIndex index;
  EXPECT_TRUE(index.empty());
  EXPECT_THAT(Matching(index, "a"), IsEmpty());
}

TEST(PatternIndex, FindsAllThatMatchAndNoOther) {
  PatternIndex index;
  for (const char* pattern : {"a.*", "a.**", "*.b", "*", "a.b", "*.*", "b.*", "a.*.c", "a.b.**"}) index.Add(pattern);
  EXPECT_THAT(Matching(index, "a.b"), UnorderedElementsAre("a.*", "a.**", "*.b", "a.b", "*.*"));
  EXPECT_THAT(Matching(index, "a.b.c"), UnorderedElementsAre("a.**", "a.*.c", "a.b.**"));
  EXPECT_THAT(Matching(index, "a"), ElementsAre("*"));
  EXPECT_THAT(Matching(index, "c.d.e"), IsEmpty());
}

TEST(PatternIndex, EmptyTokensAreTokens) {
  PatternIndex index;
  for (const char* pattern : {"a.*", "a..*", "*", "*.*"}) index.Add(pattern);
  EXPECT_THAT(Matching(index, "a."), UnorderedElementsAre("a.*", "*.*"));
  EXPECT_THAT(Matching(index, "a.."), ElementsAre("a..*"));
  EXPECT_THAT(Matching(index, "."), ElementsAre("*.*"));
}

TEST(PatternIndex, IsGoneWhenItWasRemovedAsOftenAsAdded) {
  PatternIndex index;
  index.Add("a.*");
  index.Add("a.*");
  index.Add("a.*.c");
  index.Remove("a.*");
  EXPECT_THAT(Matching(index, "a.b"), ElementsAre("a.*"));
  index.Remove("a.*");
  EXPECT_THAT(Matching(index, "a.b"), IsEmpty());
  EXPECT_THAT(Matching(index, "a.b.c"), ElementsAre("a.*.c"));
  index.Remove("a.*.c");
  EXPECT_TRUE(index.empty());
}

TEST(PatternIndex, RemovingWhatIsNotThereChangesNothing) {
  PatternIndex index;
  index.Add("a.*.c");
  for (const char* pattern : {"a.*", "b.*", "a.**", "a.*.c.**", "*"}) index.Remove(pattern);
  EXPECT_THAT(Matching(index, "a.b.c"), ElementsAre("a.*.c"));
}

TEST(PatternIndex, AgreesWithPattern) {
  std::minstd_rand random(1);
  const auto text = [&](std::vector<std::string> tokens) {
    std::string joined = tokens[random() % tokens.size()];
    for (int more = random() % 4; more > 0; --more) joined += "." + tokens[random() % tokens.size()];
    return joined;
  };
  for (int round = 0; round < 200; ++round) {
    PatternIndex index;
    std::vector<Pattern> patterns;
    for (int i = 0; i < 20; ++i) {
      auto pattern = Pattern::Parse("pattern", text({"a", "b", "", "*"}) + (random() % 3 == 0 ? ".**" : ".*"));
      ASSERT_TRUE(pattern.ok()) << pattern.status();
      index.Add(pattern->text());
      if (random() % 4 == 0) {
        index.Remove(pattern->text());
      } else if (std::find(patterns.begin(), patterns.end(), *pattern) == patterns.end()) {
        patterns.push_back(*std::move(pattern));
      }
    }
    for (int i = 0; i < 50; ++i) {
      const std::string name = text({"a", "b", ""});
      std::vector<std::string> expected;
      for (const Pattern& pattern : patterns) {
        if (pattern.Matches(name)) expected.push_back(pattern.text());
      }
      EXPECT_THAT(Matching(index, name), UnorderedElementsAreArray(expected)) << name;
    }
  }
}

}  // namespace
}  // namespace nmq::broker
