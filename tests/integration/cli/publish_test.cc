// nmq pub and sub against a real server.
#include <csignal>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/cli/nmq.h"
#include "tests/integration/nmqd.h"

namespace nmq::integration {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class CliPublish : public testing::Test {
 protected:
  Ran Run(const Words& words, const RunOptions& options = {}) { return Nmq(nmqd_.address(), words, options); }
  // Payloads that the queue holds, a line each.
  std::string Held(const std::string& queue, int count) {
    return Run({"sub", queue, "--from", "earliest", "--count", std::to_string(count), "--raw"}).out;
  }

  Nmqd nmqd_{{absl::StrCat("--data-dir=", testing::TempDir(), "/",
                           testing::UnitTest::GetInstance()->current_test_info()->name())}};
};

TEST_F(CliPublish, AFileOrStandardInputIsOneMessage) {
  const std::string path = WriteFile("two.txt", "one\ntwo\n");
  EXPECT_EQ(Run({"pub", "A", "e", "--file", path}).code, 0);
  EXPECT_EQ(Run({"pub", "A", "e", "--stdin"}, {.input = "three\nfour"}).code, 0);
  EXPECT_EQ(Held("A", 2), "one\ntwo\n\nthree\nfour\n");
  EXPECT_THAT(Run({"pub", "A", "e", "-", "--file", path}).out, "2 messages published\n");
}

TEST_F(CliPublish, InputThatIsNotReadIsTold) {
  const Ran ran = Run({"pub", "A", "e"}, {.input = "text"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("standard input is not read"), HasSubstr("--stdin")));
  EXPECT_EQ(Run({"pub", "A", "e"}).err, "");
}

TEST_F(CliPublish, AMessageWithoutAPayloadIsSaidToHaveNone) {
  EXPECT_THAT(Run({"pub", "A", "hello"}).out, HasSubstr(" without a payload, heard by "));
  EXPECT_THAT(Run({"pub", "A", "e", ""}).out, Not(HasSubstr("without a payload")));
  EXPECT_THAT(Run({"pub", "A", "hello world"}).err, HasSubstr("nmq pub QUEUE EVENT PAYLOAD"));
  EXPECT_THAT(Run({"pub", "A", "hello world", "x"}).err, Not(HasSubstr("nmq pub QUEUE EVENT PAYLOAD")));
  Terminal person(nmqd_.address(), {"pub", "A", "hello"});
  EXPECT_TRUE(person.WaitFor("hello is the event, and the payload is empty: nmq pub QUEUE EVENT PAYLOAD"));
  EXPECT_EQ(person.WaitForExit(), 0);
}

TEST_F(CliPublish, CommandsThatFailAreHeardAndCounted) {
  EXPECT_EQ(Run({"pub", "A", "e", "x"}).code, 0);
  EXPECT_EQ(Run({"pub", "A", "e", "y"}).code, 0);
  const Ran ran = Run({"sub", "A", "--from", "earliest", "--count", "2", "--exec", "read v; echo $v; test $v = x"});
  EXPECT_EQ(ran.out, "x\ny\n");
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("A e 2: the command failed with exit code 1\n"),
                             HasSubstr("the command failed for 1 of 2 messages\n")));
  EXPECT_EQ(Run({"sub", "A", "--from", "earliest", "--count", "2", "--exec", "cat"}).code, 0);
}

TEST_F(CliPublish, AStreamThatFailsTheSameWayEndsAtItsFirstLine) {
  std::string lines;
  for (int i = 0; i < 2000; ++i) absl::StrAppend(&lines, "line ", i, "\n");
  const Ran ran = Run({"pub", "no queue", "e", "-"}, {.input = lines});
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.out, "0 messages published, 1 refused\n");
  EXPECT_THAT(ran.err, StartsWith("nmq: line 1 not published: queue: \"no queue\" of 8 bytes is no name"));
  EXPECT_TRUE(IsOneLine(ran.err));
}

TEST_F(CliPublish, CtrlCEndsItWithTheCount) {
  Terminal terminal(nmqd_.address(), {"pub", "A", "e", "-"});
  terminal.Type("one\ntwo\n");
  while (Run({"queues", "--queue", "A", "--json"}).out.find("\"last_sequence\":2") == std::string::npos) {
  }
  terminal.Type("\x03");
  EXPECT_TRUE(terminal.WaitFor("2 messages published, stopped before the end"));
  EXPECT_EQ(terminal.WaitForExit(), 0);
}

TEST(CliWait, WaitsForAServerThatIsAway) {
  int port = 0;
  {
    Nmqd before;
    port = before.port();
    before.process().Signal(SIGKILL);
    before.process().WaitForExit(absl::Seconds(30));
  }
  const std::string address = absl::StrCat("127.0.0.1:", port);
  Terminal terminal(address, {"pub", "A", "e", "text", "--wait", "60s"});
  const Nmqd nmqd({absl::StrCat("--listen=", address)});
  EXPECT_TRUE(terminal.WaitFor("A e 1: published as "));
  EXPECT_EQ(terminal.WaitForExit(), 0);
}

