#include "server/http2/header_list.h"

#include <malloc.h>

#include <string>

#include "gtest/gtest.h"

namespace nmq::http2 {
namespace {

TEST(HeaderList, GivesItsMemoryBackWhenItIsCleared) {
  const std::string value(50'000, 'x');
  HeaderList list;
  // Nothing under a sanitizer, whose heap is another.
  const size_t before = mallinfo2().uordblks;
  ASSERT_TRUE(list.Add("x-large", value, 64 << 10));
  list.Clear();
  EXPECT_LT(mallinfo2().uordblks, before + value.size());
  EXPECT_EQ(list.bytes(), 0u);
  EXPECT_EQ(list.Find("x-large"), "");
}

}  // namespace
}  // namespace nmq::http2
