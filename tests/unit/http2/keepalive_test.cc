#include "server/http2/keepalive.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace nmq::http2 {
namespace {

constexpr absl::Duration kBegin = absl::Hours(1);

TEST(Keepalive, SilentPeerIsPingedOnceAndThenGone) {
  const ConnectionLimits limits;
  Keepalive keepalive(&limits, kBegin);
  const absl::Duration silent = kBegin + limits.keepalive;
  EXPECT_EQ(keepalive.OnTick(silent - absl::Seconds(1)), Keepalive::Act::kNone);
  EXPECT_EQ(keepalive.OnTick(silent), Keepalive::Act::kPing);
  EXPECT_EQ(keepalive.OnTick(silent + absl::Seconds(1)), Keepalive::Act::kNone);
  EXPECT_EQ(keepalive.OnTick(silent + limits.keepalive_timeout), Keepalive::Act::kEnd);
}

TEST(Keepalive, PeerThatSaysSomethingIsThere) {
  const ConnectionLimits limits;
  Keepalive keepalive(&limits, kBegin);
  const absl::Duration silent = kBegin + limits.keepalive;
  ASSERT_EQ(keepalive.OnTick(silent), Keepalive::Act::kPing);
  keepalive.OnHeard(silent + absl::Seconds(1));
  EXPECT_EQ(keepalive.OnTick(silent + limits.keepalive_timeout), Keepalive::Act::kNone);
  EXPECT_EQ(keepalive.OnTick(silent + absl::Seconds(1) + limits.keepalive), Keepalive::Act::kPing);
}

}  // namespace
}  // namespace nmq::http2
