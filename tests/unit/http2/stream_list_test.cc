#include "server/http2/stream_list.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/unit/http2/test_host.h"

namespace nmq::http2 {
namespace {

constexpr absl::Duration kBegin = absl::Hours(1);

TEST(StreamList, HasThoseThatWereNotRemoved) {
  StreamList list(kBegin);
  TestStream a(nullptr, 1, {});
  TestStream b(nullptr, 3, {});
  TestStream c(nullptr, 5, {});
  for (TestStream* const one : {&a, &b, &c}) list.Add(one);
  EXPECT_EQ(list.size(), 3u);
  list.Remove(&b, kBegin);
  list.Remove(&c, kBegin);
  EXPECT_EQ(list.first(), &a);
  list.Remove(&a, kBegin);
  EXPECT_EQ(list.first(), nullptr);
}

TEST(StreamList, IsIdleSinceItsLastStream) {
  StreamList list(kBegin);
  EXPECT_EQ(list.IdleFor(kBegin + absl::Seconds(2)), absl::Seconds(2));
  EXPECT_FALSE(list.used());
  TestStream stream(nullptr, 1, {});
  list.Add(&stream);
  EXPECT_TRUE(list.used());
  EXPECT_EQ(list.IdleFor(kBegin + absl::Seconds(5)), absl::ZeroDuration());
  list.Remove(&stream, kBegin + absl::Seconds(6));
  EXPECT_EQ(list.IdleFor(kBegin + absl::Seconds(7)), absl::Seconds(1));
}

TEST(StreamList, UnusedIsMoreSpareThanUsedAndThenTheOneThatIsIdleForLonger) {
  StreamList used(kBegin);
  TestStream stream(nullptr, 1, {});
  used.Add(&stream);
  used.Remove(&stream, kBegin);
  const StreamList older(kBegin + absl::Seconds(1));
  const StreamList younger(kBegin + absl::Seconds(2));
  EXPECT_TRUE(younger.IsMoreSpareThan(used));
  EXPECT_FALSE(used.IsMoreSpareThan(younger));
  EXPECT_TRUE(older.IsMoreSpareThan(younger));
  EXPECT_FALSE(younger.IsMoreSpareThan(older));
}

}  // namespace
}  // namespace nmq::http2
