#include "server/audit/audit_log.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "nmq/v1/admin.pb.h"
#include "server/call/call.h"
#include "server/call/named.h"
#include "tests/testing/simulated_clock.h"

namespace nmq {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<std::string> Lines(const std::string& path) { return absl::StrSplit(Read(path), '\n', absl::SkipEmpty()); }

// Each line is to be JSON.
google::protobuf::Struct Parsed(const std::string& line) {
  google::protobuf::Struct parsed;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(line, &parsed).ok()) << line;
  return parsed;
}

class AuditLogTest : public testing::Test {
 protected:
  AuditLogTest() { remove(path_.c_str()); }

  void Open() {
    auto opened = AuditLog::Open(path_, &clock_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    log_ = *std::move(opened);
  }
  // By nobody if the identity is empty.
  Call CallOf(Right right, const std::string& identity = "api") {
    Call call(right, Transport::kGrpc, "ipv4:10.0.0.7:999");
    if (identity.empty()) return call;
    auto principal = std::make_shared<Principal>();
    principal->name = identity;
    principal->token_id = "id7";
    principal->kept = "kept";
    call.principal = std::move(principal);
    call.request = &v1::PurgeQueueRequest::descriptor;
    return call;
  }
  void Refuse(const std::string& queue = "q") {
    log_->Refused(CallOf(Right::kAdmin), Named("shop", queue, ""), PermissionDenied("FORBIDDEN", "no \"x\""));
  }

  void Administer(const std::string& queue, const absl::Status& outcome, uint64_t messages = 1) {
    v1::PurgeQueueRequest request;
    request.set_name(queue);
    v1::PurgeQueueResponse answer;
    answer.set_messages(messages);
    log_->Administered(CallOf(Right::kAdmin), {"shop", request, answer}, outcome);
  }
  size_t LinesWith(const std::string& text) {
    log_->Flush();
    size_t found = 0;
    for (const std::string& line : Lines(path_)) found += absl::StrContains(line, text) ? 1 : 0;
    return found;
  }

  const std::string path_ =
      absl::StrCat(testing::TempDir(), "/", testing::UnitTest::GetInstance()->current_test_info()->name());
  SimulatedClock clock_;
  std::unique_ptr<AuditLog> log_;
};

TEST_F(AuditLogTest, SaysWhoDidWhatAndWhatCameOfIt) {
  Open();
  Administer("q\n\xff", absl::OkStatus(), /*messages=*/7);
  Refuse("q\n\xff\"");
  log_->Flush();
  const std::vector<std::string> lines = Lines(path_);
  ASSERT_EQ(lines.size(), 2u);
  const auto admin = Parsed(lines[0]).fields();
  EXPECT_EQ(admin.at("kind").string_value(), "admin");
  EXPECT_EQ(admin.at("rpc").string_value(), "PurgeQueue");
  EXPECT_EQ(admin.at("identity").string_value(), "api");
  EXPECT_EQ(admin.at("token").string_value(), "id7");
  EXPECT_EQ(admin.at("peer").string_value(), "ipv4:10.0.0.7:999");
  EXPECT_EQ(admin.at("namespace").string_value(), "shop");
  EXPECT_EQ(admin.at("answer").struct_value().fields().at("messages").number_value(), 7);
  EXPECT_EQ(admin.at("outcome").string_value(), "OK");
  const auto refused = Parsed(lines[1]).fields();
  EXPECT_EQ(refused.at("kind").string_value(), "refused");
  EXPECT_EQ(refused.at("right").string_value(), "admin");
  EXPECT_EQ(refused.at("namespace").string_value(), "shop");
  EXPECT_EQ(refused.at("outcome").string_value(), "PERMISSION_DENIED");
  EXPECT_EQ(refused.at("reason").string_value(), "FORBIDDEN");
  EXPECT_THAT(Read(path_), Not(HasSubstr("kept")));
}

TEST_F(AuditLogTest, IsForItsUserOnly) {
  Open();
  struct stat found = {};
  ASSERT_EQ(stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

TEST_F(AuditLogTest, FloodOfRefusalsIsCountedAndNotWritten) {
  Open();
  constexpr int kMany = 1000;
  for (int i = 0; i < kMany; ++i) Refuse();
  log_->Flush();
  EXPECT_EQ(Lines(path_).size(), static_cast<size_t>(AuditLog::kRefusalsAtOnce));
  EXPECT_EQ(log_->left_out(), static_cast<uint64_t>(kMany - AuditLog::kRefusalsAtOnce));
  // Who administers is written all the same.
  Administer("q", absl::OkStatus());
  log_->Flush();
  std::vector<std::string> lines = Lines(path_);
  ASSERT_EQ(lines.size(), static_cast<size_t>(AuditLog::kRefusalsAtOnce) + 2);
  EXPECT_EQ(Parsed(lines[lines.size() - 2]).fields().at("lines").number_value(), kMany - AuditLog::kRefusalsAtOnce);
  EXPECT_EQ(Parsed(lines.back()).fields().at("kind").string_value(), "admin");
  clock_.Advance(absl::Seconds(1));
  for (int i = 0; i < kMany; ++i) Refuse();
  log_->Flush();
  EXPECT_EQ(Lines(path_).size(), lines.size() + AuditLog::kRefusalsPerSecond);
}

TEST_F(AuditLogTest, OpenedAgainGoesOnInANewFile) {
  Open();
  Refuse();
  log_->Flush();
  const std::string old = path_ + ".1";
  ASSERT_EQ(rename(path_.c_str(), old.c_str()), 0);
  Refuse();
  log_->Flush();
  EXPECT_EQ(Lines(old).size(), 2u);
  log_->Reopen();
  Refuse();
  log_->Flush();
  EXPECT_EQ(Lines(old).size(), 2u);
  EXPECT_EQ(Lines(path_).size(), 1u);
}

TEST_F(AuditLogTest, WriteThatFailsIsCounted) {
  auto full = AuditLog::Open("/dev/full", &clock_);
  ASSERT_TRUE(full.ok()) << full.status();
  log_ = *std::move(full);
  Refuse();
  Refuse();
  log_->Flush();
  EXPECT_EQ(log_->failed(), 2u);
}

TEST_F(AuditLogTest, CallsOfAdminThatChangedNothingAreBounded) {
  Open();
  constexpr int kMany = 1000;
  for (int i = 0; i < kMany; ++i) Administer("q", NotFound("QUEUE_NOT_FOUND", "no queue"));
  EXPECT_EQ(LinesWith("PurgeQueue"), static_cast<size_t>(AuditLog::kRefusalsAtOnce));
  for (int i = 0; i < kMany; ++i) Administer("q", absl::OkStatus(), /*messages=*/0);
  EXPECT_EQ(LinesWith("PurgeQueue"), static_cast<size_t>(AuditLog::kRefusalsAtOnce));
  for (int i = 0; i < kMany; ++i) Administer("q", absl::OkStatus(), /*messages=*/7);
  EXPECT_EQ(LinesWith("PurgeQueue"), static_cast<size_t>(AuditLog::kRefusalsAtOnce + kMany));
}

TEST_F(AuditLogTest, LineIsShortWhateverTheCallerSends) {
  Open();
  const std::string nasty(2000, '\x01');
  Administer(nasty, InvalidArgument("name", nasty));
  Refuse(nasty);
  log_->Flush();
  for (const std::string& line : Lines(path_)) {
    Parsed(line);
    EXPECT_LT(line.size(), 4096u);
    EXPECT_THAT(line, HasSubstr("...\""));
  }
}

TEST_F(AuditLogTest, StrangerDoesNotDrownWhoIsKnown) {
  Open();
  constexpr int kMany = 1000;
  for (int i = 0; i < kMany; ++i) {
    log_->Refused(CallOf(Right::kNone, ""), absl::string_view("/nmq.v1.Registry/ListQueues"),
                  absl::UnauthenticatedError("nobody"));
    log_->Refused(CallOf(Right::kAdmin, "loud"), Named("shop"), PermissionDenied("FORBIDDEN", "no"));
  }
  Refuse();
  EXPECT_EQ(LinesWith("UNAUTHENTICATED"), static_cast<size_t>(AuditLog::kRefusalsAtOnce));
  EXPECT_EQ(LinesWith("\"loud\""), static_cast<size_t>(AuditLog::kRefusalsAtOnce));
  EXPECT_EQ(LinesWith("\"api\""), 1u);
}

TEST_F(AuditLogTest, SaysHowManyWereLeftOutThoughNothingFollows) {
  Open();
  for (int i = 0; i < AuditLog::kRefusalsAtOnce + 3; ++i) Refuse();
  log_->TellLeftOut();
  EXPECT_EQ(LinesWith(R"("kind":"left_out","lines":3})"), 1u);
  Refuse();
  log_ = nullptr;
  EXPECT_THAT(Read(path_), HasSubstr(R"("kind":"left_out","lines":1})"));
}

TEST_F(AuditLogTest, RpcHasOneForm) {
  Open();
  log_->Refused(CallOf(Right::kNone, ""), absl::string_view("/nmq.v1.MessageQueue/Publish"),
                absl::UnauthenticatedError("nobody"));
  EXPECT_EQ(LinesWith(R"("rpc":"Publish")"), 1u);
}

TEST_F(AuditLogTest, LineAfterOneThatTheDiskCutBeginsAnew) {
  Open();
  Refuse();
  log_->Flush();
  struct stat before = {};
  ASSERT_EQ(stat(path_.c_str(), &before), 0);
  rlimit files = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &files), 0);
  signal(SIGXFSZ, SIG_IGN);
  const rlimit full = {static_cast<rlim_t>(before.st_size + 20), files.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  Refuse();
  log_->Flush();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &files), 0);
  EXPECT_EQ(log_->failed(), 1u);
  Refuse();
  log_->Flush();
  std::vector<std::string> lines = Lines(path_);
  ASSERT_EQ(lines.size(), 3u);
  Parsed(lines[0]);
  EXPECT_EQ(lines[1].size(), 20u);
  Parsed(lines[2]);
  // So does the first line of the next run.
  std::ofstream(path_, std::ios::app) << "{\"ti";
  Open();
  Refuse();
  log_->Flush();
  lines = Lines(path_);
  ASSERT_EQ(lines.size(), 5u);
  Parsed(lines[4]);
}

