#include "server/audit/audit_log.h"

#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
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
  Call CallOf(Right right) {
    Call call(right, Transport::kGrpc, "ipv4:10.0.0.7:999");
    auto principal = std::make_shared<Principal>();
    principal->name = "api";
    principal->token_id = "id7";
    principal->kept = "kept";
    call.principal = std::move(principal);
    call.request = &v1::PurgeQueueRequest::descriptor;
    return call;
  }
  void Refuse(const std::string& queue = "q") {
    log_->Refused(CallOf(Right::kAdmin), Named("shop", queue, ""), PermissionDenied("FORBIDDEN", "no \"x\""));
  }

  const std::string path_ =
      absl::StrCat(testing::TempDir(), "/", testing::UnitTest::GetInstance()->current_test_info()->name());
  SimulatedClock clock_;
  std::unique_ptr<AuditLog> log_;
};

TEST_F(AuditLogTest, SaysWhoDidWhatAndWhatCameOfIt) {
  Open();
  v1::PurgeQueueRequest request;
  request.set_name("q\n\xff");
  log_->Administered(CallOf(Right::kAdmin), request, absl::OkStatus());
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
  log_->Administered(CallOf(Right::kAdmin), v1::PurgeQueueRequest(), absl::OkStatus());
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

TEST_F(AuditLogTest, FileThatCannotBeOpenedIsNamed) {
  const auto log = AuditLog::Open("/nowhere/audit", &clock_);
  ASSERT_FALSE(log.ok());
  EXPECT_THAT(std::string(log.status().message()), HasSubstr("/nowhere/audit"));
}

}  // namespace
}  // namespace nmq
