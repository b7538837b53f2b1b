// Secrets stay where they are: tokens, private keys, sessions and payloads are in nothing that nmqd writes or says.
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/random.h"
#include "base/token.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"
#include "tests/testing/certificates.h"

namespace nmq::integration {
namespace {

constexpr char kConfig[] = "namespace { name: 'default' queue { name: 'Q' durability: DURABILITY_DURABLE } }";
constexpr char kGrants[] =
    "grant { identity: 'api' namespace: '**' right: RIGHT_CONNECT right: RIGHT_PUBLISH right: RIGHT_SUBSCRIBE "
    "right: RIGHT_JOIN right: RIGHT_INSPECT right: RIGHT_ADMIN }\n"
    "grant { identity: 'guest' namespace: 'default' right: RIGHT_CONNECT }\n";
constexpr char kPayload[] = "canary-payload-5f0c";
constexpr char kHeader[] = "canary-header-77ab";
constexpr char kStranger[] = "nmq_abcdefgh_canarystranger1canarystranger12";

class Secrets : public testing::Test {
 protected:
  Secrets() : server_(authority_.Issue()) {
    secrets_["the token"] = api_.token;
    secrets_["another's token"] = guest_.token;
    secrets_["a token of nobody"] = kStranger;
    secrets_["the payload"] = kPayload;
    secrets_["a header"] = kHeader;
    // Some line in the middle of the PEM.
    secrets_["the private key"] = std::vector<std::string>(absl::StrSplit(server_.key, '\n'))[1];
  }

  // For a server that keeps its data in `folder`; with TLS, which gRPC's own server has not.
  std::vector<std::string> Flags(const std::string& folder, bool tls) const {
    const std::string identities = absl::StrCat("identity { name: 'api' token: '", api_.kept, "' }\n",
                                                "identity { name: 'guest' token: '", guest_.kept, "' }\n");
    std::vector<std::string> flags = {"--config=" + WriteFile("secrets.textproto", kConfig),
                                      "--access=" + WriteFile("secrets.access", identities + kGrants),
                                      "--audit_log=" + folder + ".audit", "--data_dir=" + folder,
                                      tls ? "--transport=http2" : "--transport=grpc"};
    if (!tls) return flags;
    flags.push_back("--tls_certificate=" + WriteFile("secrets.pem", server_.certificate));
    flags.push_back("--tls_key=" + WriteFile("secrets.key", server_.key));
    return flags;
  }
  // It says everything that it can.
  static const std::vector<std::string>& Loudest() {
    static const auto* const environment =
        new std::vector<std::string>{"GLOG_v=9", "GLOG_minloglevel=0", "GRPC_VERBOSITY=DEBUG", "GRPC_TRACE=all"};
    return *environment;
  }
  std::shared_ptr<grpc::Channel> ChannelTo(const Nmqd& nmqd, bool tls) const {
    if (!tls) return NewChannel(nmqd.address());
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = authority_.certificate();
    return grpc::CreateChannel(nmqd.address(), grpc::SslCredentials(options));
  }
  static std::unique_ptr<grpc::ClientContext> As(const std::string& token) {
    auto context = NewContext();
    context->AddMetadata("authorization", "Bearer " + token);
    return context;
  }

  // What an error says: all of it may be logged by its caller.
  void Hear(const grpc::Status& status) { absl::StrAppend(&said_, status.error_message(), status.error_details()); }

  v1::PublishRequest Canary(const std::string& session) const {
    v1::PublishRequest request;
    request.set_session(session);
    request.mutable_message()->set_queue("Q");
    request.mutable_message()->set_event("E");
    request.mutable_message()->set_payload(kPayload);
    (*request.mutable_message()->mutable_headers())["h"] = kHeader;
    return request;
  }

