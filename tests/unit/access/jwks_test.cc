#include "server/access/jwks.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/testing/signed_tokens.h"

namespace nmq {
namespace {

// Why it is of no use; empty if it is.
std::string Wrong(const std::string& json) { return std::string(Jwks::Parse(json, "keys.json").status().message()); }

TEST(Jwks, KeysAreFoundByAlgorithmAndName) {
  const Signer ed25519 = Signer::Ed25519();
  const Signer other = Signer::Ed25519();
  const Signer rsa = Signer::Rsa();
  const auto keys = Jwks::Parse(JwksOf({ed25519.jwk(), other.jwk(), rsa.jwk()}), "keys.json");
  ASSERT_TRUE(keys.ok()) << keys.status();
  ASSERT_NE((*keys)->Find(JwsAlgorithm::kEdDsa, ed25519.id()), nullptr);
  EXPECT_EQ((*keys)->Find(JwsAlgorithm::kEdDsa, ed25519.id())->thumbprint, ed25519.id());
  // Not by the name alone, nor by the algorithm alone if there are several.
  EXPECT_EQ((*keys)->Find(JwsAlgorithm::kRs256, ed25519.id()), nullptr);
  EXPECT_EQ((*keys)->Find(JwsAlgorithm::kEdDsa, ""), nullptr);
  EXPECT_NE((*keys)->Find(JwsAlgorithm::kRs256, ""), nullptr);
  EXPECT_EQ((*keys)->Find(JwsAlgorithm::kHs256, ""), nullptr);
  EXPECT_TRUE((*keys)->HasThumbprint(rsa.id()));
  EXPECT_FALSE((*keys)->HasThumbprint(Signer::Ed25519().id()));
}

TEST(Jwks, KeysForOtherThingsAreLeftOut) {
  const Signer signer = Signer::P256();
  const auto with = [&](const std::string& more) {
    return absl::StrCat("{", more, ", ", signer.jwk().substr(1, signer.jwk().find("\"kid\"") - 2), "}");
  };
  const std::vector<std::string> others = {with(R"("use": "enc")"),
                                           with(R"("use": 7)"),
                                           with(R"("alg": "ES512")"),
                                           with(R"("key_ops": ["sign"])"),
                                           R"({"kty": "OKP", "crv": "X25519", "x": "AA"})",
                                           R"({"kty": "new"})",
                                           "{}"};
  for (const std::string& other : others) {
    EXPECT_TRUE(absl::StrContains(Wrong(JwksOf({other})), "no key that could verify")) << other;
    EXPECT_EQ(Wrong(JwksOf({other, signer.jwk()})), "") << other;
  }
  EXPECT_EQ(Wrong(JwksOf({with(R"("use": "sig", "key_ops": ["verify"], "alg": "ES256")")})), "");
}

TEST(Jwks, WhatIsNoSetOfKeysIsRefused) {
  for (const char* json :
       {"", "7", "[]", "{}", R"({"keys": 7})", R"({"keys": []})", R"({"keys": [7]})",
        R"({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]})", R"({"keys": [], "keys": []})",
        R"({"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "!"}]})", "{\"keys\": [", "\xff"}) {
    EXPECT_TRUE(absl::StartsWith(Wrong(json), "keys.json:")) << json << Wrong(json);
  }
}

TEST(Jwks, KeysThatAreTooWeakOrPrivateAreRefused) {
  const std::string secret(31, 'x');
  EXPECT_TRUE(absl::StrContains(Wrong(JwksOf({SecretJwk("s", secret)})), "31 bytes"));
  EXPECT_EQ(Wrong(JwksOf({SecretJwk("s", secret + "x")})), "");
  const std::string is_private = R"({"kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
      "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
  EXPECT_TRUE(absl::StrContains(Wrong(JwksOf({is_private})), "private"));
  EXPECT_FALSE(absl::StrContains(Wrong(JwksOf({is_private})), "nWGx"));
}

TEST(Jwks, NoTwoKeysHaveOneName) {
  const std::string one = SecretJwk("s", std::string(32, 'a'));
  EXPECT_TRUE(absl::StrContains(Wrong(JwksOf({one, SecretJwk("s", std::string(32, 'b'))})), "keys[1]"));
  EXPECT_EQ(Wrong(JwksOf({one, SecretJwk("t", std::string(32, 'b'))})), "");
}

TEST(Jwks, IsBounded) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < Jwks::kKeysMax; ++i) keys.push_back(SecretJwk(absl::StrCat(i), std::string(32, 'a')));
  EXPECT_EQ(Wrong(JwksOf(keys)), "");
  keys.push_back(SecretJwk("more", std::string(32, 'a')));
  EXPECT_TRUE(absl::StrContains(Wrong(JwksOf(keys)), "101"));
  EXPECT_TRUE(absl::StrContains(Wrong(std::string(Jwks::kBytesMax + 1, ' ')), "1048577"));
}

// RFC 8037, A.3.
TEST(Jwks, ThumbprintIsThatOfTheRfc) {
  const auto keys = Jwks::Parse(
      JwksOf({R"({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})"}), "keys.json");
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_TRUE((*keys)->HasThumbprint("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
}

}  // namespace
}  // namespace nmq
