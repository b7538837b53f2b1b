// nginx in front of nmqd, configured as docs/proxies.md shows it.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "client/cpp/client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/nmqd.h"
#include "tests/testing/certificates.h"
#include "tests/testing/process.h"

namespace nmq::integration {
namespace {

constexpr char kNginx[] = "/usr/sbin/nginx";
constexpr char kPage[] = "docs/proxies.md";
constexpr absl::Duration kPatience = absl::Seconds(30);
// What nginx is told here instead of the page's minute, and a time that is beyond it for sure.
constexpr char kReadTimeout[] = "grpc_read_timeout 3s;";
constexpr absl::Duration kBeyondReadTimeout = absl::Seconds(8);
// Debian's are for root.
constexpr char kFolders[] =
    "client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; "
    "scgi_temp_path scgi;";

std::string Content(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

// The file that the page shows under this name.
std::string Shown(const std::string& name) {
  const std::string page = Content(kPage);
  const std::string opening = absl::StrCat("```nginx ", name, "\n");
  const size_t begin = page.find(opening);
  const size_t end = page.find("\n```\n", begin);
  if (begin == std::string::npos || end == std::string::npos) {
    ADD_FAILURE() << kPage << " shows no " << name;
    return "";
  }
  return page.substr(begin + opening.size(), end + 1 - begin - opening.size());
}

// nginx takes no port 0.
std::string FreeAddress() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(fd);
  return absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
}

// What a subscription heard.
class Heard {
 public:
  SubscriptionHandler Handler() {
    return {.on_message =
                [this](const Message& message) {
                  MutexLock lock(&mu_);
                  payloads_.push_back(message.payload());
                  changed_.SignalAll();
                },
            .on_gap =
                [this](const Gap&) {
                  MutexLock lock(&mu_);
                  payloads_.push_back("gap");
                }};
  }
  // Once there are so many, or nothing more has come for long.
  std::vector<std::string> Await(size_t count) {
    MutexLock lock(&mu_);
    while (payloads_.size() < count && !changed_.WaitWithTimeout(&mu_, kPatience)) {
    }
    return payloads_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::vector<std::string> payloads_ ABSL_GUARDED_BY(mu_);
};

std::vector<std::string> Numbers(int count) {
  std::vector<std::string> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(absl::StrCat(i));
  return numbers;
}

class Nginx : public testing::Test {
 protected:
  ~Nginx() override {
    if (nginx_ == nullptr) return;
    // Killed, it would leave its worker behind.
    nginx_->Signal(SIGTERM);
    EXPECT_TRUE(nginx_->WaitForExit(kPatience).has_value());
  }

  void StartNmqd(absl::string_view heartbeat = "seconds: 1", std::vector<std::string> flags = {}) {
    data_ = absl::StrCat(testing::TempDir(), "/data", getpid(),
                         testing::UnitTest::GetInstance()->current_test_info()->name());
    flags_ =
        Nmqd::WithConfig(absl::StrCat("limits { payload_bytes: 4194304 batch_bytes: 8388608 heartbeat { ", heartbeat,
                                      " } }\n"
                                      "namespace { name: \"default\"\n"
                                      "  queue { name: \"ORDERS\" durability: DURABILITY_DURABLE } }"));
    flags_.push_back("--data_dir=" + data_);
    flags_.insert(flags_.end(), flags.begin(), flags.end());
    nmqd_ = std::make_unique<Nmqd>(flags_);
    nmqd_address_ = nmqd_->address();
  }
  void StopNmqd() {
    nmqd_->process().Signal(SIGTERM);
    EXPECT_EQ(nmqd_->process().WaitForExit(kPatience), 0);
  }
  // Where it was.
  void StartNmqdAgain() {
    std::vector<std::string> flags = flags_;
    flags.push_back("--listen=" + nmqd_address_);
    nmqd_ = std::make_unique<Nmqd>(flags);
  }

