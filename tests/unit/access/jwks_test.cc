#include "server/access/jwks.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
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

// Also one with a number that begins with zeros.
TEST(Jwks, EachKeyThatIsMadeIsTaken) {
  for (int i = 0; i < 500; ++i) {
    const std::string key = Signer::P256().jwk();
    ASSERT_EQ(Wrong(JwksOf({key})), "") << key;
  }
  for (int i = 0; i < 50; ++i) {
    const std::string key = Signer::Ed25519().jwk();
    ASSERT_EQ(Wrong(JwksOf({key})), "") << key;
  }
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

// A point of Ed25519 in hexadecimal digits, as a key.
std::string Ed25519Jwk(const std::string& hex) {
  return absl::StrCat(R"({"kty": "OKP", "crv": "Ed25519", "x": ")",
                      absl::WebSafeBase64Escape(absl::HexStringToBytes(hex)), "\"}");
}

std::string RsaJwk(const std::string& n, const std::string& e) {
  return absl::StrCat(R"({"kty": "RSA", "n": ")", absl::WebSafeBase64Escape(n), R"(", "e": ")",
                      absl::WebSafeBase64Escape(e), "\"}");
}

TEST(Jwks, RsaKeysWithWhichAnybodyCouldSignAreRefused) {
  const std::string jwk = Signer::Rsa().jwk();
  const size_t at = jwk.find("\"n\"");
  const size_t begin = jwk.find('"', at + 3) + 1;
  std::string n;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(jwk.substr(begin, jwk.find('"', begin) - begin), &n));
  EXPECT_EQ(Wrong(JwksOf({RsaJwk(n, "\x03")})), "");
  EXPECT_EQ(Wrong(JwksOf({RsaJwk(n, std::string("\x01\x00\x01", 3))})), "");
  for (const std::string& e : {std::string(1, '\0'), std::string("\x01"), std::string("\x02"),
                               std::string("\x01\x00\x00", 3), std::string("\x00\x01", 2), n}) {
    EXPECT_TRUE(absl::StrContains(Wrong(JwksOf({RsaJwk(n, e)})), "keys[0]")) << Wrong(JwksOf({RsaJwk(n, e)}));
  }
  std::string even = n;
  even.back() = '\x10';
  EXPECT_TRUE(absl::StrContains(Wrong(JwksOf({RsaJwk(even, "\x03")})), "keys[0]"));
  // Zeros before it make it no longer.
  const std::string padded = std::string(128, '\0') + n.substr(0, 127) + "\x01";
  EXPECT_TRUE(absl::StrContains(Wrong(JwksOf({RsaJwk(padded, "\x03")})), "2048"))
      << Wrong(JwksOf({RsaJwk(padded, "\x03")}));
  EXPECT_TRUE(absl::StrContains(Wrong(JwksOf({RsaJwk(std::string(2049, '\xff'), "\x03")})), "16384"));
  EXPECT_TRUE(absl::StrContains(Wrong(JwksOf({RsaJwk(std::string(15'000, '\xff'), "\x03")})), "16384"));
}

TEST(Jwks, PointsThatAreNotOnTheirCurveAreRefused) {
  const auto key = [](const std::string& x, const std::string& y) {
    return absl::StrCat(R"({"kty": "EC", "crv": "P-256", "x": ")", absl::WebSafeBase64Escape(x), R"(", "y": ")",
                        absl::WebSafeBase64Escape(y), "\"}");
  };
  // The base point of the curve.
  const std::string x = absl::HexStringToBytes("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
  const std::string y = absl::HexStringToBytes("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
  EXPECT_EQ(Wrong(JwksOf({key(x, y)})), "");
  const std::string zeros(32, '\0');
  for (const auto& [wrong_x, wrong_y] :
       std::vector<std::pair<std::string, std::string>>{{x, x},
                                                        {y, x},
                                                        {zeros, zeros},
                                                        {x, zeros},
                                                        {std::string(48, 'x'), std::string(48, 'y')},
                                                        {x.substr(0, 31), y},
                                                        {x + "x", y},
                                                        {"", ""},
                                                        {std::string(32, '\xff'), y}}) {
    EXPECT_TRUE(absl::StrContains(Wrong(JwksOf({key(wrong_x, wrong_y)})), "keys[0]")) << key(wrong_x, wrong_y);
  }
  // 2 is the y of no point, 3 is that of one.
  const auto small = [](const std::string& digits) { return digits + std::string(62, '0'); };
  EXPECT_TRUE(absl::StrContains(Wrong(JwksOf({Ed25519Jwk(small("02"))})), "keys[0]"));
  EXPECT_EQ(Wrong(JwksOf({Ed25519Jwk(small("03"))})), "");
}

// RFC 8032, 5.1.3: of such a point anybody knows what signs.
TEST(Jwks, PointsOfEd25519OfLowOrderAreRefused) {
  const std::string ones(60, 'f');
  for (const std::string& last : {"00", "80"}) {
    EXPECT_TRUE(absl::StrContains(Wrong(JwksOf({Ed25519Jwk(std::string(62, '0') + last)})), "keys[0]"));
    EXPECT_TRUE(absl::StrContains(Wrong(JwksOf({Ed25519Jwk("01" + std::string(60, '0') + last)})), "keys[0]"));
  }
  for (const std::string& last : {"7f", "ff"}) {
    for (const std::string& first : {"ec", "ed", "ee", "ef", "f0"}) {
      EXPECT_TRUE(absl::StrContains(Wrong(JwksOf({Ed25519Jwk(first + ones + last)})), "keys[0]")) << first << last;
    }
  }
  for (const std::string& last : {"05", "85"}) {
    const std::string point = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc" + last;
    EXPECT_TRUE(absl::StrContains(Wrong(JwksOf({Ed25519Jwk(point)})), "keys[0]")) << point;
  }
  for (const std::string& last : {"7a", "fa"}) {
    const std::string point = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03" + last;
    EXPECT_TRUE(absl::StrContains(Wrong(JwksOf({Ed25519Jwk(point)})), "keys[0]")) << point;
  }
  for (const size_t size : {3, 31, 33, 57, 64}) {
    std::string digits;
    for (size_t i = 0; i < size; ++i) digits += "03";
    EXPECT_TRUE(absl::StrContains(Wrong(JwksOf({Ed25519Jwk(digits)})), "keys[0]")) << size;
  }
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
