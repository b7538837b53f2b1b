#include "client/cpp/status.h"

#include "base/errors.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "tests/unit/client/cpp/fake_server.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

using nmq::fake::Refusal;

TEST(FromGrpc, OkIsOk) { EXPECT_TRUE(FromGrpc(grpc::Status::OK).ok()); }

TEST(FromGrpc, CodeMessageAndReasonSurvive) {
  const absl::Status status = FromGrpc(Refusal(grpc::StatusCode::NOT_FOUND, "QUEUE_UNKNOWN", "no queue \"X\""));
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "no queue \"X\"");
  EXPECT_EQ(ReasonOf(status), "QUEUE_UNKNOWN");
}

TEST(FromGrpc, DetailsThatAreNoStatusAreLeftOut) {
  const absl::Status status = FromGrpc(grpc::Status(grpc::StatusCode::INTERNAL, "broken", "\xff\xff\xff"));
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ReasonOf(status), "");
}

TEST(FromRpc, KeepsTheRetryDelay) {
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(2);
  retry.mutable_retry_delay()->set_nanos(500000000);
  google::rpc::Status rpc;
  rpc.set_code(grpc::StatusCode::RESOURCE_EXHAUSTED);
  rpc.add_details()->set_type_url(kRetryInfoTypeUrl);
  rpc.mutable_details(0)->set_value(retry.SerializeAsString());
  EXPECT_EQ(RetryDelay(FromRpc(rpc)), absl::Milliseconds(2500));
  EXPECT_TRUE(IsPassing(FromRpc(rpc)));
}

TEST(IsSessionLost, OnlyForTheTwoReasons) {
  EXPECT_TRUE(IsSessionLost(NotFound("SESSION_UNKNOWN", "")));
  EXPECT_TRUE(IsSessionLost(NotFound("SESSION_EXPIRED", "")));
  EXPECT_FALSE(IsSessionLost(NotFound("QUEUE_UNKNOWN", "")));
  EXPECT_FALSE(IsSessionLost(absl::NotFoundError("session")));
  EXPECT_FALSE(IsSessionLost(FailedPrecondition("SESSION_UNKNOWN", "")));
}

TEST(IsRefusedForNow, OnlyIfTheServerSaysSoAndNobodyHeardAQuestion) {
  EXPECT_TRUE(IsRefusedForNow(Unavailable("DRAINING", "no", absl::ZeroDuration())));
  EXPECT_FALSE(IsRefusedForNow(Unavailable("NOBODY_LISTENS", "no", absl::ZeroDuration())));
  EXPECT_FALSE(IsRefusedForNow(Unavailable("QUESTION_ABANDONED", "no", absl::ZeroDuration())));
  EXPECT_FALSE(IsRefusedForNow(absl::UnavailableError("connection reset")));
  EXPECT_FALSE(IsRefusedForNow(NotFound("QUEUE_NOT_FOUND", "no")));
}

TEST(IsPassing, ConnectionsAndDrainsPass) {
  EXPECT_TRUE(IsPassing(absl::UnavailableError("connection refused")));
  EXPECT_TRUE(IsPassing(Unavailable("DRAINING", "", absl::ZeroDuration())));
  EXPECT_TRUE(IsPassing(absl::InternalError("RST_STREAM")));
  EXPECT_TRUE(IsPassing(absl::UnknownError("stream removed")));
}

TEST(IsPassing, RefusalsStay) {
  EXPECT_FALSE(IsPassing(absl::OkStatus()));
  EXPECT_FALSE(IsPassing(InvalidArgument("patterns", "is empty")));
  EXPECT_FALSE(IsPassing(NotFound("QUEUE_UNKNOWN", "")));
  EXPECT_FALSE(IsPassing(absl::PermissionDeniedError("")));
  EXPECT_FALSE(IsPassing(ResourceExhausted("SLOW_SUBSCRIBER", "", absl::Seconds(1))));
  EXPECT_FALSE(IsPassing(LimitExceeded("subscriptions_per_client", 101, 100)));
  EXPECT_FALSE(IsPassing(OutOfRange("POSITION", "")));
}

TEST(IsPassing, RubbishStays) { EXPECT_FALSE(IsPassing(absl::DataLossError("no frame"))); }

TEST(TooLargeBytes, IsWhatTheServerOrGrpcNames) {
  EXPECT_EQ(TooLargeBytes(ResourceExhausted(kReasonLimitExceeded, "a message of 20 bytes", absl::ZeroDuration(),
                                            {{"value", "20"}, {"bound", "10"}})),
            20);
  for (const char* text :
       {"Received message larger than max (20 vs. 10)", "CLIENT: grpc: received message larger than max (20 vs. 10)"}) {
    EXPECT_EQ(TooLargeBytes(absl::ResourceExhaustedError(text)), 20) << text;
  }
  for (const char* text : {"", "message larger than max (", "message larger than max (vs. 10)"}) {
    EXPECT_EQ(TooLargeBytes(absl::ResourceExhaustedError(text)), std::nullopt) << text;
  }
  EXPECT_EQ(TooLargeBytes(LimitExceeded("payload_bytes", 20, 10)), std::nullopt);
  EXPECT_EQ(TooLargeBytes(absl::InternalError("message larger than max (20 vs. 10)")), std::nullopt);
}

TEST(IsFinal, RefusalsThatStandAre) {
  EXPECT_TRUE(IsFinal(NotFound("NAMESPACE_UNKNOWN", "")));
  EXPECT_TRUE(IsFinal(absl::PermissionDeniedError("")));
  EXPECT_FALSE(IsFinal(NotFound("SESSION_UNKNOWN", "")));
  EXPECT_FALSE(IsFinal(absl::UnavailableError("")));
  EXPECT_FALSE(IsFinal(absl::DataLossError("")));
}

}  // namespace
}  // namespace internal
}  // namespace client
}  // namespace nmq
