// nmq cert: what it makes is what nmqd, nmq and OpenSSL take.
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/cli/nmq.h"
#include "tests/integration/nmqd.h"

namespace nmq::integration {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class Certificates : public testing::Test {
 protected:
  Ran Cert(Words words) const {
    words.insert(words.begin(), "cert");
    words.insert(words.end(), {"--dir", folder_});
    return Nmq("127.0.0.1:1", words);
  }
  std::string File(const std::string& name) const { return absl::StrCat(folder_, "/", name); }
  std::string Text(const std::string& name) const {
    std::ifstream file(File(name));
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  static bool Runs(const std::string& command) {
    return system(absl::StrCat(command, " >/dev/null 2>&1").c_str()) == 0;  // NOLINT(cert-env33-c)
  }
  void MakeAll() const {
    for (const Words& words : {Words{"ca"}, {"server"}, {"client", "api"}}) {
      const Ran ran = Cert(words);
      ASSERT_EQ(ran.code, 0) << ran.err;
    }
  }

  const std::string folder_ =
      absl::StrCat(testing::TempDir(), "/certificates.", testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(Certificates, LetClientsAndServerKnowEachOther) {
  MakeAll();
  Nmqd nmqd({"--transport=http2", "--tls_certificate=" + File("server.pem"), "--tls_key=" + File("server.key"),
             "--tls_client_ca=" + File("ca.pem")});
  for (const std::string& server : {nmqd.address(), absl::StrCat("localhost:", nmqd.port())}) {
    const Ran known = Nmq(server, {"--tls-ca", File("ca.pem"), "--tls-certificate", File("api.pem"), "--tls-key",
                                   File("api.key"), "pub", "DB", "CREATE", "x"});
    EXPECT_EQ(known.code, 0) << known.err;
  }
  EXPECT_EQ(Nmq(nmqd.address(), {"--tls-ca", File("ca.pem"), "pub", "DB", "CREATE", "x", "--wait", "0s"}).code, 1);
  const Outcome health({"--health_check", "--listen=" + nmqd.address(), "--tls_certificate=" + File("server.pem"),
                        "--tls_key=" + File("server.key")});
  EXPECT_EQ(health.exit_code, 0) << health.errors;
}

TEST_F(Certificates, AreWhatOpenSslTakes) {
  MakeAll();
  const std::string verify = absl::StrCat("openssl verify -x509_strict -CAfile ", File("ca.pem"), " -purpose ");
  EXPECT_TRUE(Runs(verify + "sslserver -verify_hostname localhost " + File("server.pem")));
  EXPECT_TRUE(Runs(verify + "sslserver -verify_ip 127.0.0.1 " + File("server.pem")));
  EXPECT_FALSE(Runs(verify + "sslserver -verify_hostname example.com " + File("server.pem")));
  EXPECT_TRUE(Runs(verify + "sslclient " + File("api.pem")));
  EXPECT_FALSE(Runs(verify + "sslserver " + File("api.pem")));
}

TEST_F(Certificates, HaveTheNamesThatAreAskedFor) {
  ASSERT_EQ(Cert({"ca"}).code, 0);
  ASSERT_EQ(Cert({"server", "nmq.example.com", "10.0.0.7"}).code, 0);
  EXPECT_THAT(Cert({"client", "api", "spiffe://example.com/api", "--valid", "2h"}).out,
              StartsWith("for api, spiffe://example.com/api\n"));
  const std::string show = "openssl x509 -noout -ext subjectAltName -in ";
  EXPECT_TRUE(Runs(show + File("server.pem") + " | grep 'DNS:nmq.example.com, IP Address:10.0.0.7'"));
  EXPECT_TRUE(Runs(show + File("api.pem") + " | grep 'DNS:api, URI:spiffe://example.com/api'"));
  EXPECT_TRUE(Runs("openssl x509 -checkend 7000 -in " + File("api.pem")));
  EXPECT_FALSE(Runs("openssl x509 -checkend 7300 -in " + File("api.pem")));
}

TEST_F(Certificates, KeysAreForTheirOwnerOnlyAndNothingIsOverwritten) {
  MakeAll();
  struct stat state;
  for (const char* key : {"ca.key", "server.key", "api.key"}) {
    ASSERT_EQ(stat(File(key).c_str(), &state), 0);
    EXPECT_EQ(state.st_mode & 0777, 0600) << key;
  }
  const std::string before = Text("ca.key");
  const Ran again = Cert({"ca"});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, AllOf(HasSubstr("ca.key"), HasSubstr("is there already"), HasSubstr("--dir")));
  EXPECT_EQ(Text("ca.key"), before);
}

TEST_F(Certificates, WhatCannotBeMadeIsToldWithWhatToDo) {
  const Ran none = Cert({"server"});
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.err, AllOf(HasSubstr("ca.pem"), HasSubstr("nmq cert ca")));
  ASSERT_EQ(Cert({"ca"}).code, 0);
  for (const char* name : {"two words", "a,IP:10.0.0.1", "http//x:y", "spiffe://a b"}) {
    const Ran ran = Cert({"server", name});
    EXPECT_EQ(ran.code, 1) << name;
    EXPECT_THAT(ran.err, AllOf(HasSubstr(name), HasSubstr("must be a host")));
  }
  EXPECT_THAT(Cert({"server", "http://nmq.example.com"}).err, HasSubstr("without a scheme"));
  EXPECT_THAT(Cert({"client", "../api"}).err, HasSubstr("is no name"));
  std::ofstream(File("ca.key")) << "no key";
  EXPECT_THAT(Cert({"server"}).err, StartsWith("nmq: ca.key: has no private key"));
}

}  // namespace
}  // namespace nmq::integration
