#include "base/free_memory.h"

#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "gtest/gtest.h"

namespace nmq {
namespace {

TEST(FreeMemory, OfAStringIsGivenBack) {
  std::string text(100'000, 'x');
  FreeMemory(&text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(text.capacity(), std::string().capacity());
}

TEST(FreeMemory, OfContainersIsGivenBack) {
  std::vector<int> numbers(1'000);
  FreeMemory(&numbers);
  EXPECT_EQ(numbers.capacity(), 0u);
  absl::InlinedVector<int, 1> few(1'000);
  FreeMemory(&few);
  EXPECT_EQ(few.capacity(), 1u);
}

}  // namespace
}  // namespace nmq