  // Calls that succeed and that fail, of every service.
  void Use(const Nmqd& nmqd, bool tls = true) {
    const std::shared_ptr<grpc::Channel> channel = ChannelTo(nmqd, tls);
    const auto queue = v1::MessageQueue::NewStub(channel);
    const auto registry = v1::Registry::NewStub(channel);
    const auto admin = v1::Admin::NewStub(channel);
    v1::ConnectResponse connected;
    ASSERT_TRUE(queue->Connect(As(api_.token).get(), {}, &connected).ok());
    secrets_["the session"] = connected.session();
    v1::PublishResponse published;
    EXPECT_TRUE(queue->Publish(As(api_.token).get(), Canary(connected.session()), &published).ok());
    for (const std::string& token : {guest_.token, std::string(kStranger), api_.token.substr(1)}) {
      Hear(queue->Publish(As(token).get(), Canary(connected.session()), &published));
      v1::ListMetricsResponse metrics;
      Hear(registry->ListMetrics(As(token).get(), {}, &metrics));
      v1::DeleteQueueResponse deleted;
      Hear(admin->DeleteQueue(As(token).get(), {}, &deleted));
    }
    v1::PublishRequest wrong = Canary(connected.session() + "x");
    Hear(queue->Publish(As(api_.token).get(), wrong, &published));
    wrong = Canary(connected.session());
    wrong.mutable_message()->set_queue("no name");
    Hear(queue->Publish(As(api_.token).get(), wrong, &published));
    v1::ListMetricsResponse metrics;
    ASSERT_TRUE(registry->ListMetrics(As(api_.token).get(), {}, &metrics).ok());
    v1::ListClientsResponse clients;
    ASSERT_TRUE(registry->ListClients(As(api_.token).get(), {}, &clients).ok());
    absl::StrAppend(&said_, metrics.DebugString(), clients.DebugString());
    v1::PurgeQueueRequest purge;
    purge.set_name("Q");
    v1::PurgeQueueResponse purged;
    Hear(admin->PurgeQueue(As(api_.token).get(), purge, &purged));
    v1::DisconnectResponse gone;
    v1::DisconnectRequest leave;
    leave.set_session(connected.session());
    EXPECT_TRUE(queue->Disconnect(As(api_.token).get(), leave, &gone).ok());
  }

  void ExpectNone(const std::string& where, const std::string& text) const {
    EXPECT_FALSE(text.empty()) << where;
    for (const auto& [what, secret] : secrets_) {
      EXPECT_FALSE(absl::StrContains(text, secret)) << what << " is in " << where;
    }
  }

  const Authority authority_;
  const Credentials server_;
  const NewToken api_ = MakeToken(SystemRandom());
  const NewToken guest_ = MakeToken(SystemRandom());
  std::map<std::string, std::string> secrets_;
  std::string said_;
};

TEST_F(Secrets, AreInNoLogNoMetricAndNoError) {
  for (const bool tls : {true, false}) {
    said_.clear();
    Nmqd nmqd(Flags(absl::StrCat(testing::TempDir(), "/secrets.", tls), tls), Loudest());
    Use(nmqd, tls);
    nmqd.process().Signal(SIGTERM);
    EXPECT_EQ(nmqd.process().WaitForExit(kPatience), 0);
    ExpectNone("what callers are told", said_);
    ExpectNone("the log", nmqd.process().errors());
    std::ifstream audit(absl::StrCat(testing::TempDir(), "/secrets.", tls, ".audit"));
    ExpectNone("the audit log", {std::istreambuf_iterator<char>(audit), std::istreambuf_iterator<char>()});
  }
}

TEST_F(Secrets, AreNotInItsLastWords) {
  Nmqd nmqd(Flags(testing::TempDir() + "/secrets.last", /*tls=*/true), Loudest());
  Use(nmqd);
  nmqd.process().Signal(SIGSEGV);
  EXPECT_EQ(nmqd.process().WaitForExit(kPatience), 128 + SIGSEGV);
  ExpectNone("the log", nmqd.process().errors());
}

// Where cores are files: elsewhere, a program of the system gets them, and this cannot be seen.
TEST_F(Secrets, AreInNoCoreUnlessCoresAreAskedFor) {
  std::string pattern;
  std::ifstream("/proc/sys/kernel/core_pattern") >> pattern;
  if (!absl::StartsWith(pattern, "core")) GTEST_SKIP() << "cores go to " << pattern;
  const rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_CORE, &all) != 0) GTEST_SKIP() << "cores are forbidden";
  for (const bool asked : {false, true}) {
    const std::string folder = absl::StrCat(testing::TempDir(), "/core.", asked);
    std::filesystem::create_directories(folder);
    std::vector<std::string> words = {"-c",   "nmqd=$PWD/$1; cd \"$2\"; shift 2; exec \"$nmqd\" \"$@\"",
                                      "sh",   kNmqdPath,
                                      folder, "--listen=127.0.0.1:0"};
    if (asked) words.push_back("--core_dumps");
    Process process("/bin/sh", words);
    ASSERT_TRUE(process.ReadLine(kPatience).has_value()) << process.errors();
    process.Signal(SIGABRT);
    EXPECT_EQ(process.WaitForExit(kPatience), 128 + SIGABRT);
    EXPECT_EQ(std::filesystem::is_empty(folder), !asked);
    std::filesystem::remove_all(folder);
  }
}

}  // namespace
}  // namespace nmq::integration
