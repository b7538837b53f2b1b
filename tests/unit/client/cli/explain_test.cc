#include "client/cli/explain.h"

#include "base/errors.h"
#include "gtest/gtest.h"

namespace nmq {
namespace cli {
namespace {

TEST(Explain, ConnectionFailureSaysWhatToDo) {
  const absl::Status status = absl::UnavailableError(
      "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to connect to remote host: "
      "Connection refused");
  EXPECT_EQ(Explain(status, "127.0.0.1:1"),
            "cannot reach 127.0.0.1:1: connection refused. Is nmqd running? Start it, or name another with --server or "
            "NMQ_SERVER.");
}

TEST(Explain, RefusalIsTheServersOwnWords) {
  EXPECT_EQ(Explain(NotFound("NAMESPACE_NOT_FOUND", "there is no namespace \"x\""), "s"),
            "there is no namespace \"x\" (NOT_FOUND, NAMESPACE_NOT_FOUND)");
  EXPECT_EQ(Explain(absl::InternalError("a\nb"), "s"), "a\\nb (INTERNAL)");
  EXPECT_EQ(Explain(absl::InternalError(""), "s"), "no reason given (INTERNAL)");
}

TEST(Explain, DrainingServerWasReached) {
  EXPECT_EQ(Explain(Unavailable("DRAINING", "the server is shutting down", absl::ZeroDuration()), "s"),
            "the server is shutting down (UNAVAILABLE, DRAINING)");
}

TEST(ExplainBriefly, GivesNoAdvice) {
  EXPECT_EQ(ExplainBriefly(absl::UnavailableError("x: y: Socket closed")), "socket closed");
  EXPECT_EQ(ExplainBriefly(Unavailable("DRAINING", "the server: is shutting down", absl::ZeroDuration())),
            "the server: is shutting down");
}

TEST(Explain, GapSaysHowManyWhereAndWhy) {
  v1::Gap gap;
  gap.set_queue("DB");
  gap.set_first(5);
  gap.set_last(7);
  gap.set_count(3);
  gap.set_reason(v1::GAP_REASON_SLOW_SUBSCRIBER);
  EXPECT_EQ(Explain(gap), "at most 3 messages of DB missing (sequences 5 to 7): this subscriber was too slow");
  gap.set_last(5);
  gap.set_count(1);
  EXPECT_EQ(Explain(gap), "at most 1 message of DB missing (sequence 5): this subscriber was too slow");
  gap.set_reason(v1::GAP_REASON_EXPIRED);
  EXPECT_EQ(Explain(gap), "at most 1 message of DB missing (sequence 5): their time was over");
  gap.set_reason(v1::GAP_REASON_SLOW_SUBSCRIBER);
}

TEST(Explain, GapOfUnknownSizeSaysNoNumber) {
  v1::Gap gap;
  gap.set_queue("DB");
  gap.set_first(5);
  gap.set_reason(v1::GAP_REASON_EPOCH_CHANGED);
  EXPECT_EQ(Explain(gap), "messages of DB missing (from sequence 5 on): the queue has begun anew");
}

}  // namespace
}  // namespace cli
}  // namespace nmq
