// nmqd with callers that show signed tokens (JWT) or certificates: each rpc with every token that is of no use, and
// what becomes of streams and sessions when what they have shown expires, is taken back or is renewed.
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/random.h"
#include "base/token.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.grpc.pb.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"
#include "tests/integration/raw_call.h"
#include "tests/testing/certificates.h"
#include "tests/testing/signed_tokens.h"

namespace nmq::integration {
namespace {

using google::protobuf::MethodDescriptor;
using testing::HasSubstr;

constexpr char kConfig[] = R"(namespace { name: "shop" automatic_queues: true } namespace { name: "other" })";
constexpr char kAllRights[] =
    "right: RIGHT_CONNECT right: RIGHT_PUBLISH right: RIGHT_SUBSCRIBE right: RIGHT_JOIN right: RIGHT_INSPECT right: "
    "RIGHT_ADMIN";
// Streams end so soon after what they have shown is no longer good.
constexpr absl::Duration kEndsWithin = absl::Seconds(5);

std::string ReasonOf(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  if (!details.ParseFromString(status.error_details())) return "";
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&info)) return info.reason();
  }
  return "";
}

class SignedTokens : public testing::Test {
 protected:
  SignedTokens() { WriteKeys({signer_.jwk(), p256_.jwk(), rsa_.jwk()}); }

