// How nmqd starts, and how it says that it cannot.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"
#include "tests/testing/certificates.h"

namespace nmq::integration {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(StartUp, SaysWhereItListensAndServesThere) {
  Nmqd nmqd;
  EXPECT_THAT(nmqd.address(), StartsWith("127.0.0.1:"));
  EXPECT_GT(nmqd.port(), 0);
  Api api(nmqd.address());
  const TestClient client(&api);
  auto listener = client.Subscribe("DB");
  client.Publish("DB", "CREATE", "text");
  EXPECT_EQ(listener->NextMessage().payload(), "text");
}

TEST(StartUp, WithoutAHostItListensForThisMachineOnly) {
  Process process(kNmqdPath, {"--listen=:0"});
  EXPECT_THAT(process.ReadLine(kPatience).value_or(""), StartsWith("nmqd ready grpc=127.0.0.1:"));
}

const struct {
  const char* listen;
  bool open;
} kAddresses[] = {{"127.0.0.1:0", false}, {"127.9.9.9:0", false}, {"localhost:0", false},         {"0.0.0.0:0", true},
                  {"[::]:0", true},       {"[::1]:0", false},     {"[::ffff:127.0.0.1]:0", false}};

TEST(StartUp, RefusesToServeOtherMachinesInPlainTextAndWithoutIdentities) {
  for (const auto& row : kAddresses) {
    if (!row.open) continue;
    const Outcome refused({absl::StrCat("--listen=", row.listen)});
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_TRUE(IsOneLine(refused.errors));
    EXPECT_THAT(refused.errors, AllOf(HasSubstr(row.listen), HasSubstr("can be read on the way"),
                                      HasSubstr("nobody is asked who they are"), HasSubstr("--tls_certificate"),
                                      HasSubstr("--access"), HasSubstr("--insecure_listen")));
  }
}

TEST(StartUp, SaysWhichOfThemIsMissing) {
  const Authority authority;
  const Credentials pair = authority.Issue();
  const std::vector<std::string> tls = {"--listen=0.0.0.0:0", "--transport=http2",
                                        "--tls_certificate=" + WriteFile("certificate.pem", pair.certificate),
                                        "--tls_key=" + WriteFile("key.pem", pair.key)};
  const std::string access = "--access=" + WriteFile("access.textproto", "identity { name: \"api\" }");
  const Outcome unasked(tls);
  EXPECT_EQ(unasked.exit_code, 2);
  EXPECT_THAT(unasked.errors, AllOf(Not(HasSubstr("can be read")), HasSubstr("nobody is asked")));
  const Outcome plain({"--listen=0.0.0.0:0", access});
  EXPECT_EQ(plain.exit_code, 2);
  EXPECT_THAT(plain.errors, AllOf(HasSubstr("can be read"), Not(HasSubstr("nobody is asked"))));
  std::vector<std::string> both = tls;
  both.push_back(access);
  Process process(kNmqdPath, both);
  EXPECT_THAT(process.ReadLine(kPatience).value_or(""), StartsWith("nmqd ready")) << process.errors();
  EXPECT_THAT(process.errors(), Not(HasSubstr("open to other machines")));
}

TEST(StartUp, WarnsWhereItIsWantedAllTheSame) {
  for (const auto& row : kAddresses) {
    Process process(kNmqdPath, {absl::StrCat("--listen=", row.listen), "--insecure_listen"});
    const std::string line = process.ReadLine(kPatience).value_or("");
    if (row.listen[0] == '[' && line.empty()) continue;  // a machine without IPv6
    EXPECT_THAT(line, StartsWith("nmqd ready")) << row.listen;
    const auto warns = AllOf(HasSubstr(row.listen), HasSubstr("nobody is asked who they are"));
    if (row.open) {
      EXPECT_THAT(process.errors(), warns) << row.listen;
    } else {
      EXPECT_THAT(process.errors(), Not(HasSubstr("nobody is asked"))) << row.listen;
    }
  }
}

TEST(StartUp, TakesFlagsFromTheEnvironmentUnlessTheCommandLineSaysOtherwise) {
  const std::string config = WriteFile("env.textproto", "namespace { name: \"shop\" }");
  Process process(kNmqdPath, {"--threads=1"},
                  {"NMQ_LISTEN=127.0.0.1:0", absl::StrCat("NMQ_CONFIG=", config), "NMQ_THREADS=nonsense but unused"});
  // The value of NMQ_THREADS is wrong, and wrong it stays.
  EXPECT_EQ(process.WaitForExit(kPatience).value_or(-1), 2);

  Process good(kNmqdPath, {"--threads=1"},
               {"NMQ_LISTEN=127.0.0.1:0", absl::StrCat("NMQ_CONFIG=", config), "NMQ_THREADS=2"});
  const std::string line = good.ReadLine(kPatience).value_or("");
  ASSERT_THAT(line, StartsWith("nmqd ready grpc=127.0.0.1:"));
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  Api api(words[2].substr(sizeof("grpc=") - 1));
  EXPECT_EQ(InfoOf(&api, "shop").clients(), 0);
  EXPECT_THAT(good.errors(), HasSubstr("with 1 thread and 2 namespaces"));
}

TEST(StartUp, AnAddressInUseIsToldInOneLine) {
  Nmqd nmqd;
  const Outcome second({absl::StrCat("--listen=", nmqd.address())});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_EQ(second.output, "");
  EXPECT_TRUE(IsOneLine(second.errors));
  EXPECT_THAT(second.errors, AllOf(StartsWith("nmqd: "), HasSubstr(nmqd.address()), HasSubstr("in use")));
}

TEST(StartUp, AnAddressThatIsNoneIsToldInOneLine) {
  for (const char* address : {"127.0.0.1:99999", "127.0.0.1:http", "192.0.2.1:0", "", "127.0.0.1"}) {
    const Outcome run({absl::StrCat("--listen=", address), "--insecure_listen"});
    EXPECT_EQ(run.exit_code, 1) << address;
    EXPECT_EQ(run.output, "");
    EXPECT_TRUE(IsOneLine(run.errors));
    EXPECT_THAT(run.errors, StartsWith("nmqd: "));
    EXPECT_THAT(run.errors, HasSubstr(address));
  }
}

TEST(StartUp, AConfigurationThatIsWrongIsToldWithItsPlace) {
  struct Row {
    std::string content;
    std::string place;
    std::string text;
  };
  const std::vector<Row> rows = {
      {"limits {\n  payload_byte: 5\n}", ":2:", "payload_byte"},
      {"namespace { name: \"a b\" }", ":1:", "a b"},
      {"namespace { name: \"a\" }\nnamespace { name: \"a\" }", ":2:", "a"},
      {"limits {\n  heartbeat { seconds: 100000 }\n}", ":2:", "heartbeat"},
      {"namespace { name: \"a\"\n  queue { name: \"DB\" event: \"\" } }", ":2:", "event"},
      {"{", ":1:", ""},
  };
  for (const Row& row : rows) {
    const std::string path = WriteFile("wrong.textproto", row.content);
    const Outcome run({absl::StrCat("--config=", path), "--listen=127.0.0.1:0"});
    EXPECT_EQ(run.exit_code, 1) << row.content;
    EXPECT_EQ(run.output, "");
    EXPECT_TRUE(IsOneLine(run.errors));
    EXPECT_THAT(run.errors, StartsWith(absl::StrCat("nmqd: ", path, row.place)));
    EXPECT_THAT(run.errors, HasSubstr(row.text));
  }
}

TEST(StartUp, AConfigurationThatIsNotThereIsTold) {
  const Outcome run({"--config=/nowhere/nmq.textproto", "--listen=127.0.0.1:0"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_TRUE(IsOneLine(run.errors));
  EXPECT_THAT(run.errors, AllOf(HasSubstr("/nowhere/nmq.textproto"), HasSubstr("No such file")));
}

TEST(StartUp, WrongUsageIsToldWithExitCodeTwo) {
  struct Row {
    std::vector<std::string> flags;
    std::vector<std::string> environment;
    std::string text;
  };
  const std::vector<Row> rows = {
      {{"serve"}, {}, "'serve'"},
      {{"--threads=65"}, {}, "--threads=65"},
      {{"--threads=-1"}, {}, "--threads=-1"},
      {{"--drain_grace=9s"}, {}, "9s"},
      {{"--drain_grace=-1s"}, {}, "-1s"},
      {{}, {"NMQ_THREADS=many"}, "NMQ_THREADS=many"},
      {{}, {"NMQ_DRAIN_GRACE=long"}, "NMQ_DRAIN_GRACE=long"},
      {{}, {"NMQ_THREADS=65"}, "65"},
  };
  for (const Row& row : rows) {
    std::vector<std::string> flags = row.flags;
    flags.push_back("--listen=127.0.0.1:0");
    const Outcome run(flags, row.environment);
    EXPECT_EQ(run.exit_code, 2) << row.text;
    EXPECT_EQ(run.output, "");
    EXPECT_TRUE(IsOneLine(run.errors));
    EXPECT_THAT(run.errors, AllOf(StartsWith("nmqd: "), HasSubstr(row.text)));
  }
}

TEST(StartUp, FlagsThatDoNotExistOrCannotBeReadAreRefused) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> refused = {
      {{"--prot", "1"}, "there is no flag --prot; see nmqd --help"},
      {{"--port=abc"}, "there is no flag --port; see nmqd --help"},
      {{"--nolisten"}, "there is no flag --nolisten; see nmqd --help"},
      {{"--listen=127.0.0.1:0", "--config"}, "--config: needs a value; see nmqd --help"},
      {{"--threads=many"}, "--threads=many: must be a whole number from 0 to 64; see nmqd --help"},
      {{"-threads", "1.5"}, "--threads=1.5: must be a whole number from 0 to 64; see nmqd --help"},
      {{"--threads=65"}, "--threads=65: must be a whole number from 0 to 64; see nmqd --help"},
      {{"--drain_grace=long"},
       "--drain_grace=long: must be a time from 0s to 8s, such as 500ms or 5s; see nmqd --help"},
      {{"--drain_grace=9s"}, "--drain_grace=9s: must be a time from 0s to 8s, such as 500ms or 5s; see nmqd --help"},
      {{"--transport=carrier"}, "--transport=carrier: must be http2 or grpc; see nmqd --help"},
      {{"--health_check=perhaps"}, "--health_check=perhaps: must be true or false; see nmqd --help"}};
  for (const auto& [flags, why] : refused) {
    const Outcome run(flags);
    EXPECT_EQ(run.exit_code, 2) << why;
    EXPECT_EQ(run.output, "");
    EXPECT_EQ(run.errors, "nmqd: " + why + "\n");
  }
}

TEST(StartUp, ValuesMayBeWordsOfTheirOwn) {
  Nmqd nmqd({"--threads", "2", "-drain_grace", "1s", "--noaccept_data_loss"});
  EXPECT_THAT(nmqd.process().errors(), HasSubstr(" with 2 threads and 1 namespace\n"));
}

TEST(StartUp, OneOfAKindIsCountedAsOne) {
  Nmqd nmqd({"--threads=1"});
  EXPECT_THAT(nmqd.process().errors(), HasSubstr(" with 1 thread and 1 namespace\n"));
}

TEST(StartUp, FlagsMayHaveHyphens) {
  Nmqd nmqd(
      {absl::StrCat("--data-dir=", testing::TempDir(), "/hyphens"), "--drain-grace", "1s", "--noaccept-data-loss"});
  EXPECT_THAT(nmqd.address(), StartsWith("127.0.0.1:"));
  const Outcome wrong({"--drain-grace=long"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.errors, StartsWith("nmqd: --drain_grace=long: must be a time from 0s to 8s"));
}

TEST(StartUp, AZeroOutsideItsRangeIsRefusedWithItsPlace) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"limits {\n  payload_bytes: 0\n}", ":2:3: limits.payload_bytes: 0 is out of range: from 1 B to 64 MiB\n"},
      {"limits { heartbeat { seconds: 0 } }", ":1:10: limits.heartbeat: 0 is out of range: from 1 s to 10 min\n"}};
  for (const auto& [content, why] : rows) {
    const std::string path = WriteFile("zero.textproto", content);
    const Outcome run({absl::StrCat("--config=", path), "--listen=127.0.0.1:0"});
    EXPECT_EQ(run.exit_code, 1) << content;
    EXPECT_EQ(run.errors, absl::StrCat("nmqd: ", path, why));
  }
}

