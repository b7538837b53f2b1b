#include "server/grpc/status.h"

#include "absl/time/time.h"
#include "base/errors.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

namespace nmq::rpc {
namespace {

TEST(ToGrpc, OkHasNothingToSay) {
  const grpc::Status status = ToGrpc(absl::OkStatus());
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.error_details(), "");
}

TEST(ToGrpc, EveryCodeStaysWhatItIs) {
  for (int code = 1; code <= 16; ++code) {
    const grpc::Status status = ToGrpc(absl::Status(static_cast<absl::StatusCode>(code), "text"));
    EXPECT_EQ(static_cast<int>(status.error_code()), code);
    EXPECT_EQ(status.error_message(), "text");
  }
}

TEST(ToGrpc, DetailsRepeatTheStatusAndCarryItsPayloads) {
  const grpc::Status status =
      ToGrpc(ResourceExhausted("SLOW", "too slow", absl::Milliseconds(1500), {{"queue", "DB"}}));
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), static_cast<int>(grpc::StatusCode::RESOURCE_EXHAUSTED));
  EXPECT_EQ(details.message(), "too slow");
  ASSERT_EQ(details.details_size(), 2);
  google::rpc::ErrorInfo info;
  google::rpc::RetryInfo retry;
  for (const google::protobuf::Any& detail : details.details()) {
    EXPECT_TRUE(detail.UnpackTo(&info) || detail.UnpackTo(&retry));
  }
  EXPECT_EQ(info.reason(), "SLOW");
  EXPECT_EQ(info.domain(), "nmq");
  EXPECT_EQ(info.metadata().at("queue"), "DB");
  EXPECT_EQ(retry.retry_delay().seconds(), 1);
  EXPECT_EQ(retry.retry_delay().nanos(), 500'000'000);
}

TEST(ToGrpc, AStatusWithoutPayloadsHasDetailsWithoutPayloads) {
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(ToGrpc(absl::CancelledError("gone")).error_details()));
  EXPECT_EQ(details.message(), "gone");
  EXPECT_EQ(details.details_size(), 0);
}

}  // namespace
}  // namespace nmq::rpc
