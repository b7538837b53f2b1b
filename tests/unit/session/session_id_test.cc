#include "server/session/session_id.h"

#include <string>

#include "base/errors.h"
#include "gtest/gtest.h"
#include "tests/testing/same_byte.h"

namespace nmq::broker {
namespace {

class SessionIdTest : public ::testing::Test {
 protected:
  std::string ReasonFor(const std::string& session) { return ReasonOf(ids_.ClientOf(session).status()); }

  SameByte random_{1};
  SessionIds ids_{"run1", &random_};
};

TEST_F(SessionIdTest, SessionNamesItsClient) {
  const std::string client = ids_.NewClientId();
  EXPECT_EQ(client.substr(0, 2), "c-");
  const std::string session = ids_.NewSession(client);
  EXPECT_EQ(session.substr(0, client.size() + 6), client + ".run1.");
  EXPECT_GE(session.size(), client.size() + 6 + 32) << "160 bits of secret";
  EXPECT_EQ(*ids_.ClientOf(session), client);
}

TEST_F(SessionIdTest, SessionOfAnotherRunIsToldFromAWrongOne) {
  SessionIds before("run0", &random_);
  const auto old = ids_.ClientOf(before.NewSession("c-1"));
  EXPECT_EQ(ReasonOf(old.status()), "SESSION_UNKNOWN");
  EXPECT_NE(old.status().message().find("another run"), std::string::npos) << old.status();
  const auto wrong = ids_.ClientOf("guess");
  EXPECT_EQ(ReasonOf(wrong.status()), "SESSION_UNKNOWN");
  EXPECT_EQ(wrong.status().message().find("another run"), std::string::npos) << wrong.status();
}

TEST_F(SessionIdTest, TextOfAnyOtherFormIsUnknown) {
  for (const std::string session : {".", "..", "...", "c-1", "c-1.run1", "c-1.run1.secret.more", "run1"}) {
    EXPECT_EQ(ReasonFor(session), "SESSION_UNKNOWN") << session;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(ids_.ClientOf("").status()));
}

TEST(SameSecret, IsTrueOfEqualTextsOnly) {
  EXPECT_TRUE(SameSecret("abc", "abc"));
  EXPECT_TRUE(SameSecret("", ""));
  EXPECT_FALSE(SameSecret("abc", "abd"));
  EXPECT_FALSE(SameSecret("abc", "bbc"));
  EXPECT_FALSE(SameSecret("abc", "ab"));
  EXPECT_FALSE(SameSecret("abc", "abcd"));
}

}  // namespace
}  // namespace nmq::broker
