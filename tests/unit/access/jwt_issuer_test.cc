#include "server/access/jwt_issuer.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/signed_tokens.h"

namespace nmq {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr char kSecret[] = "a secret of thirty-two bytes, or more";

class JwtIssuerTest : public testing::Test {
 protected:
  JwtIssuerTest() {
    terms_.issuer = "https://login.test";
    terms_.audience = {"nmq", "other"};
    terms_.algorithms = {JwsAlgorithm::kRs256, JwsAlgorithm::kEs256, JwsAlgorithm::kEdDsa};
    terms_.keys = Keys({ed25519_.jwk(), p256_.jwk(), rsa_.jwk(), SecretJwk("s", kSecret)});
  }
  static std::shared_ptr<const Jwks> Keys(const std::vector<std::string>& jwks) {
    auto keys = Jwks::Parse(JwksOf(jwks), "keys");
    EXPECT_TRUE(keys.ok()) << keys.status();
    return keys.ok() ? *std::move(keys) : nullptr;
  }
  absl::StatusOr<Principal> Verify(const std::string& token, absl::Time now = kNow) const {
    const auto parsed = Jwt::Parse(token);
    if (!parsed.ok()) return parsed.status();
    return JwtIssuer(terms_).Verify(*parsed, now);
  }
  std::string Sign(const std::map<std::string, std::string>& others) const {
    return ed25519_.Sign(ClaimsAt(kNow, others));
  }
  std::string Refusal(const std::string& token, absl::Time now = kNow) const {
    const auto principal = Verify(token, now);
    EXPECT_EQ(principal.status().code(), absl::StatusCode::kUnauthenticated) << principal.status();
    return ReasonOf(principal.status());
  }
  std::string Header(const std::string& algorithm, const std::string& id) const {
    return absl::StrCat(R"({"alg": ")", algorithm, R"(", "kid": ")", id, "\"}");
  }

  // One key of RSA takes long to make.
  static const Signer& OneRsa() {
    static const Signer& signer = *new Signer(Signer::Rsa());
    return signer;
  }

  const Signer ed25519_ = Signer::Ed25519();
  const Signer p256_ = Signer::P256();
  const Signer& rsa_ = OneRsa();
  JwtIssuer::Terms terms_;
};

TEST_F(JwtIssuerTest, TakesATokenOfEachAlgorithm) {
  for (const Signer* signer : {&ed25519_, &p256_, &rsa_}) {
    const auto principal = Verify(signer->Sign(ClaimsAt(kNow)));
    ASSERT_TRUE(principal.ok()) << principal.status();
    EXPECT_EQ(principal->name, "caller");
    EXPECT_EQ(principal->issuer, "https://login.test");
    EXPECT_EQ(principal->expiry, kNow + absl::Seconds(600));
    EXPECT_TRUE(JwtIssuer(terms_).Knows(*principal));
  }
}

TEST_F(JwtIssuerTest, SignatureOfAnotherKeyIsNone) {
  const Signer other = Signer::Ed25519();
  const std::string good = ed25519_.Sign(ClaimsAt(kNow));
  const std::string forged = other.Sign(ClaimsAt(kNow));
  EXPECT_EQ(Refusal(forged), "CREDENTIALS_UNKNOWN");
  // With the good one's header, which names a key that the issuer has.
  EXPECT_EQ(Refusal(good.substr(0, good.find('.')) + forged.substr(forged.find('.'))), "CREDENTIALS_UNKNOWN");
  // With the good one's signature.
  const std::string changed = ed25519_.Sign(ClaimsAt(kNow, {{"sub", "\"boss\""}}));
  EXPECT_EQ(Refusal(changed.substr(0, changed.rfind('.')) + good.substr(good.rfind('.'))), "CREDENTIALS_UNKNOWN");
  EXPECT_EQ(Refusal(good.substr(0, good.size() - 3)), "CREDENTIALS_UNKNOWN");
}

