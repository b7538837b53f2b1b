#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "client/cpp/client.h"
#include "client/examples/database.h"
#include "gtest/gtest.h"
#include "tests/testing/process.h"

namespace nmq {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kPatience = absl::Seconds(30);

using Lines = std::vector<std::string>;

bool WaitUntil(const std::function<bool()>& done) {
  const absl::Time deadline = absl::Now() + kPatience;
  while (!done()) {
    if (absl::Now() >= deadline) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return true;
}

// The word after "NAME=".
std::string Field(const std::string& line, const std::string& name) {
  const size_t at = line.find(name + "=");
  if (at == std::string::npos) return "";
  const size_t start = at + name.size() + 1;
  return line.substr(start, line.find(' ', start) - start);
}

struct Answer {
  int status = 0;
  std::string body;
};

// One HTTP request on a connection of its own.
Answer Http(const std::string& address, const std::string& method, const std::string& target,
            const std::string& body = "") {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
  to.sin_port = htons(static_cast<uint16_t>(port));
  EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  const std::string request = absl::StrCat(method, " ", target, " HTTP/1.1\r\nHost: ", address,
                                           "\r\nConnection: close\r\nContent-Length: ", body.size(), "\r\n\r\n", body);
  EXPECT_EQ(send(fd, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
  std::string text;
  char buffer[4096];
  for (ssize_t bytes; (bytes = recv(fd, buffer, sizeof buffer, 0)) > 0;) text.append(buffer, bytes);
  close(fd);
  Answer answer;
  const size_t end = text.find("\r\n\r\n");
  if (text.size() < 12 || end == std::string::npos || !absl::SimpleAtoi(text.substr(9, 3), &answer.status)) {
    ADD_FAILURE() << "no answer: " << text;
    return answer;
  }
  answer.body = text.substr(end + 4);
  return answer;
}

class ExamplesTest : public testing::Test {
 protected:
  ExamplesTest() : directory_(testing::TempDir() + "/examples.XXXXXX") {
    EXPECT_NE(mkdtemp(directory_.data()), nullptr);
    fs::create_directory(directory_ + "/files");
  }

  // Every program that still runs ends when it is told to, with 0.
  ~ExamplesTest() override {
    for (auto& [name, program] : programs_) {
      program->Signal(SIGTERM);
      EXPECT_EQ(program->WaitForExit(kPatience), 0) << name << ": " << program->errors();
    }
    fs::remove_all(directory_);
  }

  // The second time at the same address.
  void StartServer() {
    const std::string listen = server_.empty() ? "127.0.0.1:0" : server_;
    nmqd_ = std::make_unique<Process>("server/nmqd", Lines{"--listen=" + listen});
    const std::optional<std::string> line = nmqd_->ReadLine(kPatience);
    ASSERT_TRUE(line.has_value()) << nmqd_->errors();
    server_ = Field(*line, "grpc");
    ASSERT_FALSE(server_.empty()) << *line;
  }

  void StopServer() {
    nmqd_->Signal(SIGTERM);
    EXPECT_EQ(nmqd_->WaitForExit(kPatience), 0) << nmqd_->errors();
  }

  // Returns its ready line.
  std::string Start(const std::string& name, Lines arguments) {
    std::unique_ptr<Process>& program = programs_[name];
    program = std::make_unique<Process>("client/examples/" + name, arguments, Lines{"NMQ_SERVER=" + server_});
    const std::string line = program->ReadLine(kPatience).value_or("");
    EXPECT_TRUE(absl::StrContains(line, " ready")) << name << ": " << line << program->errors();
    return line;
  }

  void StartApi() { api_ = Field(Start("api_server", {"--listen=127.0.0.1:0", "--db=" + File("records.db")}), "http"); }
  void StartLogger() { logger_line_ = Start("logger", {"--db=" + File("log.db")}); }
  void StartWatcher() { Start("fs_watcher", {"--directory=" + File("files")}); }

  Process& program(const std::string& name) { return *programs_.at(name); }
  // For those that have ended.
  void Forget(const std::string& name) { programs_.erase(name); }

  std::string File(const std::string& name) const { return directory_ + "/" + name; }
  Answer Call(const std::string& method, const std::string& target, const std::string& body = "") const {
    return Http(api_, method, target, body);
  }

  // What a query of the log answers, columns parted by "|".
  Lines Log(const std::string& sql) const {
    Lines rows;
    absl::StatusOr<std::unique_ptr<examples::Database>> database = examples::Database::Open(File("log.db"));
    if (!database.ok()) return rows;
    const std::unique_ptr<examples::Statement> query = (*database)->Prepare(sql);
    for (absl::StatusOr<bool> row = query->Step(); row.ok() && *row; row = query->Step())
      rows.push_back(query->GetText(0));
    return rows;
  }
  // How many events of that name the log has.
  int Logged(const std::string& queue, const std::string& event) const {
    const Lines rows =
        Log(absl::StrCat("SELECT COUNT(*) FROM log WHERE queue = '", queue, "' AND event = '", event, "'"));
    int count = -1;
    return rows.size() == 1 && absl::SimpleAtoi(rows[0], &count) ? count : -1;
  }

  // What the summary says is what the log says.
  void ExpectSummaryAgrees() const {
    const Lines counted = Log(
        "SELECT queue || '/' || event || ' ' || COUNT(*) || ' ' || SUM(LENGTH(payload)) || ' ' || MAX(time) FROM log "
        "WHERE event IS NOT NULL GROUP BY queue, event ORDER BY queue, event");
    EXPECT_FALSE(counted.empty());
    EXPECT_EQ(Log("SELECT queue || '/' || event || ' ' || count || ' ' || bytes || ' ' || last_time FROM summary "
                  "ORDER BY queue, event"),
              counted);
  }

  std::string ReadLineWith(const std::string& name, const std::string& text) {
    const absl::Time deadline = absl::Now() + kPatience;
    while (absl::Now() < deadline) {
      const std::optional<std::string> line = program(name).ReadLine(deadline - absl::Now());
      if (!line.has_value()) break;
      if (absl::StrContains(*line, text)) return *line;
    }
    ADD_FAILURE() << name << " does not say '" << text << "': " << program(name).errors();
    return "";
  }

  std::string directory_;
  std::string server_;
  std::string api_;
  std::string logger_line_;
  std::unique_ptr<Process> nmqd_;
  std::map<std::string, std::unique_ptr<Process>> programs_;
};

// Hears what is for the room "oncall". Thread-safe.
class OnCall {
 public:
  explicit OnCall(const std::string& server) {
    client_ = *Client::Connect({.server = server});
    subscription_ = *client_->Subscribe({.patterns = {{"ALERT", "RAISED"}}, .rooms = {"oncall"}},
                                        {.on_message = [this](const Message& message) {
                                          MutexLock lock(&mu_);
                                          alerts_.push_back(message.payload());
                                        }});
  }

  Lines alerts() const {
    MutexLock lock(&mu_);
    return alerts_;
  }

 private:
  mutable Mutex mu_;
  Lines alerts_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<Client> client_;
  std::unique_ptr<Subscription> subscription_;
};

TEST_F(ExamplesTest, EveryChangeOfARecordIsHeardByAll) {
  constexpr int kPosts = 50;
  StartServer();
  StartApi();
  StartLogger();
  Start("monitor", {absl::StrCat("--rate=DB/CREATE:", kPosts - 1, "/1h")});
  Start("counter", {absl::StrCat("--count=", kPosts + 2)});
  OnCall on_call(server_);

  for (int i = 1; i <= kPosts; ++i) {
    const Answer answer = Call("POST", "/records", absl::StrCat("{\"number\":", i, "}"));
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(answer.body, absl::StrCat("{\"id\":", i, ",\"event\":\"DB/CREATE\",\"sequence\":", i, "}\n"));
  }
  EXPECT_EQ(Call("PUT", "/records/7", "changed").status, 200);
  const std::string changed = Call("GET", "/records/7").body;
  EXPECT_EQ(Call("DELETE", "/records/8").status, 200);

  EXPECT_TRUE(WaitUntil([&] { return Logged("DB", "DELETE") == 1; }));
  EXPECT_EQ(Logged("DB", "CREATE"), kPosts);
  EXPECT_EQ(Log("SELECT COUNT(*) FROM log WHERE event = 'CREATE' AND key = CAST(sequence AS TEXT) AND "
                "payload ->> 'id' = sequence AND payload -> 'body' ->> 'number' = sequence"),
            Lines({absl::StrCat(kPosts)}));
  EXPECT_EQ(Log("SELECT CAST(payload AS TEXT) || char(10) FROM log WHERE event = 'UPDATE'"), Lines({changed}));
  EXPECT_EQ(Log("SELECT key FROM log WHERE event = 'DELETE'"), Lines({"8"}));
  EXPECT_EQ(Log("SELECT 1 FROM log WHERE event IS NULL"), Lines());
  ExpectSummaryAgrees();

  ReadLineWith("monitor", absl::StrCat("ALERT more than ", kPosts - 1, " DB/CREATE in 1h, the last with key ", kPosts));
  ReadLineWith("monitor", absl::StrCat("ALERT DB/DELETE, key 8, sequence ", kPosts + 2));
  EXPECT_TRUE(WaitUntil([&] { return on_call.alerts().size() == 2; }));
  EXPECT_TRUE(absl::StrContains(on_call.alerts().back(), "\"rule\":\"DB/DELETE\"")) << on_call.alerts().back();

  ReadLineWith("counter", absl::StrCat("DB/CREATE          ", kPosts));
  ReadLineWith("counter", absl::StrCat("total              ", kPosts + 2));
  EXPECT_EQ(program("counter").WaitForExit(kPatience), 0);
  Forget("counter");
}

TEST_F(ExamplesTest, EveryChangeOfAFileIsLogged) {
  StartServer();
  StartLogger();
  StartWatcher();
  std::ofstream(File("files/a")).close();
  std::ofstream(File("files/b")) << "hello";
  fs::rename(File("files/b"), File("files/c"));
  fs::remove(File("files/a"));
  fs::create_directory(File("files/d"));
  EXPECT_TRUE(WaitUntil([&] { return Log("SELECT 1 FROM log WHERE key = 'd'").size() == 1; }));
  std::ofstream(File("files/d/e")) << "more";
  EXPECT_TRUE(WaitUntil([&] { return Logged("FS", "modify") == 2; }));
  EXPECT_EQ(
      Log("SELECT event || ' ' || (payload ->> 'path') || ' ' || (payload ->> 'kind') FROM log ORDER BY sequence"),
      Lines({"create a file", "create b file", "modify b file", "delete b file", "create c file", "delete a file",
             "create d directory", "create d/e file", "modify d/e file"}));
  EXPECT_EQ(Log("SELECT payload ->> 'size' FROM log WHERE event = 'modify' AND key = 'd/e'"), Lines({"4"}));
  ExpectSummaryAgrees();
}

TEST_F(ExamplesTest, ALoggerThatIsKilledAndStartedAgainMissesNothing) {
  constexpr int kRounds = 4;
  constexpr int kPosts = 25;
  StartServer();
  StartApi();
  for (int round = 0; round < kRounds; ++round) {
    StartLogger();
    std::thread posts([&] {
      for (int i = 0; i < kPosts; ++i) EXPECT_EQ(Call("POST", "/records", "x").status, 201);
    });
    // In the midst of them.
    EXPECT_TRUE(WaitUntil([&] { return Logged("DB", "CREATE") > round * kPosts; }));
    program("logger").Signal(SIGKILL);
    EXPECT_EQ(program("logger").WaitForExit(kPatience), 128 + SIGKILL);
    posts.join();
  }
  StartLogger();
  EXPECT_TRUE(absl::StrContains(logger_line_, "after=DB:")) << logger_line_;
  EXPECT_TRUE(WaitUntil([&] { return Logged("DB", "CREATE") == kRounds * kPosts; })) << Logged("DB", "CREATE");
  EXPECT_EQ(Log("SELECT MAX(sequence) || ' ' || COUNT(DISTINCT sequence) || ' ' || COUNT(DISTINCT key) FROM log"),
            Lines({absl::StrCat(kRounds * kPosts, " ", kRounds * kPosts, " ", kRounds * kPosts)}));
  EXPECT_EQ(Log("SELECT 1 FROM log WHERE event IS NULL"), Lines());
  ExpectSummaryAgrees();
}

TEST_F(ExamplesTest, EverythingGoesOnAfterTheServerWasRestarted) {
  StartServer();
  StartApi();
  StartLogger();
  StartWatcher();
  Start("monitor", {});
  Start("counter", {});
  EXPECT_EQ(Call("POST", "/records", "one").status, 201);
  std::ofstream(File("files/before")).close();
  EXPECT_TRUE(WaitUntil([&] { return Logged("DB", "CREATE") == 1 && Logged("FS", "create") == 1; }));

  StopServer();
  // The first one may still go to the old connection: it is not certain then that nobody took it.
  Answer refused;
  int posts = 1;
  EXPECT_TRUE(WaitUntil([&] {
    ++posts;
    refused = Call("POST", "/records", "two");
    EXPECT_EQ(refused.status, 503);
    EXPECT_TRUE(absl::StrContains(refused.body, absl::StrCat("\"id\":", posts, ",\"written\":true"))) << refused.body;
    return absl::StrContains(refused.body, "\"published\":\"no\"");
  }));
  EXPECT_TRUE(absl::StrContains(Call("GET", "/records/2").body, "\"two\""));
  std::ofstream(File("files/meanwhile")).close();

  StartServer();
  EXPECT_TRUE(WaitUntil([&] { return Call("POST", "/records", "three").status == 201; }));
  EXPECT_TRUE(WaitUntil([&] { return Logged("DB", "CREATE") == 2; }));
  // Either it has waited, or it is said that something may be missing.
  EXPECT_TRUE(
      WaitUntil([&] { return Log("SELECT 1 FROM log WHERE key = 'meanwhile' OR event = 'overflow'").size() == 1; }));
  std::ofstream(File("files/after")).close();
  EXPECT_TRUE(WaitUntil([&] { return Log("SELECT 1 FROM log WHERE key = 'after'").size() == 1; }));
  EXPECT_EQ(
      Log("SELECT queue || ' after ' || (sequence - 1) || ' ' || reason FROM log WHERE event IS NULL ORDER BY queue"),
      Lines({"DB after 1 GAP_REASON_EPOCH_CHANGED", "FS after 1 GAP_REASON_EPOCH_CHANGED"}));
  ExpectSummaryAgrees();
  EXPECT_EQ(Call("DELETE", "/records/2").status, 200);
  ReadLineWith("monitor", "ALERT DB/DELETE, key 2");
  ReadLineWith("counter", "1 DB/DELETE");
  for (const char* name : {"logger", "monitor", "counter"}) {
    EXPECT_TRUE(absl::StrContains(program(name).errors(), "connected again")) << program(name).errors();
  }
}

TEST_F(ExamplesTest, WithoutAServerTheApiWritesAndSaysThatNobodyHears) {
  server_ = "127.0.0.1:1";
  StartApi();
  const Answer answer = Call("POST", "/records", "x");
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(absl::StrContains(answer.body, "\"written\":true,\"published\":\"no\"")) << answer.body;
  EXPECT_EQ(Call("GET", "/records/1").status, 200);
}

TEST_F(ExamplesTest, WithoutAServerTheOthersSaySoAndFail) {
  const std::vector<std::string> names = {"logger", "monitor", "counter", "fs_watcher"};
  std::vector<std::unique_ptr<Process>> programs;
  for (const std::string& name : names) {
    Lines arguments = {"--server=127.0.0.1:1"};
    if (name == "logger") arguments.push_back("--db=" + File("log.db"));
    programs.push_back(std::make_unique<Process>("client/examples/" + name, arguments));
  }
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(programs[i]->WaitForExit(kPatience), 1) << names[i];
    EXPECT_TRUE(absl::StartsWith(programs[i]->errors(), names[i] + ": cannot reach nmqd at 127.0.0.1:1: "))
        << programs[i]->errors();
  }
}

TEST_F(ExamplesTest, WrongUsageIsSaidInOneLine) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"api_server", "--max_body=0"}, {"monitor", "--rate=DB"},     {"monitor", "--subscribe=DB"},
      {"counter", "--subscribe=DB"},  {"logger", "--subscribe=DB"}, {"fs_watcher", "extra"},
  };
  for (const auto& [name, argument] : wrong) {
    Process program("client/examples/" + name, {argument});
    EXPECT_EQ(program.WaitForExit(kPatience), 2) << name << " " << argument;
    EXPECT_TRUE(absl::StartsWith(program.errors(), name + ": ")) << program.errors();
    EXPECT_EQ(program.errors().find('\n'), program.errors().size() - 1) << program.errors();
  }
}

TEST_F(ExamplesTest, AWatchedDirectoryThatDisappearsIsAnError) {
  StartServer();
  StartWatcher();
  fs::remove(File("files"));
  EXPECT_EQ(program("fs_watcher").WaitForExit(kPatience), 1);
  EXPECT_TRUE(absl::StrContains(program("fs_watcher").errors(), "is gone")) << program("fs_watcher").errors();
  Forget("fs_watcher");
}

}  // namespace
}  // namespace nmq