  static void WriteKeys(const std::vector<std::string>& jwks) {
    const std::string path = WriteFile("login.jwks.new", JwksOf(jwks));
    ASSERT_EQ(rename(path.c_str(), path.substr(0, path.size() - 4).c_str()), 0);
  }
  void WriteAccess(const std::string& more = "") {
    path_ = WriteFile("access.textproto",
                      absl::StrCat("jwt { issuer: 'https://login.test' audience: 'nmq' jwks_file: 'login.jwks' }\n",
                                   "identity { name: 'caller' ", more, " }\n", "identity { name: 'other' }\n",
                                   "grant { identity: '**' namespace: 'shop' ", kAllRights, " }\n",
                                   "grant { claim { name: 'role' value: 'ops' } namespace: '**' ", kAllRights, " }\n"));
  }
  void Start(const std::vector<std::string>& more = {}) {
    const std::string config = WriteFile("config.textproto", kConfig);
    std::vector<std::string> flags = {"--config=" + config, "--access=" + path_};
    flags.insert(flags.end(), more.begin(), more.end());
    nmqd_ = std::make_unique<Nmqd>(flags);
    channel_ = NewChannel(nmqd_->address());
  }
  static std::unique_ptr<grpc::ClientContext> ContextWith(const std::string& token) {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    if (!token.empty()) context->AddMetadata("authorization", "Bearer " + token);
    return context;
  }
  // A token that is good for so long.
  std::string Token(absl::Duration life = absl::Minutes(10), std::map<std::string, std::string> others = {}) const {
    others.emplace("exp", absl::StrCat(absl::ToUnixSeconds(absl::Now() + life)));
    return signer_.Sign(ClaimsAt(absl::Now(), others));
  }
  grpc::Status Call(const MethodDescriptor& method, const std::string& request, const std::string& token) {
    RawCall call(channel_, PathOf(method), ContextWith(token));
    std::string response;
    if (call.Write(request)) call.WritesDone();
    return call.Read(&response) ? grpc::Status::OK : call.Finish();
  }
  grpc::Status TryConnect(const std::string& token, std::string* session, const std::string& name_space = "shop") {
    v1::ConnectRequest request;
    request.set_namespace_(name_space);
    v1::ConnectResponse response;
    const auto context = ContextWith(token);
    const grpc::Status status = v1::MessageQueue::NewStub(channel_)->Connect(context.get(), request, &response);
    *session = response.session();
    return status;
  }
  std::string Connect(const std::string& token) {
    std::string session;
    const grpc::Status status = TryConnect(token, &session);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return session;
  }
  grpc::Status Join(const std::string& token, const std::string& session) {
    v1::JoinRequest request;
    request.set_session(session);
    request.add_rooms("kitchen");
    v1::JoinResponse response;
    const auto context = ContextWith(token);
    return v1::MessageQueue::NewStub(channel_)->Join(context.get(), request, &response);
  }
  // Subscribe, PublishStream and Watch, by name; each has begun.
  using Streams = std::map<std::string, std::unique_ptr<RawCall>>;
  Streams Open(const std::string& token, const std::string& session) {
    v1::SubscribeRequest subscribe;
    subscribe.set_session(session);
    subscribe.add_patterns()->set_queue("Q");
    v1::PublishStreamRequest batch;
    batch.set_session(session);
    batch.add_messages()->set_queue("P");
    batch.mutable_messages(0)->set_event("e");
    v1::WatchRequest watch;
    watch.set_namespace_("shop");
    Streams streams;
    for (const auto& [path, request] : {std::pair("MessageQueue/Subscribe", subscribe.SerializeAsString()),
                                        std::pair("MessageQueue/PublishStream", batch.SerializeAsString()),
                                        std::pair("Registry/Watch", watch.SerializeAsString())}) {
      auto call = std::make_unique<RawCall>(channel_, absl::StrCat("/nmq.v1.", path), ContextWith(token));
      std::string message;
      EXPECT_TRUE(call->Write(request) && call->Read(&message)) << path;
      streams[path] = std::move(call);
    }
    return streams;
  }
  static void ExpectEnded(Streams* streams, const std::string& reason, absl::Time since) {
    for (const auto& [path, stream] : *streams) {
      // Watch tells of what happened before.
      for (std::string message; stream->Read(&message);) {
      }
      const grpc::Status status = stream->Finish();
      EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << path << ": " << status.error_message();
      EXPECT_EQ(ReasonOf(status), reason) << path;
      EXPECT_LT(absl::Now() - since, kEndsWithin) << path;
    }
  }
  // Publishes, and hears that on the stream.
  void ExpectHears(RawCall* subscription, const std::string& token, const std::string& session) {
    v1::PublishRequest request;
    request.set_session(session);
    request.mutable_message()->set_queue("Q");
    request.mutable_message()->set_event("e");
    v1::PublishResponse response;
    const auto context = ContextWith(token);
    const grpc::Status status = v1::MessageQueue::NewStub(channel_)->Publish(context.get(), request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    std::string frame;
    ASSERT_TRUE(subscription->Read(&frame)) << subscription->Finish().error_message();
  }

  // One key of RSA takes long to make.
  static const Signer& OneRsa() {
    static const Signer& signer = *new Signer(Signer::Rsa());
    return signer;
  }

  const Signer signer_ = Signer::Ed25519();
  const Signer p256_ = Signer::P256();
  const Signer& rsa_ = OneRsa();
  std::string path_;
  std::unique_ptr<Nmqd> nmqd_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(SignedTokens, EachRpcIsClosedToEachTokenThatIsOfNoUse) {
  WriteAccess();
  Start();
  const absl::Time now = absl::Now();
  const std::string good = Token();
  const std::string claims = ClaimsAt(now);
  const auto header = [&](const std::string& algorithm) {
    return absl::StrCat(R"({"alg": ")", algorithm, R"(", "kid": ")", rsa_.id(), "\"}");
  };
  struct Row {
    const char* name;
    std::string token;
    const char* reason;
  };
  const std::vector<Row> rows = {
      {"malformed", "a.b.c", "CREDENTIALS_UNKNOWN"},
      {"no parts", "..", "CREDENTIALS_UNKNOWN"},
      {"expired", Token(-absl::Seconds(1)), "CREDENTIALS_EXPIRED"},
      {"not yet valid", Token(absl::Minutes(10), {{"nbf", absl::StrCat(absl::ToUnixSeconds(now) + 300)}}),
       "CREDENTIALS_NOT_YET_VALID"},
      {"wrong issuer", Token(absl::Minutes(10), {{"iss", "\"https://evil.test\""}}), "CREDENTIALS_UNKNOWN"},
      {"wrong audience", Token(absl::Minutes(10), {{"aud", "\"mail\""}}), "CREDENTIALS_WRONG_AUDIENCE"},
      {"alg none", absl::StrCat(absl::WebSafeBase64Escape(header("none")), ".", absl::WebSafeBase64Escape(claims), "."),
       "CREDENTIALS_UNKNOWN"},
      {"alg none, signed", Joined(header("none"), claims, "x"), "CREDENTIALS_UNKNOWN"},
      {"HS256 with the public key", SignByHmac(header("HS256"), claims, rsa_.public_key()), "CREDENTIALS_UNKNOWN"},
      {"unknown key", Signer::Ed25519().Sign(claims), "CREDENTIALS_UNKNOWN"},
      {"forged", good.substr(0, good.size() - 4) + "AAAA", "CREDENTIALS_UNKNOWN"},
  };
  for (const MethodDescriptor* method : AllMethods()) {
    for (const Row& row : rows) {
      const grpc::Status status = Call(*method, "", row.token);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << method->full_name() << ", " << row.name;
      EXPECT_EQ(ReasonOf(status), row.reason)
          << method->full_name() << ", " << row.name << ": " << status.error_message();
    }
    // One that is good gets past the door.
    EXPECT_NE(Call(*method, "", good).error_code(), grpc::StatusCode::UNAUTHENTICATED) << method->full_name();
  }
}

TEST_F(SignedTokens, EachAlgorithmIsTaken) {
  WriteAccess();
  Start();
  for (const Signer* signer : {&signer_, &p256_, &rsa_}) Connect(signer->Sign(ClaimsAt(absl::Now())));
}

TEST_F(SignedTokens, ClaimGrantsWhatTheIdentityIsNotGranted) {
  WriteAccess();
  Start();
  std::string session;
  EXPECT_EQ(TryConnect(Token(), &session, "other").error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_TRUE(TryConnect(Token(absl::Minutes(10), {{"role", "\"ops\""}}), &session, "other").ok());
  // Whom the file does not name, and who has no claim that it names, may do nothing.
  EXPECT_EQ(TryConnect(Token(absl::Minutes(10), {{"sub", "\"stranger\""}}), &session).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(SignedTokens, StreamsEndWhenTheTokenExpires) {
  WriteAccess();
  Start();
  const absl::Time expiry = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()) + 3);
  const std::string token = Token(expiry - absl::Now() + absl::Milliseconds(500));
  Streams streams = Open(token, Connect(token));
  ExpectEnded(&streams, "CREDENTIALS_EXPIRED", expiry);
  EXPECT_GE(absl::Now(), expiry);
}

TEST_F(SignedTokens, StreamsEndWhenTheKeyIsTakenOut) {
  WriteAccess();
  Start();
  const std::string token = Token();
  Streams streams = Open(token, Connect(token));
  WriteKeys({p256_.jwk(), rsa_.jwk()});
  ExpectEnded(&streams, "CREDENTIALS_REVOKED", absl::Now());
}

TEST_F(SignedTokens, StreamsEndWhenTheIdentitysTokenIsTakenOut) {
  const NewToken kept = MakeToken(SystemRandom());
  WriteAccess(absl::StrCat("token: '", kept.kept, "'"));
  Start();
  Streams streams = Open(kept.token, Connect(kept.token));
  WriteAccess();
  ExpectEnded(&streams, "CREDENTIALS_REVOKED", absl::Now());
}

TEST_F(SignedTokens, QuestionEndsWhenTheTokenExpires) {
  WriteAccess();
  Start();
  const std::string boss = Token();
  const std::string listener = Connect(boss);
  Streams streams = Open(boss, listener);
  const absl::Time expiry = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()) + 3);
  const auto context = ContextWith(Token(expiry - absl::Now() + absl::Milliseconds(500)));
  v1::RequestRequest question;
  question.set_namespace_("shop");
  question.mutable_timeout()->set_seconds(20);
  question.mutable_message()->set_queue("Q");
  question.mutable_message()->set_event("e");
  v1::RequestResponse response;
  const grpc::Status status = v1::MessageQueue::NewStub(channel_)->Request(context.get(), question, &response);
  EXPECT_EQ(ReasonOf(status), "CREDENTIALS_EXPIRED") << status.error_message();
  EXPECT_GE(absl::Now(), expiry);
  EXPECT_LT(absl::Now() - expiry, kEndsWithin);
}