TEST_F(JwtIssuerTest, NoneIsNoAlgorithm) {
  for (const char* algorithm : {"none", "None", "NONE", "nOnE", ""}) {
    for (const char* signature : {"", "x"}) {
      EXPECT_EQ(Refusal(Joined(Header(algorithm, ed25519_.id()), ClaimsAt(kNow), signature)), "CREDENTIALS_UNKNOWN");
    }
  }
  EXPECT_EQ(Refusal(Joined("{}", ClaimsAt(kNow), "x")), "CREDENTIALS_UNKNOWN");
}

TEST_F(JwtIssuerTest, PublicKeyIsNoSecret) {
  terms_.algorithms.push_back(JwsAlgorithm::kHs256);
  for (const Signer* signer : {&rsa_, &p256_, &ed25519_}) {
    for (const std::string& secret : {signer->public_key(), signer->jwk()}) {
      EXPECT_EQ(Refusal(SignByHmac(Header("HS256", signer->id()), ClaimsAt(kNow), secret)), "CREDENTIALS_UNKNOWN");
    }
  }
}

TEST_F(JwtIssuerTest, SecretIsTakenOnlyWhereItIsWanted) {
  const std::string token = SignByHmac(Header("HS256", "s"), ClaimsAt(kNow), kSecret);
  EXPECT_EQ(Refusal(token), "CREDENTIALS_UNKNOWN");
  terms_.algorithms = {JwsAlgorithm::kHs256};
  EXPECT_TRUE(Verify(token).ok());
  EXPECT_EQ(Refusal(SignByHmac(Header("HS256", "s"), ClaimsAt(kNow), "another secret")), "CREDENTIALS_UNKNOWN");
  EXPECT_EQ(Refusal(ed25519_.Sign(ClaimsAt(kNow))), "CREDENTIALS_UNKNOWN");
}

TEST_F(JwtIssuerTest, AlgorithmGoesWithTheTypeOfTheKey) {
  const std::string good = rsa_.Sign(ClaimsAt(kNow));
  for (const char* algorithm : {"RS384", "RS512", "PS256", "ES256", "EdDSA", "HS256", "ES256K"}) {
    const std::string header = absl::WebSafeBase64Escape(Header(algorithm, rsa_.id()));
    EXPECT_EQ(Refusal(header + good.substr(good.find('.'))), "CREDENTIALS_UNKNOWN") << algorithm;
  }
}

