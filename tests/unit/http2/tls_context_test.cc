#include "server/http2/tls_context.h"

#include <openssl/pem.h>
#include <sys/socket.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/certificates.h"
#include "tests/unit/http2/tls_files.h"
#include "tests/unit/http2/tls_peer.h"

namespace nmq::http2 {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr int kSteps = 20;

// What is logged while it lives, but for what is told only.
class Warnings : public google::LogSink {
 public:
  Warnings() { google::AddLogSink(this); }
  ~Warnings() override { google::RemoveLogSink(this); }
  void send(google::LogSeverity severity, const char*, const char*, int, const google::LogMessageTime&,
            const char* message, size_t size) override {
    if (severity >= google::GLOG_WARNING) lines.emplace_back(message, size);
  }
  std::vector<std::string> lines;
};

class TlsContextTest : public testing::Test {
 protected:
  TlsFiles WithClients(const Authority& authority) const {
    TlsFiles paths = files_.paths();
    paths.client_ca = files_.Write("clients", authority.certificate());
    return paths;
  }
  std::string ErrorOf(const TlsFiles& paths) const {
    const auto context = TlsContext::Load(paths);
    return context.ok() ? "" : std::string(context.status().message());
  }
  // The certificate that a client is shown, in PEM; of an empty text, the client was refused.
  std::string Shown(TlsContext* context, const Credentials& own = {}) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    TlsPeer peer(ends[1], {.ca = files_.authority().certificate(), .own = own});
    const std::unique_ptr<ByteStream> stream = context->Serve(ends[0]);
    std::string buffer(ByteStream::kReadBytesMin, 0);
    const iovec hello = {const_cast<char*>("hello"), 5};
    bool said = false;
    for (int i = 0; i < kSteps && peer.received().empty(); ++i) {
      peer.Step();
      stream->Read(buffer.data(), buffer.size());
      if (!said && stream->Write(&hello, 1) == 5) said = true;
    }
    if (peer.received() != "hello") return "";
    BIO* const memory = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(memory, SSL_get0_peer_certificate(peer.ssl()));
    char* text;
    const long size = BIO_get_mem_data(memory, &text);
    std::string shown(text, static_cast<size_t>(size));
    BIO_free(memory);
    return shown;
  }

  TestTlsFiles files_;
};

TEST_F(TlsContextTest, FileThatIsNotThereIsNamed) {
  for (const char* name : {"certificate", "key", "client_ca"}) {
    TlsFiles paths = WithClients(files_.authority());
    std::string* const path = std::map<std::string, std::string*>{
        {"certificate", &paths.certificate}, {"key", &paths.key}, {"client_ca", &paths.client_ca}}[name];
    *path = files_.Path("nothing");
    EXPECT_EQ(ErrorOf(paths),
              absl::StrCat("tls_", name, ": ", *path, ": No such file or directory; name a PEM file that can be read"));
    *path = testing::TempDir();
    EXPECT_THAT(ErrorOf(paths), HasSubstr("Is a directory"));
    *path = files_.Write("empty", "");
    EXPECT_THAT(ErrorOf(paths), AllOf(StartsWith(absl::StrCat("tls_", name, ": ", *path, ": has no ")),
                                      HasSubstr("; name a PEM file with ")));
    *path = files_.Write("endless", std::string((1 << 20) + 1, '\n'));
    EXPECT_THAT(ErrorOf(paths), HasSubstr("has more than the 1048576 bytes"));
  }
}

TEST_F(TlsContextTest, CertificateThatCannotBeReadIsNumbered) {
  std::string chain = files_.authority().Issue().certificate + files_.authority().certificate();
  chain.replace(chain.rfind("MII"), 9, "notbase64");
  TlsFiles paths = files_.paths();
  paths.certificate = files_.Write("broken", chain);
  EXPECT_THAT(ErrorOf(paths), HasSubstr(": certificate 2 cannot be read: "));
}

TEST_F(TlsContextTest, PairThatDoesNotBelongTogetherIsRefused) {
  files_.Write("key", files_.authority().Issue().key);
  EXPECT_EQ(ErrorOf(files_.paths()),
            absl::StrCat("tls_key: ", files_.Path("key"), ": is not the key of the first certificate in ",
                         files_.Path("certificate"), "; name the pair that belongs together"));
}

TEST_F(TlsContextTest, CertificateThatHasExpiredIsRefused) {
  files_.Write(files_.authority().Issue(-absl::Minutes(1)));
  EXPECT_EQ(ErrorOf(files_.paths()),
            absl::StrCat("tls_certificate: ", files_.Path("certificate"), ": has expired; get a new certificate"));
}

