// nmq whoami and nmq can, and the audit log of what they and others were refused.
#include <signal.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/random.h"
#include "base/token.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/cli/nmq.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"

namespace nmq::integration {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string TextOf(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class Rights : public testing::Test {
 protected:
  Rights() {
    const std::string access = WriteFile(
        "rights.textproto",
        absl::StrCat(
            "identity { name: 'api' token: '", token_.kept, "' }\n",
            "grant { identity: 'api' namespace: 'default' right: RIGHT_CONNECT }\n",
            "grant { identity: 'api' namespace: 'default' queue: 'stock.*' room: 'hall' right: RIGHT_PUBLISH }\n",
            "grant { identity: 'api' namespace: 'default' queue: 'own' right: RIGHT_ADMIN }\n"));
    remove(log_.c_str());
    nmqd_ = std::make_unique<Nmqd>(std::vector<std::string>{"--access=" + access, "--audit_log=" + log_});
  }
  Ran Run(const Words& words) { return Nmq(nmqd_->address(), words, {.environment = {"NMQ_TOKEN=" + token_.token}}); }

  const NewToken token_ = MakeToken(SystemRandom());
  const std::string log_ = testing::TempDir() + "/audit.log";
  std::unique_ptr<Nmqd> nmqd_;
};

TEST_F(Rights, WhoAmISaysWhatOneMayDo) {
  const Ran ran = Run({"whoami"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("api"), HasSubstr("stock.*"), HasSubstr("hall"), HasSubstr("publish")));
  EXPECT_THAT(Run({"whoami", "--json"}).out, HasSubstr("\"known_by\":\"token\""));
}

TEST_F(Rights, CanSaysWhatDecides) {
  const Ran yes = Run({"can", "publish", "stock.a", "--room", "hall"});
  EXPECT_EQ(yes.code, 0) << yes.err;
  EXPECT_THAT(yes.out, HasSubstr("yes: by line 3"));
  const Ran no = Run({"can", "publish", "secret", "--room", "hall"});
  EXPECT_EQ(no.code, 1);
  EXPECT_THAT(no.out, HasSubstr("no: nothing grants api the right publish"));
  EXPECT_EQ(no.err, "");
  EXPECT_EQ(Run({"can", "join", "--room", "hall"}).code, 1);
  // As `nmq pub stock.a` would: to all rooms.
  EXPECT_EQ(Run({"can", "publish", "stock.a"}).code, 1);
  EXPECT_THAT(Run({"can", "publish"}).out, HasSubstr("for all queues in all rooms of namespace default; nmq"));
  EXPECT_EQ(Run({"can", "admin", "own"}).code, 0);
  EXPECT_EQ(Run({"can", "admin"}).code, 1);
  EXPECT_EQ(Run({"can", "connect"}).code, 0);
  EXPECT_EQ(Run({"--namespace", "other", "can", "connect"}).code, 1);
  const Ran other = Run({"whoami", "--identity", "boss"});
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.err, HasSubstr("FORBIDDEN"));
}

TEST_F(Rights, PublishingAsksForNothingThatIsRefused) {
  const Ran ran = Run({"pub", "stock.a", "E", "x", "--room", "hall", "--json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, Not(HasSubstr("groups")));
  // What comes later is in the log already.
  EXPECT_EQ(Run({"queue", "create", "own"}).code, 0);
  EXPECT_TRUE(WaitUntil([&] { return TextOf(log_).find("CreateQueue") != std::string::npos; }));
  EXPECT_THAT(TextOf(log_), Not(HasSubstr("refused")));
}

TEST_F(Rights, AuditLogTellsAdminsAndThoseWhoWereTurnedAway) {
  EXPECT_EQ(Run({"pub", "secret", "E", "hunter2", "--room", "hall"}).code, 1);
  EXPECT_EQ(Run({"queue", "create", "own"}).code, 0);
  EXPECT_EQ(Nmq(nmqd_->address(), {"queues"}, {.environment = {"NMQ_TOKEN=nmq_wrong"}}).code, 1);
  EXPECT_TRUE(WaitUntil([&] { return TextOf(log_).find("UNAUTHENTICATED") != std::string::npos; }));
  const std::string text = TextOf(log_);
  EXPECT_THAT(text, AllOf(HasSubstr(R"("rpc":"CreateQueue")"), HasSubstr(R"("identity":"api")"),
                          HasSubstr(R"("queue":"secret")"), HasSubstr(R"("reason":"FORBIDDEN")")));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("hunter2")), Not(HasSubstr(token_.token)), Not(HasSubstr("nmq_wrong")),
                          Not(HasSubstr(token_.kept))));
}

TEST_F(Rights, AuditLogHasOneLineOfACallOfAdminThatWasRefused) {
  // Of what looks absent, of what is forbidden, of what is no name, and of what is not there.
  EXPECT_EQ(Run({"queue", "purge", "secret", "--yes"}).code, 1);
  EXPECT_EQ(Run({"queue", "create", "other"}).code, 1);
  EXPECT_EQ(Run({"namespace", "delete", "no name", "--yes"}).code, 1);
  EXPECT_EQ(Run({"queue", "purge", "own", "--yes"}).code, 1);
  EXPECT_TRUE(WaitUntil([&] { return TextOf(log_).find("\"own\"") != std::string::npos; }));
  const std::string text = TextOf(log_);
  const auto lines = [&text](const std::string& with) {
    size_t found = 0;
    for (const absl::string_view line : absl::StrSplit(text, '\n')) found += absl::StrContains(line, with) ? 1 : 0;
    return found;
  };
  EXPECT_EQ(lines("\"kind\":\"refused\""), 3u) << text;
  EXPECT_EQ(lines("\"kind\":\"admin\""), 1u) << text;
  EXPECT_EQ(lines("\"namespace\":\"default\",\"queue\":\"secret\""), 1u) << text;
  EXPECT_EQ(lines("it was told that it is not there"), 2u) << text;
}

TEST_F(Rights, AuditLogSaysWhatAnAnswerSaid) {
  EXPECT_EQ(Run({"queue", "create", "own"}).code, 0);
  EXPECT_EQ(Run({"queue", "purge", "own", "--yes"}).code, 0);
  const char* const said = R"("namespace":"default","request":{"name":"own"},"answer":{"messages":0},"outcome":"OK")";
  EXPECT_TRUE(WaitUntil([&] { return TextOf(log_).find(said) != std::string::npos; })) << TextOf(log_);
}

TEST_F(Rights, AuditLogGoesOnInANewFileAfterAHangup) {
  ASSERT_EQ(rename(log_.c_str(), (log_ + ".1").c_str()), 0);
  nmqd_->process().Signal(SIGHUP);
  EXPECT_TRUE(WaitUntil([&] { return nmqd_->process().errors().find("opened the audit log") != std::string::npos; }));
  EXPECT_EQ(Run({"queue", "create", "own"}).code, 0);
  EXPECT_TRUE(WaitUntil([&] { return TextOf(log_).find("CreateQueue") != std::string::npos; }));
}

}  // namespace
}  // namespace nmq::integration
