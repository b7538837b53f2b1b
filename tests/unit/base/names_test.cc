#include "base/names.h"

#include <cctype>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "base/errors.h"
#include "gtest/gtest.h"

namespace nmq {
namespace {

bool Matches(absl::string_view pattern, absl::string_view name) {
  const absl::StatusOr<Pattern> parsed = Pattern::Parse("queue", pattern);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.ok() && parsed->Matches(name);
}

void ExpectRefused(const absl::Status& status, absl::string_view part) {
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_EQ(ReasonOf(status), "INVALID_FIELD");
  EXPECT_TRUE(absl::StrContains(status.message(), part)) << status;
}

TEST(IsName, SaysWhatCheckNameSays) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string name = std::string("a") + static_cast<char>(byte);
    EXPECT_EQ(IsName(name), CheckName("field", name).ok()) << byte;
    const bool letter = byte < 128 && std::isalnum(byte) != 0;
    EXPECT_EQ(IsName(name),
              letter || (byte != 0 && std::string("._~-").find(static_cast<char>(byte)) != std::string::npos))
        << byte;
  }
  EXPECT_FALSE(IsName(""));
}

TEST(CheckName, AcceptsExactlyTheNameBytes) {
  const std::string allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-";
  for (int byte = 0; byte < 256; ++byte) {
    const std::string value(1, static_cast<char>(byte));
    EXPECT_EQ(CheckName("room", value).ok(), absl::StrContains(allowed, value)) << byte;
  }
}

TEST(CheckName, AcceptsOneToTheBoundAndNotOneMore) {
  ExpectRefused(CheckName("room", ""), "room: \"\" of 0 bytes is no name");
  EXPECT_TRUE(CheckName("room", "r").ok());
  EXPECT_TRUE(CheckName("room", std::string(127, 'r')).ok());
  EXPECT_TRUE(CheckName("room", std::string(128, 'r')).ok());
  ExpectRefused(CheckName("room", std::string(129, 'r')), "of 129 bytes is no name: 1 to 128 bytes");
  EXPECT_TRUE(CheckName("room", "four", 4).ok());
  ExpectRefused(CheckName("room", "fiver", 4), "1 to 4 bytes");
}

TEST(CheckName, ErrorNamesFieldAndEscapedValueAndRule) {
  const absl::Status status = CheckName("message.queue", absl::string_view("a\n\"\xff\0", 5));
  ExpectRefused(status, "message.queue: ");
  ExpectRefused(status, R"("a\n\"\xff\x00")");
  ExpectRefused(status, "1 to 128 bytes of [A-Za-z0-9._~-]");
}

TEST(CheckName, ErrorDoesNotRepeatHugeValues) {
  EXPECT_LT(CheckName("queue", std::string(1 << 20, '\xff')).message().size(), 400u);
}

TEST(Pattern, NameMatchesItselfOnly) {
  const absl::StatusOr<Pattern> pattern = Pattern::Parse("queue", "db.users");
  ASSERT_TRUE(pattern.ok());
  EXPECT_TRUE(pattern->IsName());
  EXPECT_FALSE(pattern->MatchesAll());
  EXPECT_EQ(pattern->text(), "db.users");
  EXPECT_TRUE(pattern->Matches("db.users"));
  for (const char* other : {"db", "db.user", "db.users.1", "db.userss", "DB.users", "db.users."}) {
    EXPECT_FALSE(pattern->Matches(other)) << other;
  }
}

TEST(Pattern, StarMatchesExactlyOneToken) {
  EXPECT_TRUE(Matches("*", "db"));
  EXPECT_FALSE(Matches("*", "db.users"));
  EXPECT_TRUE(Matches("db.*", "db.users"));
  EXPECT_FALSE(Matches("db.*", "db"));
  EXPECT_FALSE(Matches("db.*", "db.users.1"));
  EXPECT_FALSE(Matches("db.*", "fs.users"));
  EXPECT_TRUE(Matches("*.users", "db.users"));
  EXPECT_FALSE(Matches("*.users", "db.user"));
  EXPECT_TRUE(Matches("a.*.c", "a.b.c"));
  EXPECT_FALSE(Matches("a.*.c", "a.b.d"));
  EXPECT_FALSE(Matches("a.*.c", "a.b.b.c"));
  EXPECT_TRUE(Matches("*.*", "a.b"));
  EXPECT_FALSE(Matches("*.*", "a"));
}

TEST(Pattern, TrailingDoubleStarNeedsOneMoreToken) {
  EXPECT_FALSE(Matches("db.**", "db"));
  EXPECT_TRUE(Matches("db.**", "db.users"));
  EXPECT_TRUE(Matches("db.**", "db.users.1.name"));
  EXPECT_FALSE(Matches("db.**", "dbx.users"));
  EXPECT_FALSE(Matches("db.**", "fs.db.users"));
  EXPECT_FALSE(Matches("*.**", "db"));
  EXPECT_TRUE(Matches("*.**", "db.users"));
  EXPECT_TRUE(Matches("a.*.**", "a.b.c"));
  EXPECT_FALSE(Matches("a.*.**", "a.b"));
}