TEST_F(TlsContextTest, CertificateThatIsSoonOverIsWarnedOfOnceUntilThereIsAnother) {
  Warnings warnings;
  files_.Write(files_.authority().Issue(absl::Hours(24 * 13)));
  const auto context = *TlsContext::Load(files_.paths());
  const int64_t first = *context->expires();
  EXPECT_NEAR(static_cast<double>(first), static_cast<double>(absl::ToUnixSeconds(absl::Now() + absl::Hours(24 * 13))),
              600);
  Shown(context.get());
  ASSERT_EQ(warnings.lines.size(), 1);
  EXPECT_THAT(warnings.lines[0], AllOf(HasSubstr(files_.Path("certificate")), HasSubstr("expires at 20")));
  const auto expires = context->expires();
  files_.Write(files_.authority().Issue(absl::Hours(24 * 15)));
  Shown(context.get());
  EXPECT_NEAR(static_cast<double>(*expires - first), 2 * 24 * 3600, 600);
  EXPECT_EQ(warnings.lines.size(), 1);
}

TEST_F(TlsContextTest, EncryptedKeyIsRefusedWithoutAskingAnybody) {
  const Credentials made = files_.authority().Issue();
  BIO* const memory = BIO_new_mem_buf(made.key.data(), static_cast<int>(made.key.size()));
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(memory, nullptr, nullptr, nullptr);
  BIO* const encrypted = BIO_new(BIO_s_mem());
  const char password[] = "secret";
  PEM_write_bio_PKCS8PrivateKey(encrypted, key, EVP_aes_256_cbc(), password, sizeof(password) - 1, nullptr, nullptr);
  char* text;
  const long size = BIO_get_mem_data(encrypted, &text);
  files_.Write("key", std::string(text, static_cast<size_t>(size)));
  EXPECT_THAT(ErrorOf(files_.paths()), HasSubstr("is encrypted, and nobody is asked for a password"));
  EVP_PKEY_free(key);
  BIO_free(memory);
  BIO_free(encrypted);
}

TEST_F(TlsContextTest, CertificateIsReadAgainWhenItChanges) {
  const Credentials first = files_.authority().Issue();
  const Credentials second = files_.authority().Issue();
  files_.Write(first);
  const auto context = TlsContext::Load(files_.paths()).value();
  EXPECT_EQ(Shown(context.get()), first.certificate);
  Warnings warnings;
  files_.Write(second);
  EXPECT_EQ(Shown(context.get()), second.certificate);
  EXPECT_THAT(warnings.lines, IsEmpty());
}

TEST_F(TlsContextTest, PairThatIsOfNoUseLeavesTheOldOneAndIsLoggedOnce) {
  const Credentials first = files_.authority().Issue();
  const Credentials second = files_.authority().Issue();
  files_.Write(first);
  const auto context = TlsContext::Load(files_.paths()).value();
  Warnings warnings;
  files_.Write("certificate", second.certificate);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Shown(context.get()), first.certificate);
  EXPECT_THAT(warnings.lines, ElementsAre(AllOf(StartsWith("keeps the certificate that it has: tls_key: "),
                                                HasSubstr("is not the key"))));
  files_.Write("key", "nothing");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Shown(context.get()), first.certificate);
  EXPECT_EQ(warnings.lines.size(), 2u);
  files_.Write("key", second.key);
  EXPECT_EQ(Shown(context.get()), second.certificate);
  EXPECT_EQ(warnings.lines.size(), 2u);
}

TEST_F(TlsContextTest, ClientsNeedACertificateOfTheClientsAuthority) {
  const Authority clients;
  const auto context = TlsContext::Load(WithClients(clients)).value();
  EXPECT_EQ(Shown(context.get()), "");
  EXPECT_EQ(Shown(context.get(), files_.authority().Issue()), "");
  EXPECT_EQ(Shown(context.get(), clients.Issue(-absl::Minutes(1))), "");
  EXPECT_NE(Shown(context.get(), clients.Issue()), "");
}

TEST_F(TlsContextTest, ServersOwnCertificateIsAClientsToo) {
  const Authority clients;
  const Credentials own = files_.authority().Issue();
  files_.Write(own);
  const auto context = TlsContext::Load(WithClients(clients)).value();
  EXPECT_EQ(Shown(context.get(), own), own.certificate);
}

TEST_F(TlsContextTest, ClientsAuthorityIsReadAgainWhenItChanges) {
  const Authority before;
  const Authority after;
  const auto context = TlsContext::Load(WithClients(before)).value();
  EXPECT_NE(Shown(context.get(), before.Issue()), "");
  WithClients(after);
  EXPECT_EQ(Shown(context.get(), before.Issue()), "");
  EXPECT_NE(Shown(context.get(), after.Issue()), "");
}

}  // namespace
}  // namespace nmq::http2
