#include "server/access/file_access.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/call/call.h"
#include "tests/testing/fresh_directory.h"
#include "tests/testing/signed_tokens.h"
#include "tests/testing/simulated_clock.h"

namespace nmq {
namespace {

constexpr char kJwt[] = "jwt { issuer: 'https://login.test' audience: 'nmq' jwks_file: 'login.jwks' ";
constexpr char kGrants[] = R"(
    grant { claim { name: 'role' value: 'ops' } namespace: '**' right: RIGHT_ADMIN }
    grant { claim { name: 'role' value: 'far' issuer: 'https://login.test' } namespace: 'far' right: RIGHT_ADMIN }
    identity { name: 'caller' certificate: 'spiffe://example.com/api' certificate: 'API.example.com' }
    grant { identity: 'caller' namespace: 'shop' right: RIGHT_PUBLISH })";

class FileAccessTest : public testing::Test {
 protected:
  FileAccessTest() {
    std::filesystem::create_directories(folder_);
    Write("login.jwks", JwksOf({signer_.jwk(), other_.jwk()}));
  }

  void Write(const std::string& name, const std::string& text) const {
    const std::string path = absl::StrCat(folder_, "/", name);
    std::ofstream(path + ".new") << text;
    ASSERT_EQ(rename((path + ".new").c_str(), path.c_str()), 0);
  }
  void Load(const std::string& access) {
    Write("access.textproto", access);
    auto loaded = FileAccess::Load(folder_ + "/access.textproto", &clock_);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    access_ = *std::move(loaded);
  }
  // Changes are taken at the second look.
  bool Refresh() { return access_->Refresh() || access_->Refresh(); }
  absl::StatusOr<std::shared_ptr<const Principal>> Identify(const std::string& token) const {
    return access_->Identify(absl::StrCat("Bearer ", token), nullptr);
  }
  std::string Token(const std::map<std::string, std::string>& claims = {}) const {
    return signer_.Sign(ClaimsAt(clock_.Now(), claims));
  }
  absl::Status Check(const std::shared_ptr<const Principal>& principal, Right right, const std::string& where) const {
    Call call(right, Transport::kGrpc, "test");
    call.principal = principal;
    return access_->Check(call, right, where);
  }

