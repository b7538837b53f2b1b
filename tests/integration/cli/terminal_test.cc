// nmq as a person at a terminal sees it.
#include "client/cli/terminal.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/cli/nmq.h"
#include "tests/integration/nmqd.h"

namespace nmq::integration {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class CliTerminal : public testing::Test {
 protected:
  Ran Run(const Words& words) { return Nmq(nmqd_.address(), words); }

  Nmqd nmqd_;
};

TEST_F(CliTerminal, WhatCannotBeUndoneAsks) {
  EXPECT_EQ(Run({"pub", "A", "e", "x"}).code, 0);
  Terminal no(nmqd_.address(), {"queue", "delete", "A"});
  ASSERT_TRUE(no.WaitFor("Delete the queue A with 1 message and its groups? [y/N] "));
  no.Type("n\n");
  EXPECT_EQ(no.WaitForExit(), 1);
  EXPECT_THAT(Run({"queues"}).out, HasSubstr("\nA "));
  Terminal yes(nmqd_.address(), {"queue", "delete", "A"});
  ASSERT_TRUE(yes.WaitFor("[y/N] "));
  yes.Type("y\n");
  EXPECT_TRUE(yes.WaitFor("queue A is gone, with 1 message"));
  EXPECT_EQ(yes.WaitForExit(), 0);
  Terminal all(nmqd_.address(), {"disconnect", "--all"});
  EXPECT_TRUE(all.WaitFor("Disconnect all 0 clients of the namespace default? [y/N] "));
}

TEST_F(CliTerminal, NobodyIsAskedWithYesOrWithoutATerminal) {
  EXPECT_EQ(Run({"pub", "A", "e", "x"}).code, 0);
  EXPECT_EQ(Run({"queue", "purge", "A"}).out, "1 message given up\n");
  Terminal yes(nmqd_.address(), {"queue", "delete", "A", "--yes"});
  EXPECT_TRUE(yes.WaitFor("queue A is gone"));
  EXPECT_THAT(yes.text(), Not(HasSubstr("[y/N]")));
}

TEST_F(CliTerminal, TablesFitAndTellOfColumnsThatDoNot) {
  Terminal member(nmqd_.address(), {"sub", "A", "--name", "a-client-with-a-rather-long-name", "--label", "team=ops"});
  ASSERT_TRUE(member.WaitFor("hears every event of A in the namespace default"));
  Terminal list(nmqd_.address(), {"clients"});
  EXPECT_EQ(list.WaitForExit(), 0);
  for (const absl::string_view line : absl::StrSplit(list.text(), "\r\n")) EXPECT_LE(cli::TextWidth(line), 80u) << line;
  EXPECT_THAT(list.text(),
              AllOf(HasSubstr("a-client-with-a-rather-long-name"), HasSubstr("no room for "), HasSubstr("PEER")));
}

TEST_F(CliTerminal, TopFitsScrollsSortsAndFilters) {
  for (int i = 0; i < 30; ++i) EXPECT_EQ(Run({"pub", absl::StrCat("Q", i), "e", "x"}).code, 0);
  Terminal top(nmqd_.address(), {"top"});
  ASSERT_TRUE(top.WaitFor("0 more above, "));
  ASSERT_TRUE(top.WaitFor("\x1b[J"));
  const std::vector<std::string> frame = top.LastFrame();
  EXPECT_EQ(frame.size(), 24u);
  for (const std::string& line : frame) EXPECT_LE(cli::TextWidth(line), 80u) << line;
  EXPECT_THAT(absl::StrJoin(frame, "\n"), AllOf(HasSubstr("NAMESPACE"), HasSubstr("DROPPED/s"), HasSubstr("q quit"),
                                                HasSubstr("no room for ROOMS")));
  top.Type("\t\x1b[B");
  EXPECT_TRUE(top.WaitFor("> 1 more above, "));
  top.Type("s");
  EXPECT_TRUE(top.WaitFor("sort: in"));
  top.Type("/Q17\n");
  ASSERT_TRUE(top.WaitFor("filter: Q17\x1b[K"));
  ASSERT_TRUE(top.WaitFor("\x1b[J"));
  EXPECT_THAT(absl::StrJoin(top.LastFrame(), "\n"),
              AllOf(HasSubstr("Q17"), Not(HasSubstr("Q18")), Not(HasSubstr("more"))));
  top.Type("q");
  EXPECT_EQ(top.WaitForExit(), 0);
}

TEST_F(CliTerminal, LongWorkShowsHowFarItIs) {
  Terminal bench(nmqd_.address(), {"bench", "pub", "B", "--one-by-one", "--messages", "1M"});
  EXPECT_TRUE(bench.WaitFor(" of 1,000,000  "));
  bench.Type("\x03");
  EXPECT_TRUE(bench.WaitFor(" messages published in "));
  EXPECT_EQ(bench.WaitForExit(), 0);
}

TEST_F(CliTerminal, PurgingInPartsGivesUpAll) {
  EXPECT_EQ(Run({"bench", "pub", "B", "--messages", "50k", "--size", "16"}).code, 0);
  Terminal purge(nmqd_.address(), {"queue", "purge", "B", "--up-to", "45000", "--yes"});
  EXPECT_TRUE(purge.WaitFor("45,000 messages given up"));
  EXPECT_EQ(purge.WaitForExit(), 0);
  Terminal rest(nmqd_.address(), {"queue", "purge", "B", "--yes"});
  EXPECT_TRUE(rest.WaitFor("5,000 messages given up"));
}

TEST_F(CliTerminal, BenchSaysHowFastAndHowLong) {
  EXPECT_THAT(Run({"bench", "pub", "B", "--messages", "2k"}).out, HasSubstr("2,000 messages published in "));
  const Ran each = Run({"bench", "req", "B", "--messages", "50"});
  EXPECT_THAT(each.out, AllOf(HasSubstr("50 messages answered in "), HasSubstr(", p99 "), HasSubstr("#")));
  EXPECT_THAT(Run({"bench", "pub", "B", "--one-by-one", "--messages", "5", "--json"}).out,
              AllOf(HasSubstr("\"messages\":5,"), HasSubstr("\"p50\":")));
  const Ran nobody = Run({"bench", "req", "N", "--others-answer", "--messages", "5"});
  EXPECT_EQ(nobody.code, 1);
  EXPECT_THAT(nobody.err, HasSubstr("NOBODY_LISTENS"));
}

TEST_F(CliTerminal, BenchSubHearsWhatBenchPubPublishes) {
  Terminal sub(nmqd_.address(), {"bench", "sub", "B", "--messages", "100"});
  ASSERT_TRUE(sub.WaitFor("listening"));
  EXPECT_EQ(Run({"bench", "pub", "B", "--messages", "100"}).code, 0);
  EXPECT_TRUE(sub.WaitFor("100 messages heard in "));
  EXPECT_TRUE(sub.WaitFor(", p99 "));
  EXPECT_EQ(sub.WaitForExit(), 0);
}

TEST_F(CliTerminal, ContextsSayWhereCommandsGo) {
  const Words folder = {absl::StrCat("XDG_CONFIG_HOME=", testing::TempDir(), "/contexts")};
  const auto run = [&folder](Words words) { return RunProgram("client/cli/nmq", words, {.environment = folder}); };
  EXPECT_EQ(run({"context", "add", "here", "--server", nmqd_.address()}).out,
            absl::StrCat("context here is kept: ", nmqd_.address(), "; it is used from now on\n"));
  EXPECT_EQ(run({"queues"}).code, 0);
  EXPECT_EQ(run({"context", "add", "away", "--server", "127.0.0.1:1", "--namespace", "shop"}).code, 0);
  EXPECT_EQ(run({"queues", "--context", "away"}).code, 1);
  EXPECT_THAT(run({"context", "list"}).out, AllOf(HasSubstr("here *"), HasSubstr("127.0.0.1:1")));
  EXPECT_EQ(run({"context", "use", "away"}).code, 0);
  EXPECT_THAT(run({"context", "show"}).out, HasSubstr("shop"));
  EXPECT_EQ(run({"queues", "--server", nmqd_.address(), "--namespace", "default"}).code, 0);
  EXPECT_THAT(run({"queues", "--context", "nowhere"}).err,
              HasSubstr("there is no context \"nowhere\"; there are: away, here"));
  EXPECT_EQ(run({"context", "remove", "away"}).out, "context away is forgotten\n");
  EXPECT_EQ(run({"context", "use", "away"}).code, 1);
}

TEST_F(CliTerminal, WhatAContextTakesFromTheEnvironmentIsTold) {
  const Words environment = {absl::StrCat("XDG_CONFIG_HOME=", testing::TempDir(), "/told"), "NMQ_NAMESPACE=shop",
                             "NMQ_TOKEN=secret"};
  const auto run = [&](const Words& words) {
    return RunProgram("client/cli/nmq", words, {.environment = environment});
  };
  const Ran added = run({"context", "add", "here", "--server", nmqd_.address()});
  EXPECT_EQ(added.code, 0);
  EXPECT_THAT(added.err,
              AllOf(HasSubstr("the namespace of NMQ_NAMESPACE, the token of NMQ_TOKEN"), Not(HasSubstr("secret"))));
  EXPECT_EQ(run({"context", "add", "all", "--server", "h:1", "--namespace", "x", "--token", "y"}).err, "");
  EXPECT_THAT(run({"queues"}).err, AllOf(HasSubstr(absl::StrCat("asked ", nmqd_.address(), " of the context here")),
                                         HasSubstr("\"nmq namespace create shop\"")));
}

TEST_F(CliTerminal, AServerIsFoundHoweverItIsWritten) {
  const std::string port = nmqd_.address().substr(nmqd_.address().rfind(':'));
  for (const std::string& server : {"http://127.0.0.1" + port, "localhost" + port, "http://localhost" + port + "/"}) {
    EXPECT_EQ(Nmq(server, {"queues"}).code, 0) << server;
  }
}

TEST_F(CliTerminal, CallersWithRightsInOneNamespaceMayPing) {
  const Ran made = RunProgram("client/cli/nmq", {"token", "someone"});
  std::string token = made.out;
  absl::StripTrailingAsciiWhitespace(&token);
  const std::string identity = made.err.substr(made.err.find("identity {"));
  const std::string config = WriteFile("shop.textproto", "namespace { name: \"shop\" }");
  const std::string access =
      WriteFile("access.textproto",
                absl::StrCat(identity, "grant { identity: \"someone\" namespace: \"shop\" right: RIGHT_INSPECT }\n"));
  Nmqd strict({"--config=" + config, "--access=" + access});
  const auto run = [&](const Words& words) {
    return Nmq(strict.address(), words, {.environment = {"NMQ_TOKEN=" + token}});
  };
  EXPECT_EQ(Nmq(strict.address(), {"ping", "--count", "1"}).code, 0);
  EXPECT_EQ(run({"ping", "--count", "1"}).code, 0);
  const Ran info = run({"info"});
  EXPECT_EQ(info.code, 0) << info.err;
  EXPECT_THAT(info.out, AllOf(HasSubstr("namespaces  1\n"), HasSubstr("what the caller may inspect")));
}

TEST_F(CliTerminal, PingAndInfoSayWhatIsThere) {
  const Ran ping = Run({"ping", "--count", "1"});
  EXPECT_EQ(ping.code, 0);
  EXPECT_THAT(ping.out, AllOf(HasSubstr(nmqd_.address()), HasSubstr(" answered in ")));
  EXPECT_EQ(Nmq("127.0.0.1:1", {"ping"}).code, 1);
  EXPECT_THAT(Run({"info"}).out, AllOf(HasSubstr("version "), HasSubstr("running "), HasSubstr("namespaces  1\n")));
  EXPECT_THAT(Run({"info", "--json"}).out, AllOf(HasSubstr("\"version\":\""), HasSubstr("\"clients\":0")));
}

TEST_F(CliTerminal, ErrorsAreJsonWithJson) {
  const Ran ran = Run({"--json", "--namespace", "shop", "clients"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err,
              testing::StartsWith(
                  "{\"error\":{\"code\":\"NOT_FOUND\",\"reason\":\"NAMESPACE_NOT_FOUND\",\"namespace\":\"shop\""));
  EXPECT_THAT(Nmq("127.0.0.1:1", {"--json", "clients"}).err,
              testing::StartsWith("{\"error\":{\"code\":\"UNAVAILABLE\""));
}

}  // namespace
}  // namespace nmq::integration
