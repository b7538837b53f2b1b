#include "server/group/dead_letter_cycle.h"

#include <string>
#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nmq::broker {
namespace {

using ::testing::HasSubstr;

TEST(DeadLetterCycle, ChainsAndTreesAreNone) {
  EXPECT_TRUE(CheckDeadLetterCycle({}, {"A", "B"}).ok());
  EXPECT_TRUE(CheckDeadLetterCycle({{"B", "C"}, {"C", "D"}}, {"A", "B"}).ok());
  EXPECT_TRUE(CheckDeadLetterCycle({{"B", "C"}, {"B", "D"}, {"C", "D"}}, {"A", "B"}).ok());
  EXPECT_TRUE(CheckDeadLetterCycle({{"A", "B"}}, {"A", "B"}).ok()) << "another group of the same queue";
  EXPECT_TRUE(CheckDeadLetterCycle({{"C", "D"}, {"D", "C"}}, {"A", "B"}).ok()) << "it is not part of that one";
}

TEST(DeadLetterCycle, OneThatIsReachedOnTheWayHoldsNobodyUp) {
  EXPECT_TRUE(CheckDeadLetterCycle({{"B", "C"}, {"C", "B"}}, {"A", "B"}).ok());
}

TEST(DeadLetterCycle, IsNamed) {
  const absl::Status two = CheckDeadLetterCycle({{"B", "A"}}, {"A", "B"});
  EXPECT_EQ(two.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(two), "DEAD_LETTER_CYCLE");
  EXPECT_THAT(std::string(two.message()), HasSubstr("A -> B -> A"));
  const absl::Status longer =
      CheckDeadLetterCycle({{"B", "X"}, {"B", "C"}, {"C", "D"}, {"D", "A"}, {"X", "Y"}}, {"A", "B"});
  EXPECT_THAT(std::string(longer.message()), HasSubstr("A -> B -> C -> D -> A"));
  EXPECT_THAT(std::string(CheckDeadLetterCycle({}, {"A", "A"}).message()), HasSubstr("A -> A"));
}

}  // namespace
}  // namespace nmq::broker