  SimulatedClock clock_;
  const std::string folder_ = FreshDirectory();
  const Signer signer_ = Signer::Ed25519();
  const Signer other_ = Signer::P256();
  std::unique_ptr<FileAccess> access_;
};

TEST_F(FileAccessTest, SignedTokenStandsForItsIdentityAndItsClaims) {
  Load(absl::StrCat(kJwt, "}", kGrants));
  const auto caller = Identify(Token());
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_TRUE(Check(*caller, Right::kPublish, "shop").ok());
  EXPECT_EQ(ReasonOf(Check(*caller, Right::kAdmin, "shop")), "FORBIDDEN");
  EXPECT_TRUE(absl::IsNotFound(Check(*caller, Right::kAdmin, "far")));
  const auto ops = Identify(Token({{"sub", "\"ann\""}, {"role", R"(["ops", "x"])"}}));
  ASSERT_TRUE(ops.ok()) << ops.status();
  EXPECT_TRUE(Check(*ops, Right::kAdmin, "shop").ok());
  EXPECT_TRUE(Check(*ops, Right::kAdmin, "").ok());
  EXPECT_FALSE(Check(*ops, Right::kPublish, "shop").ok());
  const auto nobody = Identify(Token({{"sub", "\"ann\""}, {"role", "\"opsx\""}}));
  ASSERT_TRUE(nobody.ok()) << nobody.status();
  EXPECT_TRUE(absl::IsNotFound(Check(*nobody, Right::kAdmin, "shop")));
}

TEST_F(FileAccessTest, ClaimCountsOnlyFromTheIssuerThatTheGrantNames) {
  Write("partner.jwks", JwksOf({other_.jwk()}));
  Load(absl::StrCat(kJwt, "} jwt { issuer: 'partner' audience: 'nmq' jwks_file: '", folder_, "/partner.jwks' }",
                    kGrants));
  const auto own = Identify(Token({{"role", "\"far\""}}));
  const auto partner = Identify(other_.Sign(ClaimsAt(clock_.Now(), {{"role", "\"far\""}, {"iss", "\"partner\""}})));
  ASSERT_TRUE(own.ok() && partner.ok()) << own.status() << partner.status();
  EXPECT_TRUE(Check(*own, Right::kAdmin, "far").ok());
  EXPECT_TRUE(absl::IsNotFound(Check(*partner, Right::kAdmin, "far")));
}

TEST_F(FileAccessTest, TokenIsOfNoUseOnceItHasExpired) {
  Load(absl::StrCat(kJwt, "}", kGrants));
  const std::string token = Token();
  const auto caller = Identify(token);
  ASSERT_TRUE(caller.ok()) << caller.status();
  clock_.Advance(absl::Seconds(599));
  EXPECT_TRUE(Identify(token).ok());
  EXPECT_TRUE(Check(*caller, Right::kPublish, "shop").ok());
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(ReasonOf(Identify(token).status()), "CREDENTIALS_EXPIRED") << "although it was verified before";
  EXPECT_EQ(ReasonOf(Check(*caller, Right::kPublish, "shop")), "CREDENTIALS_EXPIRED");
}

TEST_F(FileAccessTest, TokenOfAKeyThatIsTakenOutIsRevoked) {
  Load(absl::StrCat(kJwt, "}", kGrants));
  const auto caller = Identify(Token());
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_FALSE(Refresh());
  Write("login.jwks", JwksOf({other_.jwk()}));
  EXPECT_TRUE(Refresh());
  EXPECT_EQ(ReasonOf(Check(*caller, Right::kPublish, "shop")), "CREDENTIALS_REVOKED");
  EXPECT_EQ(ReasonOf(Identify(Token()).status()), "CREDENTIALS_UNKNOWN");
  const auto renewed = Identify(other_.Sign(ClaimsAt(clock_.Now())));
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  EXPECT_TRUE(Check(*renewed, Right::kPublish, "shop").ok());
}

TEST_F(FileAccessTest, KeysThatAreOfNoUseLeaveThoseThatWereRead) {
  Load(absl::StrCat(kJwt, "algorithm: 'EdDSA' }", kGrants));
  const std::string token = Token();
  for (const std::string& broken : {std::string("{"), std::string(), JwksOf({other_.jwk()})}) {
    Write("login.jwks", broken);
    EXPECT_FALSE(Refresh());
    EXPECT_TRUE(Identify(token).ok()) << broken;
  }
  // Who may do what can be changed meanwhile, and the other way round.
  Write("access.textproto", absl::StrCat(kJwt, "algorithm: 'EdDSA' }"));
  EXPECT_TRUE(Refresh());
  const auto caller = Identify(token);
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_TRUE(absl::IsNotFound(Check(*caller, Right::kPublish, "shop")));
  Write("access.textproto", "jwt {");
  Write("login.jwks", JwksOf({signer_.jwk()}));
  EXPECT_TRUE(Refresh());
  EXPECT_TRUE(Identify(token).ok());
}

TEST_F(FileAccessTest, OtherAlgorithmAndItsKeysComeTogether) {
  Load(absl::StrCat(kJwt, "algorithm: 'EdDSA' }", kGrants));
  const Signer rsa = Signer::Rsa();
  Write("login.jwks", JwksOf({rsa.jwk()}));
  Write("access.textproto", absl::StrCat(kJwt, "algorithm: 'RS256' }", kGrants));
  EXPECT_TRUE(Refresh());
  EXPECT_TRUE(Identify(rsa.Sign(ClaimsAt(clock_.Now()))).ok());
  EXPECT_EQ(ReasonOf(Identify(Token()).status()), "CREDENTIALS_UNKNOWN");
}

TEST_F(FileAccessTest, CertificateStandsForItsIdentityWhereNoTokenIsShown) {
  Load(absl::StrCat(kJwt, "}", kGrants));
  ClientCertificate certificate = {{"DNS:x", "URI:spiffe://example.com/api"}, clock_.Now() + absl::Hours(1)};
  const auto caller = access_->Identify(std::nullopt, &certificate);
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ((*caller)->name, "caller");
  EXPECT_TRUE(Check(*caller, Right::kPublish, "shop").ok());
  // A token decides, also one that is of no use.
  const auto token = access_->Identify("Bearer " + Token({{"sub", "\"ann\""}}), &certificate);
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ((*token)->name, "ann");
  EXPECT_EQ(ReasonOf(access_->Identify("Bearer x", &certificate).status()), "CREDENTIALS_UNKNOWN");
  certificate.names = {"DNS:api.example.com"};
  EXPECT_TRUE(access_->Identify(std::nullopt, &certificate).ok());
  // The same text as a name of another kind is another name.
  for (const char* other : {"DNS:spiffe://example.com/api", "URI:api.example.com", "DNS:caller", "URI:caller"}) {
    certificate.names = {other};
    EXPECT_EQ(ReasonOf(access_->Identify(std::nullopt, &certificate).status()), "CREDENTIALS_UNKNOWN") << other;
  }
  clock_.Advance(absl::Hours(1));
  certificate.names = {"DNS:api.example.com"};
  EXPECT_EQ(ReasonOf(access_->Identify(std::nullopt, &certificate).status()), "CREDENTIALS_EXPIRED");
  EXPECT_EQ(ReasonOf(Check(*caller, Right::kPublish, "shop")), "CREDENTIALS_EXPIRED");
  Write("access.textproto", "identity { name: 'caller' }");
  EXPECT_TRUE(Refresh());
  EXPECT_EQ(ReasonOf(Check(*caller, Right::kPublish, "shop")), "CREDENTIALS_REVOKED");
}

TEST_F(FileAccessTest, NoTokenIsTakenForACertificateThatWasShown) {
  Load(absl::StrCat(kJwt, "}", kGrants));
  const ClientCertificate certificate = {{"URI:spiffe://example.com/api", "DNS:api.example.com"},
                                         clock_.Now() + absl::Hours(1)};
  const std::string end = absl::StrCat(absl::ToUnixSeconds(certificate.expiry));
  for (int time = 0; time < 2; ++time) {
    ASSERT_TRUE(access_->Identify(std::nullopt, &certificate).ok());
    for (const std::string& name : certificate.names) {
      for (const std::string& forged : {name, name + " " + end, name + end, name + "+" + end}) {
        EXPECT_EQ(ReasonOf(Identify(forged).status()), "CREDENTIALS_UNKNOWN") << forged;
      }
    }
  }
}

TEST_F(FileAccessTest, CertificateOfNobodyIsToldWhichNamesItHas) {
  Load(absl::StrCat(kJwt, "}", kGrants));
  const auto message = [&](const std::vector<std::string>& names) {
    const ClientCertificate certificate = {names, clock_.Now() + absl::Hours(1)};
    return std::string(access_->Identify(std::nullopt, &certificate).status().message());
  };
  EXPECT_THAT(message({}), testing::HasSubstr("it has no DNS name and no URI as subjectAltName"));
  EXPECT_THAT(message({"DNS:x"}), testing::HasSubstr("its names are \"DNS:x\"; "));
  EXPECT_THAT(message({"DNS:a", "URI:b:c", "DNS:d\x01", "DNS:e", "DNS:f"}),
              testing::HasSubstr("its names are \"DNS:a\", \"URI:b:c\", \"DNS:d\\x01\" and 2 more; "));
}

TEST_F(FileAccessTest, FileThatChangesAtEachLookIsReadAtTheThird) {
  Load(absl::StrCat(kJwt, "}", kGrants));
  const auto caller = Identify(Token());
  ASSERT_TRUE(caller.ok()) << caller.status();
  const auto change = [&](const std::string& name, const std::string& text) {
    Write(name, text);
    return access_->Refresh();
  };
  const std::string without = absl::StrCat(kJwt, "} identity { name: 'caller' }");
  for (int round = 0; round < 2; ++round) {
    EXPECT_FALSE(change("access.textproto", without));
    EXPECT_FALSE(change("access.textproto", without + "\n"));
    EXPECT_TRUE(change("access.textproto", without + "\n\n")) << round;
  }
  EXPECT_TRUE(absl::IsNotFound(Check(*caller, Right::kPublish, "shop")));
  // What is half written changes nothing.
  for (int look = 0; look < 4; ++look) EXPECT_FALSE(change("access.textproto", absl::StrCat("identity {", look)));
  EXPECT_TRUE(Identify(Token()).ok());
  Write("access.textproto", without);
  EXPECT_TRUE(Refresh());
  const std::string keys = JwksOf({other_.jwk()});
  EXPECT_FALSE(change("login.jwks", keys));
  EXPECT_FALSE(change("login.jwks", keys + " "));
  EXPECT_TRUE(change("login.jwks", keys + "  "));
  EXPECT_EQ(ReasonOf(Check(*caller, Right::kPublish, "shop")), "CREDENTIALS_REVOKED");
}

TEST_F(FileAccessTest, WhatIsWrongWithAnIssuerIsPointedAt) {
  const auto wrong = [&](const std::string& text) {
    Write("access.textproto", text);
    return std::string(FileAccess::Load(folder_ + "/access.textproto").status().message());
  };
  const std::string good = absl::StrCat(kJwt, "}");
  EXPECT_EQ(wrong(good), "");
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {good + good, "jwt[1].issuer"},
           {"jwt { audience: 'a' jwks_file: 'login.jwks' }", "jwt[0].issuer"},
           {"jwt { issuer: 'a' jwks_file: 'login.jwks' }", "jwt[0].audience"},
           {"jwt { issuer: 'a' audience: 'b' }", "jwt[0].jwks_file"},
           {"jwt { issuer: 'a' audience: 'b' jwks_file: 'none' }", "/none"},
           {absl::StrCat(kJwt, "algorithm: 'none' }"), "jwt[0].algorithm[0]"},
           {absl::StrCat(kJwt, "algorithm: 'HS256' }"), "no key for any algorithm"},
           {absl::StrCat(kJwt, "leeway { seconds: 301 } }"), "jwt[0].leeway"},
           {absl::StrCat(kJwt, "leeway { seconds: -1 } }"), "jwt[0].leeway"},
           {good + "grant { claim { value: 'x' } namespace: '**' right: RIGHT_JOIN }", "grant[0].claim[0].name"},
           {good + "grant { claim { name: 'x' } namespace: '**' right: RIGHT_JOIN }", "grant[0].claim[0].value"},
           {good + "grant { claim { name: 'x' value: 'y' issuer: 'z' } namespace: '**' right: RIGHT_JOIN }",
            "grant[0].claim[0].issuer"},
           {"identity { name: 'a' certificate: 'b' certificate: 'B' }", "identity[0].certificate[1]"}}) {
    EXPECT_NE(wrong(text).find(what), std::string::npos) << text << ": " << wrong(text);
  }
}

}  // namespace
}  // namespace nmq
