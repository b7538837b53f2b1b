#include "base/token.h"

#include "absl/strings/match.h"
#include "base/random.h"
#include "gtest/gtest.h"

namespace nmq {
namespace {

TEST(Token, IsKnownAgainByWhatIsKeptOfIt) {
  const NewToken made = MakeToken(SystemRandom());
  const auto kept = KeptToken::Parse("token", made.kept);
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_TRUE(kept->Matches(made.token));
  EXPECT_EQ(kept->id(), IdOfToken(made.token));
}

TEST(Token, OthersAreNot) {
  const NewToken made = MakeToken(SystemRandom());
  const NewToken other = MakeToken(SystemRandom());
  const KeptToken kept = KeptToken::Parse("token", made.kept).value();
  EXPECT_FALSE(kept.Matches(other.token));
  EXPECT_FALSE(kept.Matches(""));
  EXPECT_FALSE(kept.Matches(made.token + "a"));
  for (size_t i = 0; i < made.token.size(); ++i) {
    std::string wrong = made.token;
    wrong[i] = wrong[i] == 'a' ? 'b' : 'a';
    EXPECT_FALSE(kept.Matches(wrong)) << wrong;
    EXPECT_FALSE(kept.Matches(made.token.substr(0, i)));
  }
}

TEST(Token, WhatIsKeptSaysNothingOfTheSecret) {
  const NewToken made = MakeToken(SystemRandom());
  const std::string secret = made.token.substr(made.token.rfind('_') + 1);
  EXPECT_EQ(secret.size(), 32u);
  EXPECT_FALSE(absl::StrContains(made.kept, secret));
  EXPECT_NE(MakeToken(SystemRandom()).token, made.token);
}

TEST(Token, WhatIsNotKeptOfATokenIsRefusedWithoutSayingIt) {
  const NewToken made = MakeToken(SystemRandom());
  for (const std::string& wrong :
       {std::string(), made.token, made.kept + "0", made.kept.substr(1 + made.kept.find('.')), "a." + made.kept}) {
    const auto kept = KeptToken::Parse("identity[0].token[0]", wrong);
    ASSERT_FALSE(kept.ok()) << wrong;
    EXPECT_TRUE(absl::StrContains(kept.status().message(), "identity[0].token[0]")) << kept.status();
    EXPECT_TRUE(wrong.empty() || !absl::StrContains(kept.status().message(), wrong)) << kept.status();
  }
}

}  // namespace
}  // namespace nmq