  // With the page's configuration, and other addresses, times and folders in it.
  void StartNginx(const std::string& name = "nginx.conf") {
    address_ = FreeAddress();
    std::string text = Shown(name);
    const std::vector<std::pair<std::string, std::string>> replacements = {
        {"127.0.0.1:50051", nmqd_address_},
        {"127.0.0.1:50052", nmqd_address_},
        {"127.0.0.1:8081", address_},
        {"127.0.0.1:8443", address_},
        {"grpc_read_timeout 60s;", kReadTimeout},
        {"access_log off;", absl::StrCat("access_log off; ", kFolders)}};
    ASSERT_EQ(absl::StrReplaceAll(replacements, &text), 4) << text;
    // A sandbox has no other user.
    nginx_ = std::make_unique<Process>(
        kNginx, std::vector<std::string>{"-p", testing::TempDir(), "-c", WriteFile(name, text), "-g",
                                         "daemon off; user root;"});
  }

  ClientOptions Options() const {
    ClientOptions options;
    options.server = address_;
    options.tls_ca = ca_;
    options.wait_for_server = kPatience;
    return options;
  }
  std::unique_ptr<Client> Connect() {
    auto client = Client::Connect(Options());
    if (client.ok()) return *std::move(client);
    ADD_FAILURE() << client.status() << "; nginx: " << nginx_->errors();
    return nullptr;
  }
  static std::unique_ptr<Subscription> Subscribe(Client* client, const std::string& queue, Heard* heard) {
    auto subscription = client->Subscribe({.patterns = {{queue, "*"}}}, heard->Handler());
    if (subscription.ok()) return *std::move(subscription);
    ADD_FAILURE() << subscription.status();
    return nullptr;
  }

  // A client, and another one that hears a queue.
  struct Pair {
    Heard heard;
    std::unique_ptr<Client> client;
    std::unique_ptr<Client> listener;
    std::unique_ptr<Subscription> subscription;
  };
  // Null if they are not served.
  std::unique_ptr<Pair> ConnectPair(const std::string& queue) {
    auto pair = std::make_unique<Pair>();
    pair->client = Connect();
    pair->listener = Connect();
    if (pair->client == nullptr || pair->listener == nullptr) return nullptr;
    pair->subscription = Subscribe(pair->listener.get(), queue, &pair->heard);
    return pair->subscription == nullptr ? nullptr : std::move(pair);
  }

  // Each kind of call, with large messages, too.
  void ExpectServed() {
    const auto pair = ConnectPair("DB");
    ASSERT_NE(pair, nullptr);
    Client* const other = pair->client.get();
    Heard& heard = pair->heard;
    const auto publisher = other->NewPublisher();
    for (const std::string& number : Numbers(1000)) ASSERT_TRUE(publisher->Add(MakeMessage("DB", "E", number)).ok());
    const FlushResult flushed = publisher->Flush(kPatience);
    EXPECT_EQ(flushed.accepted, 1000u) << flushed.status;
    EXPECT_EQ(heard.Await(1000), Numbers(1000));

    const std::string large(4 << 20, 'x');
    ASSERT_TRUE(other->Publish(MakeMessage("DB", "E", large)).ok());
    ASSERT_TRUE(publisher->Add(MakeMessage("DB", "E", large)).ok());
    EXPECT_EQ(publisher->Flush(kPatience).accepted, 1u);
    const std::vector<std::string> payloads = heard.Await(1002);
    ASSERT_EQ(payloads.size(), 1002u);
    EXPECT_TRUE(payloads[1000] == large && payloads[1001] == large);

    const auto answering = other->Subscribe({.patterns = {{"ASK", "*"}}}, {.on_message = [&](const Message& question) {
                                              EXPECT_TRUE(other->Reply(question, question.payload() + "!").ok());
                                            }});
    ASSERT_TRUE(answering.ok()) << answering.status();
    const auto answer = pair->listener->Request(MakeMessage("ASK", "E", "who"));
    ASSERT_TRUE(answer.ok()) << answer.status();
    ASSERT_EQ(answer->answers.size(), 1u);
    EXPECT_EQ(answer->answers[0].payload(), "who!");
  }

