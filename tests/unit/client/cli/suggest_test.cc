#include "client/cli/suggest.h"

#include "gtest/gtest.h"

namespace nmq {
namespace cli {
namespace {

TEST(Nearest, FindsWhatIsMistyped) {
  const std::vector<std::string> known = {"pub", "sub", "queue", "queues", "subscriptions", "top"};
  EXPECT_EQ(Nearest("pubb", known), "pub");
  EXPECT_EQ(Nearest("quues", known), "queues");
  EXPECT_EQ(Nearest("subscr", known), "subscriptions");
  EXPECT_EQ(Nearest("elephant", known), "");
  EXPECT_EQ(Nearest("", known), "");
  EXPECT_EQ(Nearest(std::string(10'000, 'p'), known), "");
}

TEST(Nearest, KnowsWhatOtherProgramsSay) {
  EXPECT_EQ(Nearest("publish", {"pub", "sub"}), "pub");
  EXPECT_EQ(Nearest("rm", {"create", "delete"}), "delete");
  EXPECT_EQ(Nearest("rm", {"add", "remove"}), "remove");
}

}  // namespace
}  // namespace cli
}  // namespace nmq
