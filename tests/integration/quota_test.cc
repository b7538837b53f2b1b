// Limits of identities, addresses and namespaces at L-1, L and L+1, over the wire: made from the table of limits.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "base/token.h"
#include "gmock/gmock.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "prometheus/metric_family.h"
#include "server/access/file_access.h"
#include "server/broker/broker.h"
#include "server/limits/limits.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"
#include "tests/testing/simulated_clock.h"

namespace nmq::integration {
namespace {

using testing::HasSubstr;

constexpr uint64_t kBound = 200;

// A connection of TCP that says nothing. The server greets it, if it lets it in.
class Socket {
 public:
  explicit Socket(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
  }
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  bool IsLetIn() const {
    char byte;
    return recv(fd_, &byte, 1, 0) == 1;
  }

 private:
  const int fd_;
};

// A server with one limit, whose clock stands still, and a caller whose name is api.
class Try {
 public:
  explicit Try(const std::string& limits, const std::string& quota = "") {
    const std::string file = WriteFile(
        "access.textproto", absl::StrCat("identity { name: 'api' token: '", token_.kept, "' ", quota,
                                         " } grant { identity: 'api' namespace: '**' right: RIGHT_CONNECT right: "
                                         "RIGHT_PUBLISH right: RIGHT_SUBSCRIBE right: RIGHT_INSPECT }"));
    auto access = FileAccess::Load(file);
    EXPECT_TRUE(access.ok()) << access.status();
    access_ = *std::move(access);
    server_ = std::make_unique<TestServer>(TestServer::Options{.config = absl::StrCat("limits { ", limits, " }"),
                                                               .clock = &clock_,
                                                               .transport = "http2",
                                                               .access = access_.get()});
    channel_ = NewChannel(server_->address());
  }