TEST_F(AuditLogTest, IsNoPipe) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const int reader = open(path_.c_str(), O_RDONLY | O_NONBLOCK);
  const auto read = AuditLog::Open(path_, &clock_);
  close(reader);
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(std::string(read.status().message()), HasSubstr("neither a regular file nor a character device"));
  EXPECT_FALSE(AuditLog::Open(path_, &clock_).ok());
  EXPECT_FALSE(AuditLog::Open(testing::TempDir(), &clock_).ok());
}

TEST_F(AuditLogTest, EndsThoughNobodyReadsStandardError) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  const std::string block(4096, 'x');
  while (write(ends[1], block.data(), block.size()) > 0) continue;
  ASSERT_EQ(fcntl(ends[1], F_SETFL, 0), 0);
  const int kept = dup(STDERR_FILENO);
  auto log = AuditLog::Open("stderr", &clock_);
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_EQ(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
  log_ = *std::move(log);
  for (int i = 0; i < AuditLog::kRefusalsAtOnce; ++i) Refuse();
  log_->Flush();
  const uint64_t failed = log_->failed();
  log_ = nullptr;
  ASSERT_EQ(dup2(kept, STDERR_FILENO), STDERR_FILENO);
  for (const int one : {kept, ends[0], ends[1]}) close(one);
  EXPECT_EQ(failed, static_cast<uint64_t>(AuditLog::kRefusalsAtOnce));
}

TEST_F(AuditLogTest, FileThatCannotBeOpenedIsNamed) {
  const auto log = AuditLog::Open("/nowhere/audit", &clock_);
  ASSERT_FALSE(log.ok());
  EXPECT_THAT(std::string(log.status().message()), HasSubstr("/nowhere/audit"));
}

}  // namespace
}  // namespace nmq