TEST_F(SignedTokens, StreamsGoOnIfTheSessionHasShownANewerToken) {
  WriteAccess();
  Start();
  const absl::Time expiry = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()) + 2);
  const std::string old = Token(expiry - absl::Now() + absl::Milliseconds(500));
  const std::string session = Connect(old);
  Streams streams = Open(old, session);
  const std::string renewed = Token();
  ASSERT_TRUE(Join(renewed, session).ok());
  absl::SleepFor(expiry + kEndsWithin - absl::Now());
  ExpectHears(streams["MessageQueue/Subscribe"].get(), renewed, session);
  EXPECT_EQ(ReasonOf(Join(old, session)), "CREDENTIALS_EXPIRED");
  // Watch has no session.
  std::string message;
  while (streams["Registry/Watch"]->Read(&message)) {
  }
  EXPECT_EQ(ReasonOf(streams["Registry/Watch"]->Finish()), "CREDENTIALS_EXPIRED");
  // The newer token is taken back, too.
  streams.erase("Registry/Watch");
  WriteKeys({p256_.jwk()});
  ExpectEnded(&streams, "CREDENTIALS_REVOKED", absl::Now());
}

TEST_F(SignedTokens, SessionIsRenewedByItsOwnIdentityOnly) {
  WriteAccess();
  Start();
  const absl::Time expiry = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()) + 3);
  const std::string old = Token(expiry - absl::Now() + absl::Milliseconds(500));
  const std::string session = Connect(old);
  Streams streams = Open(old, session);
  EXPECT_EQ(Join(Token(absl::Minutes(10), {{"sub", "\"other\""}}), session).error_code(), grpc::StatusCode::NOT_FOUND);
  ExpectEnded(&streams, "CREDENTIALS_EXPIRED", expiry);
}

