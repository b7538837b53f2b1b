#include "client/examples/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace nmq {
namespace examples {
namespace {

constexpr int kPatienceSeconds = 30;

// A connection that says and hears plain bytes.
class Caller {
 public:
  explicit Caller(const std::string& address) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int port = 0;
    EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
    to.sin_port = htons(static_cast<uint16_t>(port));
    const timeval patience = {.tv_sec = kPatienceSeconds, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }
  ~Caller() { close(fd_); }

  // What cannot be sent is lost: the server may have closed.
  void Say(const std::string& text) { send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }

  // Up to the end of a body that ends with a line end, or of the connection.
  std::string HearAnswer() {
    std::string text;
    char byte;
    while ((text.size() < 5 || text.find("}\n") == std::string::npos) && recv(fd_, &byte, 1, 0) == 1) text += byte;
    return text;
  }

  bool IsClosed() {
    char byte;
    return recv(fd_, &byte, 1, 0) <= 0;
  }

 private:
  const int fd_;
};

std::string Post(const std::string& body, const std::string& more = "") {
  return absl::StrCat("POST /x?y=1 HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n", more,
                      "Content-Length: ", body.size(), "\r\n\r\n", body);
}

int StatusOf(const std::string& answer) {
  int status = 0;
  return answer.size() > 12 && absl::SimpleAtoi(answer.substr(9, 3), &status) ? status : 0;
}

std::unique_ptr<HttpServer> MustStart(HttpOptions options, HttpHandler handler) {
  options.listen = "127.0.0.1:0";
  auto server = HttpServer::Start(options, std::move(handler));
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

HttpResponse Echo(const HttpRequest& request) {
  return {.status = 200,
          .body = absl::StrCat("{", request.method, "|", request.target, "|", request.content_type, "|",
                               request.body.substr(0, 20), "}")};
}

TEST(HttpServer, HandsOnWhatWasAsked) {
  const auto server = MustStart({}, Echo);
  Caller caller(server->address());
  caller.Say(Post("hello"));
  const std::string answer = caller.HearAnswer();
  EXPECT_EQ(StatusOf(answer), 200);
  EXPECT_NE(answer.find("Content-Type: application/json\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("{POST|/x?y=1|text/plain|hello}\n"), std::string::npos) << answer;
}

TEST(HttpServer, AnswersManyRequestsOnOneConnection) {
  const auto server = MustStart({}, Echo);
  Caller caller(server->address());
  for (int i = 0; i < 10; ++i) {
    caller.Say(Post(absl::StrCat("body", i)));
    EXPECT_NE(caller.HearAnswer().find(absl::StrCat("|body", i, "}")), std::string::npos);
  }
}

TEST(HttpServer, ClosesWhenAsked) {
  const auto server = MustStart({}, Echo);
  Caller caller(server->address());
  caller.Say(Post("x", "Connection: close\r\n"));
  EXPECT_EQ(StatusOf(caller.HearAnswer()), 200);
  EXPECT_TRUE(caller.IsClosed());
}

TEST(HttpServer, SendsTheHeadersOfTheResponse) {
  const auto server = MustStart({}, [](const HttpRequest&) {
    return HttpResponse{.status = 405, .body = "{}", .location = "/records/1", .allow = "GET"};
  });
  Caller caller(server->address());
  caller.Say(Post("x"));
  const std::string answer = caller.HearAnswer();
  EXPECT_EQ(StatusOf(answer), 405);
  EXPECT_NE(answer.find("Location: /records/1\r\n"), std::string::npos);
  EXPECT_NE(answer.find("Allow: GET\r\n"), std::string::npos);
}

TEST(HttpServer, TakesABodyOfTheLimitAndRefusesALargerOne) {
  const auto server = MustStart({.max_body_bytes = 1000}, Echo);
  Caller fine(server->address());
  fine.Say(Post(std::string(1000, 'x')));
  EXPECT_EQ(StatusOf(fine.HearAnswer()), 200);
  Caller large(server->address());
  large.Say(Post(std::string(1001, 'x')));
  const std::string answer = large.HearAnswer();
  EXPECT_EQ(StatusOf(answer), 413);
  EXPECT_NE(answer.find("larger than 1000 bytes"), std::string::npos) << answer;
  EXPECT_TRUE(large.IsClosed());
}

TEST(HttpServer, AnAnswerReachesAClientThatIsStillSending) {
  const auto server = MustStart({.max_body_bytes = 1000}, Echo);
  Caller caller(server->address());
  caller.Say(Post(std::string(3 << 20, 'x')));
  EXPECT_EQ(StatusOf(caller.HearAnswer()), 413);
}

TEST(HttpServer, AChunkedBodyIsBoundedToo) {
  const auto server = MustStart({.max_body_bytes = 1000}, Echo);
  Caller caller(server->address());
  caller.Say("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 11; ++i) caller.Say("64\r\n" + std::string(100, 'x') + "\r\n");
  EXPECT_EQ(StatusOf(caller.HearAnswer()), 413);
}

TEST(HttpServer, RefusesLargeHeaders) {
  const auto server = MustStart({.max_header_bytes = 1000}, Echo);
  Caller caller(server->address());
  caller.Say(Post("x", "X: " + std::string(2000, 'x') + "\r\n"));
  EXPECT_EQ(StatusOf(caller.HearAnswer()), 431);
}

TEST(HttpServer, RefusesWhatIsNoHttp) {
  const auto server = MustStart({}, Echo);
  for (const char* text :
       {"GARBAGE\r\n\r\n", "\r\n\r\n\r\n", "GET\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"}) {
    Caller caller(server->address());
    caller.Say(text);
    EXPECT_EQ(StatusOf(caller.HearAnswer()), 400) << text;
  }
}

TEST(HttpServer, AClientThatGoesAwayHalfwayIsNoHarm) {
  const auto server = MustStart({}, Echo);
  { Caller(server->address()).Say("POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf"); }
  Caller caller(server->address());
  caller.Say(Post("x"));
  EXPECT_EQ(StatusOf(caller.HearAnswer()), 200);
}

TEST(HttpServer, ClosesConnectionsThatSayNothing) {
  const auto server = MustStart({.timeout = absl::Milliseconds(50)}, Echo);
  EXPECT_TRUE(Caller(server->address()).IsClosed());
}

TEST(HttpServer, ClosesConnectionsThatAreTooMany) {
  const auto server = MustStart({.max_connections = 1}, Echo);
  Caller first(server->address());
  first.Say(Post("x"));
  EXPECT_EQ(StatusOf(first.HearAnswer()), 200);
  EXPECT_TRUE(Caller(server->address()).IsClosed());
  first.Say(Post("y"));
  EXPECT_EQ(StatusOf(first.HearAnswer()), 200);
}

TEST(HttpServer, HandlersRunSideBySide) {
  std::atomic<int> inside = 0;
  std::promise<void> both;
  const std::shared_future<void> go = both.get_future().share();
  const auto server = MustStart({.threads = 2}, [&](const HttpRequest& request) {
    if (++inside == 2) both.set_value();
    go.wait_for(std::chrono::seconds(kPatienceSeconds));
    return Echo(request);
  });
  Caller first(server->address());
  Caller second(server->address());
  first.Say(Post("x"));
  second.Say(Post("y"));
  EXPECT_EQ(StatusOf(first.HearAnswer()), 200);
  EXPECT_EQ(StatusOf(second.HearAnswer()), 200);
  EXPECT_EQ(inside, 2);
}

TEST(HttpServer, EndsWithConnectionsOpen) {
  auto server = MustStart({}, Echo);
  Caller idle(server->address());
  Caller half(server->address());
  half.Say("POST / HT");
  server.reset();
  EXPECT_TRUE(idle.IsClosed());
  EXPECT_TRUE(half.IsClosed());
}

TEST(HttpServer, SaysWhereItCannotListen) {
  for (const char* listen :
       {"", "8080", "127.0.0.1", "localhost:80", "127.0.0.1:65536", "127.0.0.1:x", "1.2.3.4.5:80"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(HttpServer::Start({.listen = listen}, Echo).status())) << listen;
  }
  const auto server = MustStart({}, Echo);
  const absl::Status taken = HttpServer::Start({.listen = server->address()}, Echo).status();
  EXPECT_EQ(taken.message(), absl::StrCat("cannot listen on ", server->address(), ": Address already in use"));
}

TEST(HttpServer, ListensOnVersion6WhereThereIsOne) {
  auto server = HttpServer::Start({.listen = "[::1]:0"}, Echo);
  if (!server.ok()) GTEST_SKIP() << server.status();
  EXPECT_EQ((*server)->address().substr(0, 6), "[::1]:");
}

}  // namespace
}  // namespace examples
}  // namespace nmq
