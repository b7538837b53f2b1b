#include "base/errors.h"

#include <string>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

namespace nmq {
namespace {

template <typename Message>
Message Payload(const absl::Status& status, absl::string_view type_url) {
  Message message;
  const absl::optional<absl::Cord> payload = status.GetPayload(type_url);
  EXPECT_TRUE(payload.has_value()) << status;
  if (payload.has_value()) {
    EXPECT_TRUE(message.ParseFromString(std::string(*payload)));
  }
  return message;
}

google::rpc::ErrorInfo Info(const absl::Status& status) {
  return Payload<google::rpc::ErrorInfo>(status, kErrorInfoTypeUrl);
}

TEST(Quote, EscapesToPrintableAscii) {
  EXPECT_EQ(Quote("DB"), "\"DB\"");
  EXPECT_EQ(Quote(""), "\"\"");
  EXPECT_EQ(Quote(absl::string_view("\0\n\"\\\xc3\xa4", 6)), R"("\x00\n\"\\\xc3\xa4")");
}

TEST(Quote, CutsAfter64Bytes) {
  EXPECT_EQ(Quote(std::string(63, 'a')), "\"" + std::string(63, 'a') + "\"");
  EXPECT_EQ(Quote(std::string(64, 'a')), "\"" + std::string(64, 'a') + "\"");
  EXPECT_EQ(Quote(std::string(65, 'a')), "\"" + std::string(64, 'a') + "...\"");
}

TEST(Errors, InvalidArgumentNamesTheField) {
  const absl::Status status = InvalidArgument("message.queue", "must be a name");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "message.queue: must be a name");
  const google::rpc::ErrorInfo info = Info(status);
  EXPECT_EQ(info.domain(), "nmq");
  EXPECT_EQ(info.reason(), "INVALID_FIELD");
  EXPECT_EQ(info.metadata().at("field"), "message.queue");
}

TEST(Errors, LimitExceededNamesLimitValueAndBound) {
  const absl::Status status = LimitExceeded("payload_bytes", 1048577, 1048576);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "payload_bytes: 1048577 exceeds the limit of 1048576");
  const google::rpc::ErrorInfo info = Info(status);
  EXPECT_EQ(info.reason(), "LIMIT_EXCEEDED");
  EXPECT_EQ(info.metadata().size(), 3u);
  EXPECT_EQ(info.metadata().at("limit"), "payload_bytes");
  EXPECT_EQ(info.metadata().at("value"), "1048577");
  EXPECT_EQ(info.metadata().at("bound"), "1048576");
}

TEST(Errors, LimitExceededSaysWhereWhenAsked) {
  const absl::Status status = LimitExceeded("payload_bytes", 2, 1, "messages[3].payload");
  EXPECT_EQ(status.message(), "messages[3].payload: payload_bytes: 2 exceeds the limit of 1");
  EXPECT_EQ(Info(status).metadata().at("field"), "messages[3].payload");
}

TEST(Errors, PlainBuildersKeepCodeReasonMessageAndMetadata) {
  const absl::Status not_found = NotFound("UNKNOWN_QUEUE", "no queue \"DB\"", {{"queue", "DB"}});
  EXPECT_EQ(not_found.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(not_found.message(), "no queue \"DB\"");
  EXPECT_EQ(ReasonOf(not_found), "UNKNOWN_QUEUE");
  EXPECT_EQ(Info(not_found).metadata().at("queue"), "DB");
  EXPECT_EQ(FailedPrecondition("R", "m").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(OutOfRange("R", "m").code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(Info(OutOfRange("R", "m")).metadata().size(), 0u);
}

TEST(Errors, MetadataIsAlwaysPrintable) {
  const absl::Status status = NotFound("R", "m", {{"queue", "\xff"}, {"event", "it's \"A\""}});
  EXPECT_EQ(Info(status).metadata().at("queue"), "\\xff");
  EXPECT_EQ(Info(status).metadata().at("event"), "it's \"A\"");
}

TEST(Errors, RetryInfoCarriesTheWait) {
  const absl::Status status = Unavailable("DRAINING", "the server stops", absl::Milliseconds(2500));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "DRAINING");
  const google::rpc::RetryInfo retry = Payload<google::rpc::RetryInfo>(status, kRetryInfoTypeUrl);
  EXPECT_EQ(retry.retry_delay().seconds(), 2);
  EXPECT_EQ(retry.retry_delay().nanos(), 500'000'000);
}

TEST(Errors, WhatIsTheProcesssOwnIsNotSent) {
  absl::Status status = NotFound("QUEUE_NOT_FOUND", "no queue");
  google::rpc::Status before;
  ToProto(status, &before);
  status.SetPayload("nmq/refusal", absl::Cord());
  google::rpc::Status after;
  ToProto(status, &after);
  EXPECT_EQ(before.details_size(), 1);
  EXPECT_EQ(after.SerializeAsString(), before.SerializeAsString());
}

TEST(Errors, RetryInfoIsLeftOutWithoutAWait) {
  for (const absl::Duration wait : {absl::ZeroDuration(), absl::Seconds(-1), -absl::InfiniteDuration()}) {
    EXPECT_FALSE(ResourceExhausted("R", "m", wait).GetPayload(kRetryInfoTypeUrl).has_value());
  }
}

TEST(Errors, InfiniteWaitIsTheLongestThatCanBeSaid) {
  const absl::Status status = ResourceExhausted("R", "m", absl::InfiniteDuration());
  EXPECT_EQ(Payload<google::rpc::RetryInfo>(status, kRetryInfoTypeUrl).retry_delay().seconds(), 315576000000);
}

TEST(Errors, ContextPrecedesTheMessageAndKeepsTheRest) {
  const absl::Status status = WithContext(Unavailable("DRAINING", "stopping", absl::Seconds(1)), "messages[3]");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), "messages[3]: stopping");
  EXPECT_EQ(ReasonOf(status), "DRAINING");
  EXPECT_TRUE(status.GetPayload(kRetryInfoTypeUrl).has_value());
  EXPECT_TRUE(WithContext(absl::OkStatus(), "messages[3]").ok());
}

TEST(MetadataOf, ReadsOneValueBack) {
  const absl::Status status = LimitExceeded("payload_bytes", 2, 1);
  EXPECT_EQ(MetadataOf(status, "limit"), "payload_bytes");
  EXPECT_EQ(MetadataOf(status, "field"), "");
  EXPECT_EQ(MetadataOf(absl::NotFoundError("m"), "limit"), "");
}

TEST(ReasonOf, IsEmptyWithoutAnErrorInfoOfOurs) {
  EXPECT_EQ(ReasonOf(absl::OkStatus()), "");
  EXPECT_EQ(ReasonOf(absl::NotFoundError("m")), "");
  absl::Status broken = absl::NotFoundError("m");
  broken.SetPayload(kErrorInfoTypeUrl, absl::Cord("\xff\xff"));
  EXPECT_EQ(ReasonOf(broken), "");
  google::rpc::ErrorInfo info;
  info.set_domain("example.com");
  info.set_reason("THEIRS");
  absl::Status foreign = absl::NotFoundError("m");
  foreign.SetPayload(kErrorInfoTypeUrl, absl::Cord(info.SerializeAsString()));
  EXPECT_EQ(ReasonOf(foreign), "");
}

}  // namespace
}  // namespace nmq
