#include "client/cpp/address.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string TextOf(absl::string_view server) {
  const auto address = ParseAddress(server);
  return address.ok() ? address->Text() : std::string(address.status().message());
}

TEST(Address, HostAndPortAreOne) {
  for (const char* server : {"127.0.0.1:50051", "localhost:1", "nmq.example.com:65535", "[::1]:50051", "my_host:7"}) {
    EXPECT_EQ(TextOf(server), server);
    EXPECT_FALSE(ParseAddress(server)->tls);
  }
}

TEST(Address, TheDefaultPortNeedsNotBeSaid) {
  EXPECT_EQ(TextOf("localhost"), "localhost:50051");
  EXPECT_EQ(TextOf("nmq.example.com"), "nmq.example.com:50051");
  EXPECT_EQ(TextOf("127.0.0.1"), "127.0.0.1:50051");
  EXPECT_EQ(TextOf("[::1]"), "[::1]:50051");
}

TEST(Address, Ipv6NeedsNoBracketsWithoutAPort) {
  EXPECT_EQ(TextOf("::1"), "[::1]:50051");
  EXPECT_EQ(TextOf("fe80::1%eth0"), "[fe80::1%eth0]:50051");
  EXPECT_THAT(TextOf("[::x]:5"), HasSubstr("no address"));
  EXPECT_THAT(TextOf("a:b:c"), HasSubstr("no address"));
}

TEST(Address, UrlsAreAHostAndAPort) {
  EXPECT_EQ(ParseAddress("http://127.0.0.1:5")->target, "127.0.0.1:5");
  EXPECT_EQ(ParseAddress("HTTP://localhost/")->target, "localhost:80");
  EXPECT_EQ(ParseAddress("https://nmq.example.com")->target, "nmq.example.com:443");
  EXPECT_TRUE(ParseAddress("https://nmq.example.com")->tls);
  EXPECT_FALSE(ParseAddress("http://nmq.example.com")->tls);
  EXPECT_EQ(TextOf("https://[::1]:7/"), "https://[::1]:7");
  EXPECT_EQ(TextOf(TextOf("https://nmq.example.com")), "https://nmq.example.com:443");
}

TEST(Address, OtherPartsOfUrlsAreRefusedByName) {
  EXPECT_THAT(TextOf("grpc://nmq.example.com:50051"),
              AllOf(HasSubstr("\"grpc://\" is not known"), HasSubstr("HOST:PORT")));
  for (const char* server : {"http://h:1/shop", "http://user@h:1", "https://h?x", "http://h#f"}) {
    EXPECT_THAT(TextOf(server), AllOf(HasSubstr(server), HasSubstr("more than a host and a port"))) << server;
  }
}

TEST(Address, SchemesOfGrpcAreForGrpc) {
  for (const char* server : {"unix:/run/nmq.sock", "dns:///nmq.example.com:50051", "ipv6:[::1]:50051"}) {
    EXPECT_EQ(TextOf(server), server);
  }
}

TEST(Address, OtherTextsAreRefusedWithWhatOneLooksLike) {
  for (const char* server : {"", ":50051", "host:", "host:0", "host:65536", "host:abc", "host/path:50051", "host:-1",
                             "a b:1", "host:4294967297", "http://", "[::1]x:5"}) {
    const auto address = ParseAddress(server);
    EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument) << server;
    EXPECT_THAT(TextOf(server), AllOf(HasSubstr(server), HasSubstr("such as 127.0.0.1:50051"))) << server;
  }
  EXPECT_LT(TextOf(std::string(5000, 'x') + ":0").size(), 200u);
}

}  // namespace
}  // namespace internal
}  // namespace client
}  // namespace nmq