  TestServer& server() { return *server_; }
  SimulatedClock& clock() { return clock_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  std::unique_ptr<grpc::ClientContext> Context() const {
    auto context = NewContext();
    context->AddMetadata("authorization", "Bearer " + token_.token);
    return context;
  }
  v1::MessageQueue::Stub Queue() const { return v1::MessageQueue::Stub(channel_); }

  grpc::Status Connect(std::string* session = nullptr) const {
    v1::ConnectResponse response;
    const grpc::Status status = Queue().Connect(Context().get(), v1::ConnectRequest(), &response);
    if (session != nullptr) *session = response.session();
    return status;
  }
  grpc::Status Publish(const std::string& session = "") const {
    v1::PublishRequest request;
    request.set_session(session);
    *request.mutable_message() = MakeMessage("DB", "E", "");
    v1::PublishResponse response;
    return Queue().Publish(Context().get(), request, &response);
  }
  grpc::Status List(const std::shared_ptr<grpc::Channel>& channel) const {
    v1::ListQueuesResponse response;
    return v1::Registry::Stub(channel).ListQueues(Context().get(), v1::ListQueuesRequest(), &response);
  }
  // Messages of so many bytes, one after the other; the answer to the last.
  grpc::Status PublishSizes(const std::vector<uint64_t>& bytes) const {
    grpc::Status status;
    for (const uint64_t size : bytes) {
      v1::PublishRequest request;
      *request.mutable_message() = MakeMessage("DB", "E", "");
      while (request.message().ByteSizeLong() < size) request.mutable_message()->mutable_payload()->push_back('x');
      EXPECT_EQ(request.message().ByteSizeLong(), size);
      v1::PublishResponse response;
      status = Queue().Publish(Context().get(), request, &response);
    }
    return status;
  }

  // How often this limit has refused something; or for this reason.
  double Refusals(const std::string& limit) { return RefusalsBy("limit", limit); }
  double RefusalsBy(const std::string& name, const std::string& value) {
    return RefusalsOf(server_.get(), name, value);
  }
  static double RefusalsOf(TestServer* server, const std::string& name, const std::string& value) {
    for (const prometheus::MetricFamily& family : server->broker().metrics().Collect()) {
      if (family.name != "nmq_refused_requests_total") continue;
      for (const prometheus::ClientMetric& metric : family.metric) {
        for (const auto& label : metric.label) {
          if (label.name == name && label.value == value) return metric.counter.value;
        }
      }
    }
    return 0;
  }

 private:
  const NewToken token_ = MakeToken(SystemRandom());
  SimulatedClock clock_;
  std::unique_ptr<FileAccess> access_;
  std::unique_ptr<TestServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

// What to do to reach `size`; the outcome is that of the last step.
using Use = std::function<grpc::Status(Try*, uint64_t size)>;

grpc::Status Repeat(uint64_t times, const std::function<grpc::Status()>& step) {
  grpc::Status status;
  for (uint64_t i = 0; i < times && status.ok(); ++i) status = step();
  return status;
}

grpc::Status OpenSockets(Try* t, uint64_t size) {
  std::vector<std::unique_ptr<Socket>> there;
  bool let_in = true;
  for (uint64_t i = 0; i < size && let_in; ++i) {
    there.push_back(std::make_unique<Socket>(t->server().port()));
    let_in = there.back()->IsLetIn();
  }
  return let_in ? grpc::Status::OK : grpc::Status(grpc::StatusCode::UNAVAILABLE, "closed");
}

grpc::Status CallByChannels(Try* t, uint64_t size) {
  std::vector<std::shared_ptr<grpc::Channel>> there;
  return Repeat(size, [&] {
    there.push_back(NewChannel(t->server().address()));
    return t->List(there.back());
  });
}

grpc::Status OpenSubscriptions(Try* t, uint64_t size) {
  // Of two clients, in turns: they are counted together.
  std::string sessions[2];
  EXPECT_TRUE(t->Connect(&sessions[0]).ok() && t->Connect(&sessions[1]).ok());
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::SubscribeResponse>>> readers;
  v1::MessageQueue::Stub queue = t->Queue();
  const grpc::Status status = Repeat(size, [&] {
    v1::SubscribeRequest request;
    request.set_session(sessions[contexts.size() % 2]);
    request.add_patterns()->set_queue("DB");
    contexts.push_back(t->Context());
    readers.push_back(queue.Subscribe(contexts.back().get(), request));
    v1::SubscribeResponse frame;
    return readers.back()->Read(&frame) ? grpc::Status::OK : readers.back()->Finish();
  });
  for (const auto& context : contexts) context->TryCancel();
  return status;
}

const std::map<std::string, Use>& Uses() {
  const Use publish = [](Try* t, uint64_t size) { return Repeat(size, [&] { return t->Publish(); }); };
  const Use publish_bytes = [](Try* t, uint64_t size) { return t->PublishSizes({150, size - 150}); };
  static const auto* const uses = new std::map<std::string, Use>{
      {"connections", OpenSockets},
      {"connections_per_address", OpenSockets},
      {"connections_per_second", OpenSockets},
      {"connections_per_second_per_address", OpenSockets},
      {"connections_per_identity", CallByChannels},
      {"clients_per_identity", [](Try* t, uint64_t size) { return Repeat(size, [&] { return t->Connect(); }); }},
      {"subscriptions_per_identity", OpenSubscriptions},
      {"messages_per_second_per_identity", publish},
      {"messages_per_second_per_namespace", publish},
      {"bytes_per_second_per_identity", publish_bytes},
      {"bytes_per_second_per_namespace", publish_bytes},
      {"control_calls_per_second_per_identity",
       [](Try* t, uint64_t size) { return Repeat(size, [&] { return t->List(t->channel()); }); }},
  };
  return *uses;
}

bool IsOfConnections(const std::string& limit) {
  return limit != "connections_per_identity" && absl::StartsWith(limit, "connections");
}

// Those of the table that are of identities, addresses, connections or in a second.
std::vector<std::string> LimitsToTry() {
  std::vector<std::string> limits;
  for (const LimitRow& row : LimitRows()) {
    const std::string name = row.name;
    if (absl::StrContains(name, "_per_identity") || absl::StrContains(name, "per_second") ||
        absl::StartsWith(name, "connections")) {
      limits.push_back(name);
    }
  }
  return limits;
}

class QuotaAtTheLimit : public testing::TestWithParam<std::string> {
 protected:
  // With fewer where each takes a while.
  static uint64_t Bound() { return absl::StartsWith(GetParam(), "bytes") ? kBound : 8; }

  static void ExpectRefusedBeyond(const std::string& limits, const std::string& quota) {
    const auto found = Uses().find(GetParam());
    ASSERT_NE(found, Uses().end()) << "no use of " << GetParam();
    for (const uint64_t size : {Bound() - 1, Bound()}) {
      Try attempt(limits, quota);
      EXPECT_EQ(Summary(found->second(&attempt, size)), "OK") << size;
      EXPECT_EQ(attempt.Refusals(GetParam()), 0);
    }
    Try attempt(limits, quota);
    const grpc::Status status = found->second(&attempt, Bound() + 1);
    EXPECT_EQ(attempt.Refusals(GetParam()), 1);
    EXPECT_FALSE(status.ok());
    if (IsOfConnections(GetParam())) return;
    EXPECT_THAT(Summary(status), HasSubstr(absl::StrCat("RESOURCE_EXHAUSTED LIMIT_EXCEEDED bound=", Bound(),
                                                        " limit=", GetParam(), " value=")));
    EXPECT_THAT(status.error_message(), testing::StartsWith(absl::StrCat(GetParam(), ": ")));
    EXPECT_THAT(status.error_message(), HasSubstr(absl::StrCat(" the limit of ", Bound())));
    EXPECT_EQ(absl::StrContains(Summary(status), "retry="), absl::StrContains(GetParam(), "per_second"))
        << status.error_message();
  }
};

TEST_P(QuotaAtTheLimit, WhatReachesItIsTakenAndWhatExceedsItIsRefused) {
  ExpectRefusedBeyond(absl::StrCat(GetParam(), ": ", Bound()), "");
}

TEST_P(QuotaAtTheLimit, WhatOneIdentityMayIsSaidOfItByItself) {
  constexpr absl::string_view kSuffix = "_per_identity";
  if (!absl::EndsWith(GetParam(), kSuffix)) return;
  const std::string field = GetParam().substr(0, GetParam().size() - kSuffix.size());
  ExpectRefusedBeyond(absl::StrCat(GetParam(), ": 1"), absl::StrCat("quota { ", field, ": ", Bound(), " }"));
}

INSTANTIATE_TEST_SUITE_P(EachOfTheTable, QuotaAtTheLimit, testing::ValuesIn(LimitsToTry()),
                         [](const auto& info) { return info.param; });

class AdminAtTheLimit : public testing::TestWithParam<const char*> {};

TEST_P(AdminAtTheLimit, WhatReachesItIsMadeAndWhatExceedsItIsRefusedAndCounted) {
  const std::string limit = GetParam();
  constexpr int kMost = 5;
  TestServer server(absl::StrCat("limits { ", limit, ": ", kMost, " }"));
  Api api(server);
  const auto make = [&](int number) {
    v1::CreateNamespaceRequest name_space;
    name_space.set_name(absl::StrCat("made", number));
    v1::CreateQueueRequest queue;
    queue.set_name(absl::StrCat("made", number));
    return limit == "namespaces" ? api.Try(&v1::Admin::Stub::CreateNamespace, name_space)
                                 : api.Try(&v1::Admin::Stub::CreateQueue, queue);
  };
  // One namespace is there.
  for (int i = limit == "namespaces" ? 1 : 0; i < kMost; ++i) EXPECT_EQ(Summary(make(i)), "OK") << i;
  EXPECT_EQ(Try::RefusalsOf(&server, "limit", limit), 0);
  EXPECT_THAT(Summary(make(kMost)), HasSubstr(absl::StrCat("RESOURCE_EXHAUSTED LIMIT_EXCEEDED bound=", kMost)));
  EXPECT_EQ(Try::RefusalsOf(&server, "limit", limit), 1);
}

INSTANTIATE_TEST_SUITE_P(Made, AdminAtTheLimit, testing::Values("namespaces", "queues_per_namespace"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Quota, WhatWasTakenComesBackWithTime) {
  Try attempt("messages_per_second_per_namespace: 10");
  EXPECT_TRUE(Repeat(10, [&] { return attempt.Publish(); }).ok());
  EXPECT_EQ(Summary(attempt.Publish()),
            "RESOURCE_EXHAUSTED LIMIT_EXCEEDED bound=10 limit=messages_per_second_per_namespace value=1 retry=100ms");
  attempt.clock().Advance(absl::Milliseconds(100));
  EXPECT_TRUE(attempt.Publish().ok());
  EXPECT_FALSE(attempt.Publish().ok());
}

TEST(Quota, SessionsOfOneIdentityShareItsRate) {
  Try attempt("messages_per_second_per_identity: 4");
  std::string one;
  std::string other;
  EXPECT_TRUE(attempt.Connect(&one).ok() && attempt.Connect(&other).ok());
  for (const std::string& session : {one, other, std::string(), one}) EXPECT_TRUE(attempt.Publish(session).ok());
  for (const std::string& session : {one, other, std::string()}) {
    EXPECT_THAT(Summary(attempt.Publish(session)), HasSubstr("limit=messages_per_second_per_identity"));
  }
}

TEST(Quota, WhatTheNamespaceRefusesIsNotCountedForTheIdentity) {
  Try attempt("messages_per_second_per_identity: 3 messages_per_second_per_namespace: 2");
  EXPECT_TRUE(attempt.Publish().ok());
  EXPECT_TRUE(attempt.Publish().ok());
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(Summary(attempt.Publish()), HasSubstr("limit=messages_per_second_per_namespace"));
  }
}

TEST(Quota, ClientThatIsGoneMakesRoom) {
  Try attempt("clients_per_identity: 2");
  std::string session;
  EXPECT_TRUE(attempt.Connect(&session).ok() && attempt.Connect().ok());
  EXPECT_FALSE(attempt.Connect().ok());
  v1::DisconnectRequest request;
  request.set_session(session);
  v1::DisconnectResponse response;
  EXPECT_TRUE(attempt.Queue().Disconnect(attempt.Context().get(), request, &response).ok());
  EXPECT_TRUE(attempt.Connect().ok());
  EXPECT_FALSE(attempt.Connect().ok());
  attempt.clock().Advance(absl::Minutes(1));
  attempt.server().Housekeep();
  EXPECT_TRUE(attempt.Connect().ok()) << "leases that have run out make no room";
}

TEST(Quota, ConnectionThatIsGoneMakesRoom) {
  Try attempt("connections_per_address: 2");
  auto one = std::make_unique<Socket>(attempt.server().port());
  const Socket other(attempt.server().port());
  EXPECT_TRUE(one->IsLetIn() && other.IsLetIn());
  EXPECT_FALSE(Socket(attempt.server().port()).IsLetIn());
  one = nullptr;
  EXPECT_TRUE(WaitUntil([&] { return Socket(attempt.server().port()).IsLetIn(); }));
}

TEST(Quota, AStreamThatIsTooFastWaitsAndGoesOnInOrder) {
  Try attempt("messages_per_second_per_identity: 10");
  const auto context = attempt.Context();
  v1::MessageQueue::Stub queue = attempt.Queue();
  const auto stream = queue.PublishStream(context.get());
  const auto write = [&stream](uint64_t number, int messages) {
    v1::PublishStreamRequest request;
    request.set_batch(number);
    for (int i = 0; i < messages; ++i) *request.add_messages() = MakeMessage("DB", "E", "");
    EXPECT_TRUE(stream->Write(request));
  };
  v1::PublishStreamResponse response;
  write(1, 10);
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.accepted().ranges(0).first(), 1u);
  // Whether the server has come to them is seen when it has taken them.
  write(2, 5);
  write(3, 1);
  EXPECT_FALSE(attempt.Publish().ok()) << "the identity is not over its rate";
  std::thread time([&attempt] {
    for (int i = 0; i < 10; ++i) attempt.clock().Advance(absl::Milliseconds(100));
  });
  for (const auto& [number, first] : {std::pair<uint64_t, uint64_t>(2, 11), {3, 16}}) {
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.batch(), number);
    ASSERT_TRUE(response.has_accepted()) << response.refused().message();
    EXPECT_EQ(response.accepted().ranges(0).first(), first);
  }
  time.join();
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(attempt.Refusals("messages_per_second_per_identity"), 1) << "a batch that waited counts as refused";
}

TEST(Quota, AStreamThatWouldWaitForLongIsRefusedAndMayEndWhileItWaits) {
  Try attempt("messages_per_second_per_identity: 1 rate_burst { seconds: 1 }");
  v1::MessageQueue::Stub queue = attempt.Queue();
  v1::PublishStreamResponse response;
  v1::PublishStreamRequest eleven;
  for (int i = 0; i < 11; ++i) *eleven.add_messages() = MakeMessage("DB", "E", "");
  const auto context = attempt.Context();
  const auto stream = queue.PublishStream(context.get());
  ASSERT_TRUE(stream->Write(eleven) && stream->Read(&response));
  EXPECT_TRUE(response.has_accepted());
  ASSERT_TRUE(stream->Write(eleven) && stream->Read(&response));
  EXPECT_THAT(response.refused().message(), HasSubstr("messages_per_second_per_identity: 11 messages now exceed"));
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  attempt.clock().Advance(absl::Seconds(11));
  const auto other_context = attempt.Context();
  const auto waiting = queue.PublishStream(other_context.get());
  v1::PublishStreamRequest one;
  *one.add_messages() = MakeMessage("DB", "E", "");
  ASSERT_TRUE(waiting->Write(one) && waiting->Read(&response));
  EXPECT_TRUE(response.has_accepted());
  EXPECT_TRUE(waiting->Write(one));
  other_context->TryCancel();
  EXPECT_EQ(waiting->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST(Quota, WhoIsOverTheRateHoldsUpNobody) {
  TestServer server(R"(
    namespace { name: "default" automatic_queues: true }
    namespace { name: "slow" automatic_queues: true messages_per_second: 1 })");
  std::atomic<bool> stop{false};
  std::atomic<int> refused{0};
  std::thread flooder([&] {
    Api api(server);
    const auto context = NewContext();
    const auto stream = api.queue().PublishStream(context.get());
    v1::PublishStreamRequest batch;
    batch.set_namespace_("slow");
    for (int i = 0; i < 1000; ++i) *batch.add_messages() = MakeMessage("DB", "E", std::string(100, 'x'));
    v1::PublishStreamResponse response;
    while (!stop && stream->Write(batch) && stream->Read(&response)) refused += response.has_refused() ? 1 : 0;
    EXPECT_TRUE(stop) << "the stream of who is refused has ended";
  });
  EXPECT_TRUE(WaitUntil([&] { return refused > 10; }));
  Api api(server);
  v1::PublishRequest request;
  *request.mutable_message() = MakeMessage("DB", "E", "");
  for (int i = 0; i < 200; ++i) EXPECT_EQ(Summary(api.Try(&v1::MessageQueue::Stub::Publish, request)), "OK");
  const int seen = refused;
  EXPECT_TRUE(WaitUntil([&] { return refused > seen; })) << "nobody floods any more";
  stop = true;
  flooder.join();
  EXPECT_EQ(InfoOf(&api, "slow").counters().published_messages(), 1000u) << "more than the first batch was taken";
  EXPECT_EQ(InfoOf(&api).counters().published_messages(), 200u);
}

TEST(Refusals, WhoHasNotTheRightIsCounted) {
  Try attempt("");
  v1::Admin::Stub admin(attempt.channel());
  v1::CreateQueueRequest queue;
  queue.set_name("Q");
  v1::CreateQueueResponse made;
  EXPECT_EQ(admin.CreateQueue(attempt.Context().get(), queue, &made).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(attempt.RefusalsBy("reason", "FORBIDDEN"), 1);
  v1::CreateNamespaceRequest name_space;
  name_space.set_name("another");
  v1::CreateNamespaceResponse response;
  EXPECT_EQ(admin.CreateNamespace(attempt.Context().get(), name_space, &response).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(attempt.RefusalsBy("reason", "FORBIDDEN"), 2);
}

TEST(Refusals, NamespacesThatAreNotShownAreNotCounted) {
  Try attempt("");
  v1::ListNamespacesResponse namespaces;
  EXPECT_TRUE(v1::Registry::Stub(attempt.channel())
                  .ListNamespaces(attempt.Context().get(), v1::ListNamespacesRequest(), &namespaces)
                  .ok());
  EXPECT_EQ(attempt.RefusalsBy("reason", "FORBIDDEN"), 0);
}

TEST(Quota, NamespaceHasTheRateThatTheFileSays) {
  TestServer server(R"(
    limits { messages_per_second_per_namespace: 1 rate_burst { seconds: 60 } }
    namespace { name: "default" messages_per_second: 2 })");
  Api api(server);
  v1::PublishRequest request;
  *request.mutable_message() = MakeMessage("DB", "E", "");
  grpc::Status status;
  int published = 0;
  while (published < 1000 && status.ok()) {
    status = api.Try(&v1::MessageQueue::Stub::Publish, request);
    if (status.ok()) ++published;
  }
  EXPECT_GE(published, 120);
  EXPECT_THAT(Summary(status), HasSubstr("bound=2 limit=messages_per_second_per_namespace"));
}

}  // namespace
}  // namespace nmq::integration