  std::string ca_;
  std::string data_;
  std::vector<std::string> flags_;
  std::unique_ptr<Nmqd> nmqd_;
  std::string nmqd_address_;
  std::string address_;
  std::unique_ptr<Process> nginx_;
};

TEST_F(Nginx, CarriesCallsOfEachKind) {
  StartNmqd();
  StartNginx();
  ExpectServed();
}

TEST_F(Nginx, SilentStreamsOutliveItsTimeoutByHeartbeats) {
  StartNmqd();
  StartNginx();
  const auto client = Connect();
  ASSERT_NE(client, nullptr);
  Heard heard;
  const auto subscription = Subscribe(client.get(), "DB", &heard);
  const auto publisher = client->NewPublisher();
  ASSERT_TRUE(publisher->Add(MakeMessage("DB", "E", "before")).ok());
  EXPECT_EQ(publisher->Flush(kPatience).accepted, 1u);
  EXPECT_EQ(subscription->Wait(kBeyondReadTimeout).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(subscription->counts().reconnects, 0u);
  ASSERT_TRUE(publisher->Add(MakeMessage("DB", "E", "after")).ok());
  const FlushResult flushed = publisher->Flush(kPatience);
  EXPECT_EQ(flushed.accepted, 1u) << flushed.status;
  EXPECT_THAT(heard.Await(2), testing::ElementsAre("before", "after"));
}

TEST_F(Nginx, SubscriptionsThatItCutsOffResume) {
  StartNmqd("seconds: 600");
  StartNginx();
  const auto client = Connect();
  ASSERT_NE(client, nullptr);
  Heard heard;
  const auto subscription = Subscribe(client.get(), "ORDERS", &heard);
  EXPECT_EQ(subscription->Wait(kBeyondReadTimeout).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_GT(subscription->counts().reconnects, 0u) << "else heartbeats are not what the test above is about";
  ASSERT_TRUE(client->Publish(MakeMessage("ORDERS", "E", "after")).ok());
  EXPECT_THAT(heard.Await(1), testing::ElementsAre("after"));
}

TEST_F(Nginx, ClientsResumeAfterAServerThatWasAway) {
  StartNmqd();
  StartNginx();
  const auto client = Connect();
  ASSERT_NE(client, nullptr);
  Heard heard;
  const auto subscription = Subscribe(client.get(), "ORDERS", &heard);
  ASSERT_TRUE(client->Publish(MakeMessage("ORDERS", "E", "before")).ok());
  EXPECT_THAT(heard.Await(1), testing::ElementsAre("before"));
  nmqd_->process().Signal(SIGKILL);
  EXPECT_TRUE(nmqd_->process().WaitForExit(kPatience).has_value());

  ClientOptions impatient = Options();
  impatient.wait_for_server = absl::ZeroDuration();
  const absl::Status away = Client::Connect(impatient).status();
  EXPECT_EQ(away.code(), absl::StatusCode::kUnavailable) << away;

  StartNmqdAgain();
  ASSERT_TRUE(client->Publish(MakeMessage("ORDERS", "E", "after")).ok());
  EXPECT_THAT(heard.Await(2), testing::ElementsAre("before", "after"));
}

TEST_F(Nginx, NothingIsLostWhenTheServerIsStartedAnew) {
  constexpr int kMessages = 400;
  StartNmqd();
  StartNginx();
  const auto pair = ConnectPair("ORDERS");
  ASSERT_NE(pair, nullptr);
  Client* const client = pair->client.get();
  Heard& heard = pair->heard;
  std::thread publishing([client] {
    for (const std::string& number : Numbers(kMessages)) {
      Message message = MakeMessage("ORDERS", "E", number);
      message.set_request_id(number);
      const auto published = client->Publish(message, {.timeout = kPatience});
      ASSERT_TRUE(published.ok()) << number << ": " << published.status();
    }
  });
  for (const size_t count : {kMessages / 4, kMessages / 2}) {
    EXPECT_GE(heard.Await(count).size(), count);
    StopNmqd();
    StartNmqdAgain();
  }
  publishing.join();
  EXPECT_EQ(heard.Await(kMessages), Numbers(kMessages));
}

TEST_F(Nginx, APublishersAcceptedMessagesAreHeardThoughTheServerIsStartedAnew) {
  constexpr int kMessages = 20'000;
  StartNmqd();
  StartNginx();
  const auto pair = ConnectPair("ORDERS");
  ASSERT_NE(pair, nullptr);
  Client* const client = pair->client.get();
  Heard& heard = pair->heard;
  std::vector<std::string> accepted;
  uint64_t refused = 0;
  const auto publisher = client->NewPublisher(
      {.max_batch_messages = 10, .give_up_after = kPatience, .on_result = [&](const BatchResult& result) {
         if (result.outcome == BatchOutcome::kRefused) refused += result.messages;
         if (result.outcome != BatchOutcome::kAccepted) return;
         for (uint64_t i = 0; i < result.messages; ++i) accepted.push_back(absl::StrCat(result.first_message + i));
       }});
  std::thread publishing([&publisher] {
    for (const std::string& number : Numbers(kMessages)) {
      ASSERT_TRUE(publisher->Add(MakeMessage("ORDERS", "E", number)).ok());
    }
  });
  EXPECT_FALSE(heard.Await(kMessages / 10).empty());
  StopNmqd();
  StartNmqdAgain();
  publishing.join();
  const FlushResult flushed = publisher->Flush(kPatience);
  EXPECT_EQ(refused, 0u) << flushed.status;
  EXPECT_EQ(accepted.size() + flushed.unknown, static_cast<size_t>(kMessages)) << flushed.status;
  ASSERT_TRUE(client->Publish(MakeMessage("ORDERS", "E", "last")).ok());
  size_t next = 0;
  std::vector<std::string> payloads = heard.Await(accepted.size() + 1);
  // Those whose answer was lost may be among them.
  for (const std::string& payload : payloads) next += next < accepted.size() && payload == accepted[next];
  EXPECT_EQ(next, accepted.size());
}

TEST_F(Nginx, CarriesMoreStreamsThanItHasConnectionsByDefault) {
  constexpr size_t kClients = 6;
  constexpr size_t kSubscriptions = 100;
  StartNmqd();
  StartNginx();
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::unique_ptr<Subscription>> subscriptions;
  Heard heard;
  for (size_t i = 0; i < kClients; ++i) {
    clients.push_back(Connect());
    ASSERT_NE(clients.back(), nullptr);
    for (size_t j = 0; j < kSubscriptions; ++j) {
      subscriptions.push_back(Subscribe(clients.back().get(), "DB", &heard));
      ASSERT_NE(subscriptions.back(), nullptr) << i << ", " << j;
    }
  }
  ASSERT_TRUE(clients[0]->Publish(MakeMessage("DB", "E", "for all")).ok());
  EXPECT_EQ(heard.Await(kClients * kSubscriptions), std::vector<std::string>(kClients * kSubscriptions, "for all"));
}

TEST_F(Nginx, CarriesCallsOverTls) {
  const Authority authority;
  const Credentials server = authority.Issue();
  const std::string certificate = WriteFile("server.pem", server.certificate);
  const std::string key = WriteFile("server.key", server.key);
  ca_ = WriteFile("ca.pem", authority.certificate());
  StartNmqd("seconds: 1", {"--transport=http2", "--tls_certificate=" + certificate, "--tls_key=" + key});
  StartNginx("nginx-tls.conf");
  ExpectServed();
}

}  // namespace
}  // namespace nmq::integration
