#include "client/cli/address.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nmq {
namespace cli {
namespace {

using ::testing::HasSubstr;

TEST(WhyNoAddress, HostAndPortAreOne) {
  for (const char* server : {"127.0.0.1:50051", "localhost:1", "nmq.example.com:65535", "[::1]:50051"}) {
    EXPECT_EQ(WhyNoAddress(server), "") << server;
  }
}

TEST(WhyNoAddress, SchemesOfGrpcAreForGrpc) {
  for (const char* server : {"unix:/run/nmq.sock", "dns:///nmq.example.com:50051", "ipv6:[::1]:50051"}) {
    EXPECT_EQ(WhyNoAddress(server), "") << server;
  }
}

TEST(WhyNoAddress, UrlsAreNone) {
  for (const char* server : {"http://127.0.0.1:50051", "https://nmq.example.com", "grpc://nmq.example.com:50051"}) {
    EXPECT_THAT(WhyNoAddress(server), HasSubstr("write HOST:PORT only, such as 127.0.0.1:50051")) << server;
  }
}

TEST(WhyNoAddress, TheMissingPortIsNamed) {
  EXPECT_EQ(WhyNoAddress("nmq.example.com"), "the port is missing: write HOST:PORT, such as nmq.example.com:50051");
  EXPECT_THAT(WhyNoAddress("[::1]"), HasSubstr("such as [::1]:50051"));
  EXPECT_THAT(WhyNoAddress(""), HasSubstr("such as 127.0.0.1:50051"));
}

TEST(WhyNoAddress, OtherTextsAreNone) {
  for (const char* server :
       {":50051", "host:", "host:0", "host:65536", "host:abc", "::1", "host/path:50051", "host:-1"}) {
    EXPECT_THAT(WhyNoAddress(server), HasSubstr("write HOST:PORT")) << server;
  }
}

}  // namespace
}  // namespace cli
}  // namespace nmq
