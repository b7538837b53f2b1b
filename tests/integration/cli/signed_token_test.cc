// nmq token: signed tokens and the keys that verify them are what nmqd takes.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/cli/nmq.h"
#include "tests/integration/nmqd.h"

namespace nmq::integration {
namespace {

using testing::HasSubstr;

class SignedTokenCommands : public testing::Test {
 protected:
  static Ran Token(Words words) {
    words.insert(words.begin(), "token");
    return Nmq("127.0.0.1:1", words);
  }
  std::string File(const std::string& name) const { return absl::StrCat(testing::TempDir(), "/", name); }
  // A pair of keys, NAME.key and NAME.pub.
  void MakeKeys(const std::string& name, const std::string& algorithm) const {
    const std::string command =
        absl::StrCat("openssl genpkey -quiet -algorithm ", algorithm, " -out ", File(name + ".key"),
                     " && openssl pkey -in ", File(name + ".key"), " -pubout -out ", File(name + ".pub"));
    ASSERT_EQ(system(command.c_str()), 0) << command;  // NOLINT(cert-env33-c)
  }
  Ran Sign(const std::string& name, const Words& more = {}) const {
    Words words = {"jwt", "--key", File(name + ".key"), "--issuer", "i", "--audience", "nmq", "--subject", "api"};
    words.insert(words.end(), more.begin(), more.end());
    return Token(words);
  }
};

TEST_F(SignedTokenCommands, MakeWhatNmqdTakes) {
  Words keys = {"jwks"};
  for (const auto& [name, algorithm] :
       {std::pair("ed", "ed25519"), std::pair("rsa", "rsa -pkeyopt rsa_keygen_bits:2048"),
        std::pair("p256", "ec -pkeyopt ec_paramgen_curve:P-256")}) {
    MakeKeys(name, algorithm);
    keys.push_back(File(absl::StrCat(name, ".pub")));
  }
  const Ran jwks = Token(keys);
  ASSERT_EQ(jwks.code, 0) << jwks.err;
  WriteFile("login.jwks", jwks.out);
  Nmqd nmqd(
      {"--access=" + WriteFile("access.textproto",
                               "jwt { issuer: 'i' audience: 'nmq' jwks_file: 'login.jwks' }"
                               "grant { claim { name: 'role' value: 'b' } namespace: '**' right: RIGHT_PUBLISH }")});
  for (const char* name : {"ed", "rsa", "p256"}) {
    const Ran token = Sign(name, {"--claim", "role=a", "--claim", "role=b", "--ttl", "5m"});
    ASSERT_EQ(token.code, 0) << token.err;
    const std::string file = WriteFile("token", token.out);
    EXPECT_EQ(Nmq(nmqd.address(), {"--token-file", file, "pub", "DB", "CREATE", "x"}).code, 0) << name;
    // Without the claim, nothing is granted.
    const std::string other = absl::StrCat(absl::StripAsciiWhitespace(Sign(name).out));
    const Ran refused = Nmq(nmqd.address(), {"--token", other, "pub", "DB", "CREATE", "x"});
    EXPECT_EQ(refused.code, 1) << refused.out;
    EXPECT_THAT(refused.err, HasSubstr("NAMESPACE_NOT_FOUND"));
  }
}

TEST_F(SignedTokenCommands, ShowWhatATokenSaysAndThatItIsNotVerified) {
  MakeKeys("ed", "ed25519");
  const std::string token(absl::StripAsciiWhitespace(Sign("ed", {"--claim", "role=ops"}).out));
  const Ran shown = Token({"inspect", token});
  EXPECT_EQ(shown.code, 0) << shown.err;
  for (const char* what : {"EdDSA", "\"sub\":\"api\"", "\"role\":\"ops\"", "in 59m", "not verified"}) {
    EXPECT_THAT(shown.out, HasSubstr(what));
  }
  EXPECT_THAT(Token({"inspect", token, "--json"}).out, HasSubstr("\"verified\":false}"));
  EXPECT_THAT(Token({"inspect", "nmq_abcdefgh_secret"}).out, HasSubstr("abcdefgh"));
  EXPECT_THAT(Token({"inspect", "nmq_abcdefgh_secret"}).out, testing::Not(HasSubstr("secret")));
  for (const char* none : {"x", "a.b.c", "..", "eyJ9.e30.x"}) EXPECT_EQ(Token({"inspect", none}).code, 1) << none;
}

TEST_F(SignedTokenCommands, SayWhichKeyIsNone) {
  MakeKeys("p384", "ec -pkeyopt ec_paramgen_curve:P-384");
  MakeKeys("ed", "ed25519");
  EXPECT_THAT(Sign("p384").err, HasSubstr("p384.key: is no key of Ed25519"));
  const Ran swapped = Token({"jwks", File("ed.key")});
  EXPECT_EQ(swapped.code, 1) << swapped.out;
  EXPECT_THAT(swapped.err, HasSubstr("ed.key: has no public key"));
  EXPECT_EQ(Token({}).code, 2);
}

}  // namespace
}  // namespace nmq::integration
