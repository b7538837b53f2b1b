// nmqd over TLS, with the C++ client, nmq, and container engines. Python and Node.js have tests of their own.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/cpp/client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/nmqd.h"
#include "tests/testing/certificates.h"
#include "tests/testing/notification.h"
#include "tests/testing/process.h"

namespace nmq::integration {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

constexpr char kNmqPath[] = "client/cli/nmq";
constexpr absl::Duration kPatience = absl::Seconds(30);

class Tls : public testing::Test {
 protected:
  Tls() { Write(authority_.Issue()); }

  void Write(const Credentials& pair) {
    certificate_ = WriteFile("certificate.pem", pair.certificate);
    key_ = WriteFile("key.pem", pair.key);
  }
  std::vector<std::string> Flags(const std::string& client_ca = "") const {
    std::vector<std::string> flags = {"--transport=http2", "--tls_certificate=" + certificate_, "--tls_key=" + key_};
    if (!client_ca.empty()) flags.push_back("--tls_client_ca=" + client_ca);
    return flags;
  }
  ClientOptions Options(const Nmqd& nmqd) const {
    return {.server = nmqd.address(), .wait_for_server = absl::ZeroDuration(), .tls_ca = ca_};
  }
  // Publishes a message of this size, and hears it.
  static void ExpectServed(const ClientOptions& options, size_t size) {
    const auto client = Client::Connect(options);
    ASSERT_TRUE(client.ok()) << client.status();
    Notification heard;
    std::string payload;
    const auto subscription = (*client)->Subscribe({.patterns = {{"DB", "*"}}}, {.on_message = [&](const Message& one) {
                                                     payload = one.payload();
                                                     heard.Notify();
                                                   }});
    ASSERT_TRUE(subscription.ok()) << subscription.status();
    const std::string sent(size, 'x');
    ASSERT_TRUE((*client)->Publish(MakeMessage("DB", "CREATE", sent)).ok());
    heard.WaitForNotification();
    EXPECT_EQ(payload, sent);
  }
  static absl::Status Refusal(const ClientOptions& options) { return Client::Connect(options).status(); }
  // What nmq prints; its errors if it fails.
  static std::string Nmq(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
    Process process(kNmqPath, arguments, environment);
    std::string output;
    while (const auto line = process.ReadLine(kPatience)) absl::StrAppend(&output, *line, "\n");
    return process.WaitForExit(kPatience) == 0 ? output : process.errors();
  }