TEST(StartUp, AWrongWordIsAnsweredWithTheRightOnes) {
  const std::string path =
      WriteFile("enum.textproto", "namespace { name: \"a\" queue { name: \"q\" durability: FAST } }");
  const Outcome value({absl::StrCat("--config=", path)});
  EXPECT_THAT(value.errors,
              AllOf(HasSubstr("FAST"), HasSubstr("DURABILITY_LIVE, DURABILITY_DURABLE, DURABILITY_BUFFERED\n")));
  const std::string other = WriteFile("field.textproto", "namespace { nam: \"a\" }");
  const Outcome field({absl::StrCat("--config=", other)});
  EXPECT_THAT(field.errors,
              AllOf(HasSubstr("nam"), HasSubstr("It has: name, automatic_queues, automatic_retention, queue")));
}

TEST(StartUp, UnexpectedArgumentsAreToldInOrder) {
  const Outcome run({"serve", "now", "please"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(run.errors, "nmqd: does not understand 'serve' 'now' 'please'; see nmqd --help\n");
}

TEST(StartUp, VersionAndHelpAreAnswered) {
  const Outcome version({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.output, StartsWith("nmqd "));
  for (const char* flag : {"--help", "-h"}) {
    const Outcome help({flag});
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_EQ(help.errors, "");
    EXPECT_THAT(help.output, AllOf(HasSubstr("--listen"), HasSubstr("--config"), HasSubstr("NMQ_LISTEN")));
  }
}

}  // namespace
}  // namespace nmq::integration