// A key in the token verifies nothing: the signature would be right.
TEST_F(JwtIssuerTest, KeyThatATokenBringsAlongIsNotTaken) {
  const Signer other = Signer::Ed25519();
  const std::string claims = ClaimsAt(kNow);
  for (const std::string& more : {absl::StrCat(R"("jwk": )", other.jwk()), std::string(R"("jku": "file:///keys")"),
                                  std::string(R"("x5u": "https://login.test/x")")}) {
    const std::string header = absl::StrCat(R"({"alg": "EdDSA", )", more, "}");
    EXPECT_EQ(Refusal(Joined(header, claims, std::string(64, 'x'))), "CREDENTIALS_UNKNOWN") << more;
  }
}

TEST_F(JwtIssuerTest, ExpiryHoldsToTheSecond) {
  const std::string token = Sign({});
  EXPECT_TRUE(Verify(token, kNow + absl::Seconds(599)).ok());
  EXPECT_EQ(Refusal(token, kNow + absl::Seconds(600)), "CREDENTIALS_EXPIRED");
  EXPECT_EQ(Refusal(Sign({{"exp", ""}})), "CREDENTIALS_UNKNOWN");
  for (const char* wrong : {"\"1900000000\"", "-1", "null", "1e300", "true"}) {
    EXPECT_EQ(Refusal(Sign({{"exp", wrong}})), "CREDENTIALS_UNKNOWN") << wrong;
  }
  EXPECT_TRUE(Verify(Sign({{"exp", "1800000000.5"}})).ok());
}

TEST_F(JwtIssuerTest, TokenIsGoodFromItsBeginOnGiveOrTakeTheLeeway) {
  for (const char* claim : {"nbf", "iat"}) {
    EXPECT_TRUE(Verify(Sign({{claim, "1800000030"}})).ok()) << claim;
    EXPECT_EQ(Refusal(Sign({{claim, "1800000031"}})), "CREDENTIALS_NOT_YET_VALID") << claim;
    EXPECT_EQ(Refusal(Sign({{claim, "\"x\""}})), "CREDENTIALS_UNKNOWN") << claim;
  }
  terms_.leeway = absl::ZeroDuration();
  EXPECT_EQ(Refusal(Sign({{"nbf", "1800000001"}})), "CREDENTIALS_NOT_YET_VALID");
  EXPECT_TRUE(Verify(Sign({{"nbf", ""}})).ok());
}

TEST_F(JwtIssuerTest, IssuerAndAudienceAreTakenToTheByte) {
  for (const char* issuer :
       {"\"https://login.test/\"", "\"HTTPS://login.test\"", "\"\"", "", "[\"https://login.test\"]"}) {
    EXPECT_EQ(Refusal(Sign({{"iss", issuer}})), "CREDENTIALS_UNKNOWN") << issuer;
  }
  for (const char* audience : {"\"nm\"", "\"nmq2\"", "\"NMQ\"", "[]", "[[\"nmq\"]]", "", "7", "{\"nmq\": 1}"}) {
    EXPECT_EQ(Refusal(Sign({{"aud", audience}})), "CREDENTIALS_WRONG_AUDIENCE") << audience;
  }
  EXPECT_TRUE(Verify(Sign({{"aud", "\"other\""}})).ok());
  EXPECT_TRUE(Verify(Sign({{"aud", R"(["x", "nmq"])"}})).ok());
}

TEST_F(JwtIssuerTest, KeyIsFoundByItsName) {
  terms_.keys = Keys({p256_.jwk(), ed25519_.jwk()});
  EXPECT_EQ(Refusal(rsa_.Sign(ClaimsAt(kNow))), "CREDENTIALS_UNKNOWN");
  EXPECT_TRUE(Verify(p256_.Sign(ClaimsAt(kNow))).ok());
  // By another name the same key is none, although the signature is right; without a name the only one is meant.
  terms_.algorithms = {JwsAlgorithm::kHs256};
  terms_.keys = Keys({SecretJwk("s", kSecret)});
  EXPECT_TRUE(Verify(SignByHmac(Header("HS256", "s"), ClaimsAt(kNow), kSecret)).ok());
  EXPECT_TRUE(Verify(SignByHmac(R"({"alg": "HS256"})", ClaimsAt(kNow), kSecret)).ok());
  EXPECT_EQ(Refusal(SignByHmac(Header("HS256", "t"), ClaimsAt(kNow), kSecret)), "CREDENTIALS_UNKNOWN");
  EXPECT_EQ(Refusal(SignByHmac(R"({"alg": "HS256", "kid": 7})", ClaimsAt(kNow), kSecret)), "CREDENTIALS_UNKNOWN");
}

TEST_F(JwtIssuerTest, IdentityIsWhatTheClaimSays) {
  terms_.identity_claim = "email";
  terms_.identity_prefix = "corp:";
  const auto principal = Verify(Sign({{"email", "\"ann@example.com\""}}));
  ASSERT_TRUE(principal.ok()) << principal.status();
  EXPECT_EQ(principal->name, "corp:ann@example.com");
  EXPECT_EQ(Refusal(Sign({})), "CREDENTIALS_UNKNOWN");
  for (const char* wrong : {"\"\\n\"", "\"a b\"", "\"**\"", "7", "[\"a\"]", "\"\\u00e9\""}) {
    EXPECT_EQ(Refusal(Sign({{"email", wrong}})), "CREDENTIALS_UNKNOWN") << wrong;
  }
  terms_.identity_prefix = "";
  EXPECT_EQ(Refusal(Sign({{"email", "\"\""}})), "CREDENTIALS_UNKNOWN");
  EXPECT_EQ(Refusal(Sign({{"email", absl::StrCat("\"", std::string(129, 'a'), "\"")}})), "CREDENTIALS_UNKNOWN");
}

TEST_F(JwtIssuerTest, ClaimsAreTextsAndListsOfThem) {
  const auto principal = Verify(Sign({{"role", "\"ops\""}, {"groups", R"(["a", 7, "b"])"}, {"age", "7"}}));
  ASSERT_TRUE(principal.ok()) << principal.status();
  for (const auto& [name, value] : {std::pair("role", "ops"), std::pair("groups", "a"), std::pair("groups", "b")}) {
    EXPECT_THAT(principal->claims, Contains(ClaimText(name, value)));
  }
  EXPECT_THAT(principal->claims, Not(Contains(HasSubstr("age"))));
  EXPECT_NE(ClaimText("a=b", "c"), ClaimText("a", "b=c"));
}

TEST_F(JwtIssuerTest, WhatIsNoTokenIsSaidToBeNone) {
  const std::string good = Sign({});
  const std::string long_one = Sign({{"x", absl::StrCat("\"", std::string(Jwt::kBytesMax, 'x'), "\"")}});
  for (const std::string& wrong :
       {std::string(), std::string("."), std::string(".."), std::string("a.b"), std::string("a.b.c.d.e"),
        std::string("!.b.c"), good + "=", good + ".", good + " ", "." + good, Joined("[]", "[]", "x"),
        Joined("{", ClaimsAt(kNow), "x"), Joined(Header("EdDSA", "x"), "7", "x"), long_one}) {
    EXPECT_EQ(Refusal(wrong), "CREDENTIALS_UNKNOWN") << wrong.substr(0, 100);
  }
}

TEST_F(JwtIssuerTest, TokensForOtherThingsAreNotTaken) {
  terms_.algorithms = {JwsAlgorithm::kHs256};
  const auto header = [](const std::string& more) {
    return absl::StrCat(R"({"alg": "HS256", "kid": "s", )", more, "}");
  };
  for (const char* good : {R"("typ": "JWT")", R"("typ": "at+jwt")", R"("typ": "application/at+JWT")"}) {
    EXPECT_TRUE(Verify(SignByHmac(header(good), ClaimsAt(kNow), kSecret)).ok()) << good;
  }
  for (const char* wrong : {R"("typ": "logout+jwt")", R"("typ": "dpop+jwt")", R"("crit": ["exp"])", R"("typ": 7)"}) {
    EXPECT_EQ(Refusal(SignByHmac(header(wrong), ClaimsAt(kNow), kSecret)), "CREDENTIALS_UNKNOWN") << wrong;
  }
}

TEST_F(JwtIssuerTest, KnowsNoMoreWhatOtherTermsOrKeysTook) {
  const auto principal = Verify(Sign({}));
  ASSERT_TRUE(principal.ok());
  JwtIssuer::Terms other = terms_;
  other.audience = {"other"};
  EXPECT_FALSE(JwtIssuer(other).Knows(*principal));
  other = terms_;
  other.keys = Keys({p256_.jwk(), rsa_.jwk()});
  EXPECT_FALSE(JwtIssuer(other).Knows(*principal));
  // The key by another name is the same key.
  other.keys =
      Keys({absl::StrCat(R"({"kid": "new", )", ed25519_.jwk().substr(1, ed25519_.jwk().find("\"kid\"") - 2), "}")});
  EXPECT_TRUE(JwtIssuer(other).Knows(*principal));
}

}  // namespace
}  // namespace nmq