TEST_F(SignedTokens, KeysOfNoUseAreNamedInTheLogAndChangeNothing) {
  WriteAccess();
  Start();
  const std::string token = Token();
  WriteFile("login.jwks", R"({"keys": [{"kty": "oct", "k": "hunter2"}]})");
  EXPECT_TRUE(WaitUntil(
      [&] { return nmqd_->process().errors().find("the keys that verify tokens stay") != std::string::npos; }));
  EXPECT_THAT(nmqd_->process().errors(), HasSubstr("login.jwks: keys[0]"));
  EXPECT_THAT(nmqd_->process().errors(), testing::Not(HasSubstr("hunter2")));
  Connect(token);
}

class Certificates : public SignedTokens {
 protected:
  void StartTls() {
    const Credentials own = authority_.Issue();
    ca_ = WriteFile("ca.pem", authority_.certificate());
    Start({"--transport=http2", "--tls_certificate=" + WriteFile("certificate.pem", own.certificate),
           "--tls_key=" + WriteFile("key.pem", own.key), "--tls_client_ca=" + ca_});
  }
  void ConnectWith(const Credentials& client) {
    grpc::SslCredentialsOptions options = {authority_.certificate(), client.key, client.certificate};
    channel_ = grpc::CreateChannel(nmqd_->address(), grpc::SslCredentials(options));
  }

  const Authority authority_;
  std::string ca_;
};

TEST_F(Certificates, NameOneThatCallsWithoutAToken) {
  WriteAccess("certificate: 'spiffe://example.com/api'");
  StartTls();
  ConnectWith(authority_.IssueFor("URI:spiffe://example.com/api"));
  for (const MethodDescriptor* method : AllMethods()) {
    EXPECT_NE(Call(*method, "", "").error_code(), grpc::StatusCode::UNAUTHENTICATED) << method->full_name();
  }
  const std::string session = Connect("");
  // A token that is shown decides, also one that is of no use.
  EXPECT_EQ(Join(Token(absl::Minutes(10), {{"sub", "\"other\""}}), session).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(Join("nmq_x_y", session)), "CREDENTIALS_UNKNOWN");
  // The same identity by a token has the same sessions.
  EXPECT_TRUE(Join(Token(), session).ok());
  Streams streams = Open("", Connect(""));
  WriteAccess();
  ExpectEnded(&streams, "CREDENTIALS_REVOKED", absl::Now());
}

TEST_F(Certificates, ThatNameNobodyOpenNothing) {
  WriteAccess("certificate: 'spiffe://example.com/api'");
  StartTls();
  for (const char* name :
       {"URI:spiffe://example.com/other", "DNS:localhost", "DNS:caller", "URI:spiffe://example.com/ap"}) {
    ConnectWith(authority_.IssueFor(name));
    for (const MethodDescriptor* method : AllMethods()) {
      const grpc::Status status = Call(*method, "", "");
      EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << method->full_name();
      EXPECT_EQ(ReasonOf(status), "CREDENTIALS_UNKNOWN") << method->full_name();
    }
    Connect(Token());
  }
}

TEST_F(Certificates, AreShownByTheirConnectionOnly) {
  WriteAccess("certificate: 'api.example.com'");
  StartTls();
  const Credentials own = authority_.IssueFor("DNS:api.example.com");
  ConnectWith(own);
  const std::string session = Connect("");
  const std::string name = "DNS:api.example.com ";
  const int64_t end = absl::ToUnixSeconds(absl::Now() + absl::Hours(1));
  ConnectWith(authority_.IssueFor("DNS:localhost"));
  // Anybody can guess when it expires.
  for (int64_t expiry = end - 30; expiry <= end + 30; ++expiry) {
    EXPECT_EQ(ReasonOf(Join(absl::StrCat(name, expiry), session)), "CREDENTIALS_UNKNOWN") << expiry;
  }
}

TEST_F(Certificates, StreamsEndWhenTheCertificateExpires) {
  WriteAccess("certificate: 'api.example.com'");
  StartTls();
  const absl::Time expiry = absl::Now() + absl::Seconds(4);
  ConnectWith(authority_.IssueFor("DNS:api.example.com", absl::Seconds(4)));
  Streams streams = Open("", Connect(""));
  ExpectEnded(&streams, "CREDENTIALS_EXPIRED", expiry);
}

}  // namespace
}  // namespace nmq::integration