TEST(Pattern, DoubleStarAloneMatchesEveryName) {
  const absl::StatusOr<Pattern> pattern = Pattern::Parse("queue", "**");
  ASSERT_TRUE(pattern.ok());
  EXPECT_TRUE(pattern->MatchesAll());
  EXPECT_FALSE(pattern->IsName());
  for (const char* name : {"a", "a.b", ".", "..", "a..b", "~"}) EXPECT_TRUE(pattern->Matches(name)) << name;
  EXPECT_FALSE(Pattern::Parse("queue", "*")->MatchesAll());
  EXPECT_FALSE(Pattern::Parse("queue", "*.**")->MatchesAll());
}

TEST(Pattern, WildcardsMatchEmptyTokens) {
  EXPECT_TRUE(Matches("a.*.b", "a..b"));
  EXPECT_FALSE(Matches("a.*", "a..b"));
  EXPECT_TRUE(Matches("a.*", "a."));
  EXPECT_TRUE(Matches("a.**", "a."));
  EXPECT_TRUE(Matches("*.*", "."));
  EXPECT_TRUE(Matches("*.", "a."));
  EXPECT_FALSE(Matches("*.", "a"));
  EXPECT_TRUE(Matches(".**", ".a"));
  EXPECT_TRUE(Matches(".**", "."));
  EXPECT_FALSE(Matches(".**", "a"));
}

TEST(Pattern, EveryNameIsAPatternOfItself) {
  for (const char* name : {".", "..", "a.", ".a", "-", "~", "a..b"}) {
    EXPECT_TRUE(Pattern::Parse("queue", name)->IsName()) << name;
    EXPECT_TRUE(Matches(name, name)) << name;
  }
}

TEST(Pattern, RefusesDoubleStarBeforeTheEnd) {
  for (const char* text : {"**.a", "a.**.b", "**.**", "**.*", "**."}) {
    ExpectRefused(Pattern::Parse("queue", text).status(), "`**` may only be the last token");
  }
}

TEST(Pattern, RefusesStarThatIsPartOfAToken) {
  for (const char* text : {"a*", "*a", "a*b", "x.a*", "a*.x", "***", "a.***", "a**", "x.a**"}) {
    ExpectRefused(Pattern::Parse("patterns[2].queue", text).status(), "must be all that is between two dots");
  }
}

TEST(Pattern, RefusesWhatIsNoPatternAtAll) {
  ExpectRefused(Pattern::Parse("queue", "").status(), "queue: \"\" of 0 bytes is no name or pattern");
  ExpectRefused(Pattern::Parse("queue", "a b").status(), "\"a b\"");
  ExpectRefused(Pattern::Parse("queue", "a.?").status(), "1 to 128 bytes of [A-Za-z0-9._~*-]");
  EXPECT_TRUE(Pattern::Parse("queue", std::string(126, 'a') + ".*").ok());
  ExpectRefused(Pattern::Parse("queue", std::string(127, 'a') + ".*").status(), "of 129 bytes");
}

TEST(Pattern, CoversOnlyPatternsAllOfWhoseNamesItMatches) {
  const auto covers = [](const char* pattern, const char* other) {
    return Pattern::Parse("queue", pattern)->Covers(other);
  };
  for (const auto& [pattern, other] : {std::pair<const char*, const char*>("**", "**"),
                                       {"**", "a.*"},
                                       {"a", "a"},
                                       {"a.*", "a.b"},
                                       {"a.*", "a.*"},
                                       {"a.**", "a.*"},
                                       {"a.**", "a.**"},
                                       {"a.**", "a.b.**"},
                                       {"*.b", "a.b"},
                                       {"*.*", "a.*"},
                                       {"a.**", "a.*.**"}}) {
    EXPECT_TRUE(covers(pattern, other)) << pattern << " " << other;
  }
  for (const auto& [pattern, other] : {std::pair<const char*, const char*>("a", "*"),
                                       {"a", "**"},
                                       {"a.b", "a.*"},
                                       {"a.*", "a.**"},
                                       {"a.*", "**"},
                                       {"a.**", "**"},
                                       {"*", "**"},
                                       {"*.*", "*.**"},
                                       {"a.*.**", "a.**"},
                                       {"a.*", "b.*"},
                                       {"a.b.**", "a.**"}}) {
    EXPECT_FALSE(covers(pattern, other)) << pattern << " " << other;
  }
}

TEST(Pattern, CopiesOutliveTheirOriginal) {
  absl::StatusOr<Pattern> copy = absl::UnknownError("");
  {
    const std::string text = "a-name-too-long-for-any-small-string-optimisation.*";
    copy = *Pattern::Parse("queue", text);
  }
  EXPECT_TRUE(copy->Matches("a-name-too-long-for-any-small-string-optimisation.x"));
  EXPECT_EQ(*copy, *Pattern::Parse("queue", copy->text()));
}

}  // namespace
}  // namespace nmq
