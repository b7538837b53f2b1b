#include "server/access/certificate_name.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace nmq {
namespace {

TEST(CertificateName, SaysOfWhichKindItIs) {
  EXPECT_EQ(CertificateNameOf("API.Example.com"), "DNS:api.example.com");
  EXPECT_EQ(CertificateNameOf("billing"), "DNS:billing");
  EXPECT_EQ(CertificateNameOf("spiffe://Example.com/API"), "URI:spiffe://Example.com/API");
  EXPECT_EQ(CertificateNameOf("urn:nmq:api"), "URI:urn:nmq:api");
}

TEST(CertificateName, IsBounded) {
  const std::string label(63, 'a');
  const std::string longest = absl::StrJoin({label, label, label, label.substr(2)}, ".");
  EXPECT_EQ(CertificateNameOf(longest), absl::StrCat("DNS:", longest)) << longest.size();
  EXPECT_EQ(CertificateNameOf(longest + "a"), std::nullopt);
  EXPECT_EQ(CertificateNameOf(label + "a"), std::nullopt);
  const std::string uri = "urn:" + std::string(1020, 'a');
  EXPECT_EQ(CertificateNameOf(uri), absl::StrCat("URI:", uri));
  EXPECT_EQ(CertificateNameOf(uri + "a"), std::nullopt);
}

TEST(CertificateName, NothingElseIsOne) {
  for (const char* text : {"", ".", "CN=billing", "CN=billing,O=x", "*.example.com", "a.*", "example.com.", "a b",
                           "10.0.0.7", ":", "a:", ":a", "1a:b", "a_b:c", "urn:a b", "urn:\x7f", "urn:\xc3\xa4"}) {
    EXPECT_EQ(CertificateNameOf(text), std::nullopt) << text;
  }
}

TEST(CertificateName, ThreeAreTold) {
  std::vector<std::string> names = {"DNS:a", "DNS:b", "URI:c:d"};
  EXPECT_EQ(DescribeCertificateNames(names), "its names are \"DNS:a\", \"DNS:b\", \"URI:c:d\"");
  names.insert(names.end(), 61, std::string(1024, 'x'));
  EXPECT_TRUE(absl::StrContains(DescribeCertificateNames(names), "\"URI:c:d\" and 61 more"));
  names.erase(names.begin(), names.begin() + 3);
  EXPECT_LT(DescribeCertificateNames(names).size(), 300);
}

}  // namespace
}  // namespace nmq