  Authority authority_;
  const std::string ca_ = WriteFile("ca.pem", authority_.certificate());
  std::string certificate_;
  std::string key_;
};

TEST_F(Tls, CppClientPublishesAndHears) {
  Nmqd nmqd(Flags());
  for (const size_t size : {1, 20'000, 900'000}) ExpectServed(Options(nmqd), size);
}

TEST_F(Tls, NmqPublishesAndHears) {
  Nmqd nmqd(Flags());
  EXPECT_THAT(Nmq({"--server", nmqd.address(), "--tls-ca", ca_, "pub", "DB", "CREATE", "hello"}, {}),
              HasSubstr("DB CREATE 1: published"));
  const std::vector<std::string> environment = {"NMQ_SERVER=" + nmqd.address(), "NMQ_TLS_CA=" + ca_};
  EXPECT_THAT(Nmq({"sub", "DB", "--from", "earliest", "--count", "1"}, environment), HasSubstr("| hello"));
}

TEST_F(Tls, ServerIsCheckedByClients) {
  Nmqd nmqd(Flags());
  const Authority other;
  ClientOptions options = Options(nmqd);
  options.tls_ca = WriteFile("other.pem", other.certificate());
  EXPECT_EQ(Refusal(options).code(), absl::StatusCode::kUnavailable);

  // In one line, unless gRPC is asked for more.
  const std::vector<std::string> arguments = {"--server", nmqd.address(), "--tls-ca", options.tls_ca, "queues"};
  const std::string said = Nmq(arguments, {});
  EXPECT_TRUE(IsOneLine(said));
  EXPECT_THAT(said, HasSubstr("The server's certificate is none of that CA"));
  EXPECT_THAT(Nmq(arguments, {"GRPC_VERBOSITY=ERROR"}), HasSubstr("Handshake failed"));
  Nmqd plain;
  const Outcome check(
      {"--health_check", "--listen=" + plain.address(), "--tls_certificate=" + certificate_, "--tls_key=" + key_});
  EXPECT_EQ(check.exit_code, 1);
  EXPECT_TRUE(IsOneLine(check.errors));
}

TEST_F(Tls, FilesOfNoUseAreSaidToClientsAtOnce) {
  const std::string none = WriteFile("none.pem", "nothing");
  const std::string other = WriteFile("other.key", authority_.Issue().key);
  ClientOptions options;
  options.tls_certificate = certificate_;
  const std::string no_ca = absl::StrCat(key_, ": has no certificate; name a PEM file with certificates");
  const std::string no_pair = absl::StrCat(other, ": is not the key of the first certificate in ", certificate_,
                                           "; name the pair that belongs together");
  const std::string no_key = absl::StrCat(certificate_, ": has no private key that can be read");
  const std::string no_file = absl::StrCat(none, "2: No such file or directory");
  // Lazy clients, too, and although no server is there.
  options.lazy = true;
  options.tls_key = other;
  EXPECT_EQ(Refusal(options), absl::InvalidArgumentError(absl::StrCat("ClientOptions.tls_key: ", no_pair)));
  options.tls_key = certificate_;
  EXPECT_THAT(std::string(Refusal(options).message()), HasSubstr(absl::StrCat("ClientOptions.tls_key: ", no_key)));
  options.tls_key = key_;
  options.tls_ca = key_;
  EXPECT_EQ(Refusal(options), absl::InvalidArgumentError(absl::StrCat("ClientOptions.tls_ca: ", no_ca)));
  options.tls_ca = none + "2";
  EXPECT_THAT(std::string(Refusal(options).message()), HasSubstr(absl::StrCat("ClientOptions.tls_ca: ", no_file)));

  EXPECT_EQ(Nmq({"--tls-ca", key_, "queues"}, {}), absl::StrCat("nmq: --tls-ca: ", no_ca, " (INVALID_ARGUMENT)\n"));
  EXPECT_EQ(Nmq({"--tls-certificate", certificate_, "--tls-key", other, "queues"}, {}),
            absl::StrCat("nmq: --tls-key: ", no_pair, " (INVALID_ARGUMENT)\n"));
}

TEST_F(Tls, ClientInPlainTextIsRefusedAndOthersGoOn) {
  Nmqd nmqd(Flags());
  const auto client = Client::Connect(Options(nmqd));
  ASSERT_TRUE(client.ok()) << client.status();
  ClientOptions plain = Options(nmqd);
  plain.tls_ca = "";
  EXPECT_EQ(Refusal(plain).code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE((*client)->Publish(MakeMessage("DB", "CREATE", "still")).ok());
  EXPECT_THAT(nmqd.process().errors(), HasSubstr("ended the connection from ipv4:127.0.0.1"));
}

TEST_F(Tls, ClientsHaveCertificatesIfTheServerAsksForThem) {
  const Authority clients;
  Nmqd nmqd(Flags(WriteFile("clients.pem", clients.certificate())));
  EXPECT_EQ(Refusal(Options(nmqd)).code(), absl::StatusCode::kUnavailable);
  const Credentials own = clients.Issue();
  ClientOptions options = Options(nmqd);
  options.tls_certificate = WriteFile("own.pem", own.certificate);
  EXPECT_THAT(std::string(Refusal(options).message()), HasSubstr("needs tls_key"));
  options.tls_key = WriteFile("own_key.pem", own.key);
  ExpectServed(options, 100);
  EXPECT_THAT(Nmq({"--server", nmqd.address(), "--tls-ca", ca_, "--tls-certificate", options.tls_certificate,
                   "--tls-key", options.tls_key, "queues"},
                  {}),
              HasSubstr("QUEUE"));
}

TEST_F(Tls, CertificateThatChangesIsForNewConnections) {
  Nmqd nmqd(Flags());
  const auto old = Client::Connect(Options(nmqd));
  ASSERT_TRUE(old.ok()) << old.status();
  const Authority next;
  Write(next.Issue());
  ClientOptions options = Options(nmqd);
  options.tls_ca = WriteFile("next.pem", next.certificate());
  ExpectServed(options, 100);
  EXPECT_EQ(Refusal(Options(nmqd)).code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE((*old)->Publish(MakeMessage("DB", "CREATE", "old")).ok());
}

TEST_F(Tls, HealthIsAskedWithTheServersFiles) {
  for (const std::string& client_ca : {std::string(), ca_}) {
    Nmqd nmqd(Flags(client_ca));
    std::vector<std::string> flags = Flags(client_ca);
    flags.erase(flags.begin());  // the transport is the server's own affair
    flags.insert(flags.end(), {"--health_check", "--listen=" + nmqd.address()});
    const Outcome check(flags);
    EXPECT_EQ(check.exit_code, 0) << check.errors;
    EXPECT_EQ(check.output, absl::StrCat("nmqd at ", nmqd.address(), " serves\n"));
    const Outcome plain({"--health_check", "--listen=" + nmqd.address()});
    EXPECT_EQ(plain.exit_code, 1);
  }
}

TEST_F(Tls, FileOfNoUseIsSaidAtTheStart) {
  WriteFile("key.pem", authority_.Issue().key);
  std::vector<std::string> flags = Flags();
  flags.push_back("--listen=127.0.0.1:0");
  const Outcome start(flags);
  EXPECT_EQ(start.exit_code, 1);
  EXPECT_THAT(start.errors, MatchesRegex("nmqd: tls_key: [^\n]*: is not the key of the first certificate in [^\n]*\n"));
}

TEST_F(Tls, FlagsThatDoNotGoTogetherAreRefused) {
  const std::map<std::vector<std::string>, std::string> refused = {
      {{"--transport=http2", "--tls_certificate=c"}, "nmqd: --tls_certificate needs --tls_key, "},
      {{"--transport=http2", "--tls_key=k"}, "nmqd: --tls_key needs --tls_certificate, "},
      {{"--transport=http2", "--tls_client_ca=a"}, "nmqd: --tls_client_ca needs --tls_certificate and --tls_key"},
      {{"--transport=grpc", "--tls_certificate=c", "--tls_key=k"},
       "nmqd: --tls_certificate needs --transport=http2: --transport=grpc has no TLS"}};
  for (const auto& [flags, why] : refused) {
    const Outcome start(flags);
    EXPECT_EQ(start.exit_code, 2);
    EXPECT_THAT(start.errors, HasSubstr(why));
  }
}

}  // namespace
}  // namespace nmq::integration
