#include "server/http2/wire.h"

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

namespace nmq::http2 {
namespace {

TEST(Wire, TimeoutHasUpToEightDigitsAndAUnit) {
  EXPECT_EQ(ParseTimeout("1H"), absl::Hours(1));
  EXPECT_EQ(ParseTimeout("2M"), absl::Minutes(2));
  EXPECT_EQ(ParseTimeout("3S"), absl::Seconds(3));
  EXPECT_EQ(ParseTimeout("40m"), absl::Milliseconds(40));
  EXPECT_EQ(ParseTimeout("5u"), absl::Microseconds(5));
  EXPECT_EQ(ParseTimeout("6n"), absl::Nanoseconds(6));
  EXPECT_EQ(ParseTimeout("0S"), absl::ZeroDuration());
  EXPECT_EQ(ParseTimeout("99999999H"), absl::Hours(99'999'999));
}

TEST(Wire, AnythingElseIsNoTimeout) {
  for (const char* value : {"", "S", "1", "123456789S", "-1S", "+1S", "1 S", "1s", "1d", "0x1S", "1.5S", "1SS"}) {
    EXPECT_EQ(ParseTimeout(value), std::nullopt) << value;
  }
}

TEST(Wire, OnlyGrpcWithProtocolBuffersIsServed) {
  for (const char* type : {"application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8",
                           "Application/GRPC", "application/grpc+proto ; x=y"}) {
    EXPECT_TRUE(IsGrpc(type)) << type;
  }
  for (const char* type : {"", "application/grpc-web", "application/grpc+json", "application/json", "text/plain",
                           "application/grpcx", "application/grp"}) {
    EXPECT_FALSE(IsGrpc(type)) << type;
  }
}

TEST(Wire, UnknownEncodingIsUnimplemented) {
  EXPECT_EQ(*ParseEncoding(""), Encoding::kIdentity);
  EXPECT_EQ(*ParseEncoding("identity"), Encoding::kIdentity);
  EXPECT_EQ(*ParseEncoding("gzip"), Encoding::kGzip);
  EXPECT_EQ(*ParseEncoding("deflate"), Encoding::kDeflate);
  const absl::Status status = ParseEncoding("br\x01").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(status.message(), "grpc-encoding: \"br\\x01\" is not one of identity,deflate,gzip");
}

TEST(Wire, MessageIsPercentEncoded) {
  EXPECT_EQ(PercentEncode("plain text ~!"), "plain text ~!");
  EXPECT_EQ(PercentEncode("100%"), "100%25");
  EXPECT_EQ(PercentEncode("a\nb\x7f"), "a%0Ab%7F");
  EXPECT_EQ(PercentEncode("ü"), "%C3%BC");
}

TEST(Wire, BinaryMetadataIsBase64PaddedOrNot) {
  for (const std::string& bytes :
       {std::string(""), std::string("f"), std::string("fo"), std::string("foo"), std::string("\0\xff\x10", 3)}) {
    const std::string encoded = EncodeBinary(bytes);
    EXPECT_EQ(encoded.find('='), std::string::npos);
    EXPECT_EQ(DecodeBinary(encoded), bytes);
    EXPECT_EQ(DecodeBinary(absl::Base64Escape(bytes)), bytes);
  }
  EXPECT_EQ(DecodeBinary("%%%"), std::nullopt);
}

TEST(Wire, TrailersSayHowTheCallEnded) {
  EXPECT_EQ(StatusTrailers(absl::OkStatus()), (Headers{{"grpc-status", "0"}}));

  const absl::Status status = ResourceExhausted("SLOW", "too slow: 100%\n", absl::Seconds(1));
  const Headers trailers = StatusTrailers(status);
  const std::map<std::string, std::string> by_name(trailers.begin(), trailers.end());
  EXPECT_EQ(by_name.at("grpc-status"), "8");
  EXPECT_EQ(by_name.at("grpc-message"), "too slow: 100%25%0A");
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(*DecodeBinary(by_name.at("grpc-status-details-bin"))));
  EXPECT_EQ(details.code(), 8);
  EXPECT_EQ(details.message(), "too slow: 100%\n");
  EXPECT_EQ(details.details_size(), 2);
}

TEST(Wire, TrailersStayBelowWhatClientsTakeAsHeaders) {
  size_t size = 0;
  for (const auto& [name, value] : StatusTrailers(absl::InternalError(std::string(1 << 20, 'x')))) {
    size += name.size() + value.size();
  }
  EXPECT_LT(size, 8u << 10);
}

}  // namespace
}  // namespace nmq::http2