TEST_F(CliPublish, WhatAGroupGetsIsSaid) {
  EXPECT_EQ(Run({"queue", "create", "JOBS", "--durability", "durable"}).code, 0);
  EXPECT_EQ(Run({"group", "create", "JOBS", "workers", "--event", "work"}).code, 0);
  EXPECT_THAT(Run({"pub", "JOBS", "work", "x"}).out,
              AllOf(HasSubstr(", for the group workers\n"), Not(HasSubstr("heard by"))));
  EXPECT_THAT(Run({"pub", "JOBS", "other", "x"}).out, HasSubstr(", heard by 0 subscriptions\n"));
  EXPECT_THAT(Run({"pub", "JOBS", "work", "x", "--json"}).out, HasSubstr("\"groups\":[\"workers\"]"));
}

TEST_F(CliPublish, MembersOfAGroupAreShownWithIt) {
  EXPECT_EQ(Run({"queue", "create", "JOBS", "--durability", "durable"}).code, 0);
  Terminal member(nmqd_.address(), {"sub", "JOBS", "--group", "workers"});
  ASSERT_TRUE(member.WaitFor("hears every event of JOBS as a member of the group workers in the namespace default"));
  const Ran list = Run({"subscriptions", "--json"});
  EXPECT_THAT(list.out, AllOf(HasSubstr("\"group\":\"workers\""), HasSubstr("\"queues\":1")));
  EXPECT_THAT(Run({"subscriptions"}).out,
              AllOf(HasSubstr("GROUP"), HasSubstr("  workers  "), Not(HasSubstr("unspecified"))));
}

TEST_F(CliPublish, DeadLettersSayWhyAndWhereFrom) {
  EXPECT_EQ(Run({"queue", "create", "JOBS", "--durability", "durable"}).code, 0);
  EXPECT_EQ(Run({"group", "create", "JOBS", "workers", "--attempts", "1"}).code, 0);
  EXPECT_EQ(Run({"pub", "JOBS", "work", "x"}).code, 0);
  const Ran failed = Run({"sub", "JOBS", "--group", "workers", "--exec", "exit 3", "--count", "1"});
  EXPECT_THAT(failed.err,
              HasSubstr("JOBS work 1: the command failed with exit code 3; the group delivers the message"));
  EXPECT_THAT(Run({"sub", "JOBS.dead", "--from", "earliest", "--count", "1"}).out,
              HasSubstr(" dead=MAX_ATTEMPTS attempts=1 of=JOBS/1 group=workers | x\n"));
  EXPECT_EQ(Run({"dead", "redrive", "JOBS.dead"}).out, "1 dead letter published anew\n");
}

TEST_F(CliPublish, ExecGetsThePayloadAndTheMessagesNames) {
  EXPECT_EQ(Run({"pub", "A", "e", "some text", "--key", "k"}).code, 0);
  const Ran ran = Run({"sub", "A", "--from", "earliest", "--count", "1", "--exec",
                       "tr a-z A-Z; echo \" $NMQ_QUEUE $NMQ_EVENT $NMQ_SEQUENCE $NMQ_KEY\""});
  EXPECT_EQ(ran.out, "SOME TEXT A e 1 k\n");
}

TEST_F(CliPublish, MessagesAreShownAsAskedFor) {
  EXPECT_EQ(Run({"pub", "A", "e", "größer", "--header", "zone=a"}).code, 0);
  const auto sub = [this](const std::string& how) {
    return Run({"sub", "A", "--from", "earliest", "--count", "1", how}).out;
  };
  EXPECT_EQ(sub("--raw"), "größer\n");
  EXPECT_THAT(sub("--headers-only"), AllOf(HasSubstr(" A e 1 zone=a\n"), Not(HasSubstr("größer"))));
  EXPECT_THAT(sub("--date"), testing::ContainsRegex("^20[0-9-]+ [0-9:.]+ A e 1 zone=a \\| größer\n"));
}

TEST_F(CliPublish, ATerminalHasColorsUnlessNoColorSaysOtherwise) {
  EXPECT_EQ(Run({"pub", "A", "e", "x"}).code, 0);
  const Words words = {"sub", "A", "--from", "earliest", "--count", "1"};
  Terminal colors(nmqd_.address(), words);
  EXPECT_TRUE(colors.WaitFor("\x1b[36mA\x1b[0m"));
  Terminal plain(nmqd_.address(), words, {"NO_COLOR=1"});
  EXPECT_TRUE(plain.WaitFor(" A e 1 | x"));
  EXPECT_EQ(plain.text().find("\x1b["), std::string::npos);
}

}  // namespace
}  // namespace nmq::integration
