#include "client/cli/arguments.h"

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/cli/command_line.h"
#include "client/cli/contexts.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nmq {
namespace cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class ArgumentsTest : public ::testing::Test {
 protected:
  ArgumentsTest() {
    unsetenv("NMQ_SERVER");
    unsetenv("NMQ_NAMESPACE");
    setenv("XDG_CONFIG_HOME", ::testing::TempDir().c_str(), 1);
  }

  static Parsed ParseAll(std::vector<const char*> words) {
    words.insert(words.begin(), "nmq");
    return Parse(static_cast<int>(words.size()), words.data());
  }
  static Arguments MustParse(const std::vector<const char*>& words) {
    Parsed parsed = ParseAll(words);
    EXPECT_TRUE(parsed.arguments.has_value()) << parsed.text;
    return parsed.arguments.value_or(Arguments());
  }
  static void ExpectUsage(const std::vector<const char*>& words, const std::string& part) {
    const Parsed parsed = ParseAll(words);
    EXPECT_FALSE(parsed.arguments.has_value());
    EXPECT_EQ(parsed.exit_code, 2);
    EXPECT_THAT(parsed.text, HasSubstr(part));
    EXPECT_THAT(parsed.text, ::testing::StartsWith("nmq: "));
  }
};

TEST_F(ArgumentsTest, PubTakesQueueEventAndPayload) {
  const Arguments arguments = MustParse({"pub", "DB", "CREATE", "x y"});
  EXPECT_EQ(arguments.command, Command::kPub);
  EXPECT_EQ(arguments.queue, "DB");
  EXPECT_EQ(arguments.event, "CREATE");
  EXPECT_EQ(arguments.payload, "x y");
  EXPECT_EQ(arguments.source, Arguments::Source::kArgument);
}

TEST_F(ArgumentsTest, PayloadsThatLookLikeSyntaxStayAsTheyAre) {
  for (const char* payload : {"{}", "[1,2]", "{\"a\":[1]}", "", "a=b", "%%", "''", "\"x\"", "true"}) {
    EXPECT_EQ(MustParse({"pub", "DB", "CREATE", payload}).payload, payload);
  }
  EXPECT_EQ(MustParse({"pub", "DB", "CREATE", "--", "--json"}).payload, "--json");
}

TEST_F(ArgumentsTest, PubTakesARequestIdAndTheSequenceThatItExpects) {
  const Arguments arguments = MustParse({"pub", "DB", "CREATE", "x", "--request-id", "r", "--expect-last", "0"});
  EXPECT_EQ(arguments.request_id, "r");
  EXPECT_EQ(arguments.expected_last, 0);
  EXPECT_FALSE(MustParse({"pub", "DB", "CREATE", "x"}).expected_last.has_value());
  ExpectUsage({"pub", "DB", "CREATE", "x", "--expect-last", "-1"}, "--expect-last");
}

TEST_F(ArgumentsTest, RequestIdAndExpectedSequenceAreNotForLines) {
  ExpectUsage({"pub", "DB", "CREATE", "-", "--request-id", "r"}, "one message");
  ExpectUsage({"pub", "DB", "CREATE", "-", "--expect-last", "3"}, "one message");
}

TEST_F(ArgumentsTest, DashStandsForLines) {
  EXPECT_EQ(MustParse({"pub", "DB", "CREATE", "-"}).source, Arguments::Source::kLines);
}

TEST_F(ArgumentsTest, PayloadMayBeLeftOut) { EXPECT_EQ(MustParse({"pub", "DB", "CREATE"}).payload, ""); }

TEST_F(ArgumentsTest, QueuesMayBeNamedLikeCommands) {
  const Arguments arguments = MustParse({"pub", "clients", "sub", "watch"});
  EXPECT_EQ(arguments.command, Command::kPub);
  EXPECT_EQ(arguments.queue, "clients");
  EXPECT_EQ(arguments.event, "sub");
  EXPECT_EQ(arguments.payload, "watch");
}

TEST_F(ArgumentsTest, RequestTakesAMessageAndHowLongToWait) {
  const Arguments arguments =
      MustParse({"request", "DB", "COUNT", "?", "--room", "kitchen", "--timeout", "250ms", "--replies", "2"});
  EXPECT_EQ(arguments.command, Command::kRequest);
  EXPECT_EQ(arguments.payload, "?");
  EXPECT_THAT(arguments.rooms, ElementsAre("kitchen"));
  EXPECT_EQ(arguments.timeout, absl::Milliseconds(250));
  EXPECT_EQ(arguments.replies, 2u);
  EXPECT_EQ(MustParse({"request", "DB", "COUNT"}).timeout, absl::Seconds(5));
  EXPECT_EQ(MustParse({"request", "DB", "COUNT"}).replies, 0u);
  for (const char* timeout : {"5", "soon", "0s", "-1s", "inf", "25h"}) {
    ExpectUsage({"request", "DB", "COUNT", "--timeout", timeout}, "--timeout: ");
  }
  ExpectUsage({"request", "DB", "COUNT", "--replies", "0"}, "--replies");
  ExpectUsage({"request", "DB"}, "EVENT");
}

TEST_F(ArgumentsTest, ReplyTakesATextOrACommand) {
  const Arguments text = MustParse({"reply", "DB", "COUNT", "--payload", "17", "--join", "kitchen", "--count", "2"});
  EXPECT_EQ(text.command, Command::kReply);
  EXPECT_EQ(text.payload, "17");
  EXPECT_EQ(text.exec, "");
  EXPECT_THAT(text.join, ElementsAre("kitchen"));
  EXPECT_EQ(text.count, 2u);
  EXPECT_EQ(MustParse({"reply", "DB", "--exec", "wc -c"}).exec, "wc -c");
  EXPECT_EQ(MustParse({"reply", "DB", "--payload", ""}).payload, "");
  ExpectUsage({"reply", "DB"}, "--payload,--exec");
  ExpectUsage({"reply", "DB", "--payload", "17", "--exec", "wc -c"}, "--payload,--exec");
}

TEST_F(ArgumentsTest, AudienceOptionsRepeatAndTakeOneNameEach) {
  const Arguments arguments = MustParse({"pub", "--room", "a", "--room", "b", "--client", "c", "DB", "CREATE",
                                         "--except", "d", "--except-client", "e", "payload"});
  EXPECT_THAT(arguments.rooms, ElementsAre("a", "b"));
  EXPECT_THAT(arguments.clients, ElementsAre("c"));
  EXPECT_THAT(arguments.except_rooms, ElementsAre("d"));
  EXPECT_THAT(arguments.except_clients, ElementsAre("e"));
  EXPECT_EQ(arguments.payload, "payload");
}

TEST_F(ArgumentsTest, TimesOfAMessageCountFromNow) {
  EXPECT_EQ(MustParse({"pub", "DB", "CREATE", "--expire-in", "90s"}).expire_in, absl::Seconds(90));
  EXPECT_EQ(MustParse({"pub", "DB", "CREATE"}).expire_in, absl::ZeroDuration());
  EXPECT_EQ(MustParse({"pub", "DB", "CREATE", "--delay", "250ms"}).delay, absl::Milliseconds(250));
  ExpectUsage({"pub", "DB", "CREATE", "--delay", "soon"}, "--delay: ");
  for (const char* time : {"5", "soon", "0s", "-1s", "inf", "8761h"}) {
    ExpectUsage({"pub", "DB", "CREATE", "--expire-in", time}, "--expire-in: ");
  }
}

TEST_F(ArgumentsTest, OverflowIsOneOfThePolicies) {
  EXPECT_EQ(MustParse({"sub", "DB", "--overflow", "keep-latest"}).overflow, v1::OVERFLOW_KEEP_LATEST);
  const Arguments arguments = MustParse({"sub", "DB", "--overflow", "drop-newest", "--overflow-messages", "7"});
  EXPECT_EQ(arguments.overflow, v1::OVERFLOW_DROP_NEWEST);
  EXPECT_EQ(arguments.overflow_messages, 7u);
  ExpectUsage({"sub", "DB", "--overflow", "newest"}, "--overflow");
  ExpectUsage({"sub", "DB", "--overflow-messages", "0"}, "--overflow-messages");
}

TEST_F(ArgumentsTest, WhereIsAHeaderOrAPair) {
  const Arguments arguments = MustParse({"sub", "DB", "--where", "a=b=c", "--where", "d", "--where", "e="});
  ASSERT_EQ(arguments.where.size(), 3u);
  EXPECT_EQ(arguments.where[0].name(), "a");
  EXPECT_EQ(arguments.where[0].value(), "b=c");
  EXPECT_EQ(arguments.where[1].name(), "d");
  EXPECT_FALSE(arguments.where[1].has_value());
  EXPECT_TRUE(arguments.where[2].has_value());
  EXPECT_EQ(arguments.where[2].value(), "");
  ExpectUsage({"sub", "DB", "--where", "=b"}, "--where: ");
  ExpectUsage({"sub", "DB", "--where", ""}, "--where: ");
}

TEST_F(ArgumentsTest, HeadersArePairs) {
  const Arguments arguments = MustParse(
      {"pub", "DB", "CREATE", "--header", "a=b=c", "--header", "empty=", "--key", "k", "--content-type", "t"});
  EXPECT_THAT(arguments.headers, ElementsAre(Pair("a", "b=c"), Pair("empty", "")));
  EXPECT_EQ(arguments.key, "k");
  EXPECT_EQ(arguments.content_type, "t");
  ExpectUsage({"pub", "DB", "CREATE", "--header", "ab"}, "NAME=VALUE");
  ExpectUsage({"pub", "DB", "CREATE", "--header", "=b"}, "NAME=VALUE");
}

TEST_F(ArgumentsTest, GlobalOptionsWorkOnBothSidesOfTheCommand) {
  for (const std::vector<const char*>& words :
       {std::vector<const char*>{"--server", "h:1", "--namespace", "n", "--json", "clients"},
        std::vector<const char*>{"clients", "--server", "h:1", "--namespace=n", "--json"}}) {
    const Arguments arguments = MustParse(words);
    EXPECT_EQ(arguments.server, "h:1");
    EXPECT_EQ(arguments.namespace_name, "n");
    EXPECT_TRUE(arguments.json);
  }
}

TEST_F(ArgumentsTest, ServerComesFromTheOptionThenTheEnvironmentThenTheDefault) {
  EXPECT_EQ(MustParse({"clients"}).server, "127.0.0.1:50051");
  setenv("NMQ_SERVER", "env:1", 1);
  setenv("NMQ_NAMESPACE", "shop", 1);
  EXPECT_EQ(MustParse({"clients"}).server, "env:1");
  EXPECT_EQ(MustParse({"clients"}).namespace_name, "shop");
  EXPECT_EQ(MustParse({"clients", "--server", "option:1"}).server, "option:1");
}

TEST_F(ArgumentsTest, SubTakesPatternsRoomsAndLimits) {
  const Arguments arguments = MustParse({"sub", "DB.*", "--join", "a", "--join", "b", "--count", "3", "--overflow",
                                         "disconnect", "--name", "me", "--label", "zone=x"});
  EXPECT_EQ(arguments.command, Command::kSub);
  EXPECT_EQ(arguments.queue, "DB.*");
  EXPECT_EQ(arguments.event, "");
  EXPECT_THAT(arguments.join, ElementsAre("a", "b"));
  EXPECT_EQ(arguments.count, 3u);
  EXPECT_EQ(arguments.overflow, v1::OVERFLOW_DISCONNECT);
  EXPECT_EQ(arguments.name, "me");
  EXPECT_THAT(arguments.labels, ElementsAre(Pair("zone", "x")));
}

TEST_F(ArgumentsTest, SubStartsWhereFromSays) {
  EXPECT_EQ(MustParse({"sub", "DB"}).start.position_case(), v1::StartPosition::POSITION_NOT_SET);
  EXPECT_EQ(MustParse({"sub", "DB", "--from", "new"}).start.position_case(), v1::StartPosition::POSITION_NOT_SET);
  EXPECT_TRUE(MustParse({"sub", "DB", "--from", "earliest"}).start.earliest());
  EXPECT_EQ(MustParse({"sub", "DB", "--from", "last:10"}).start.last(), 10u);
  EXPECT_EQ(MustParse({"sub", "DB", "--from", "seq:1"}).start.sequence(), 1u);
  for (const char* from : {"", "last", "last:", "last:0", "last:-1", "seq:x", "seq:0", "Earliest", "last:1x"}) {
    ExpectUsage({"sub", "DB", "--from", from}, "--from");
  }
}

TEST_F(ArgumentsTest, PartsOfASecondCountForwardsBefore1970Too) {
  const v1::StartPosition start = MustParse({"sub", "DB", "--from", "time:1969-12-31T23:59:58.25Z"}).start;
  EXPECT_EQ(start.time().seconds(), -2);
  EXPECT_EQ(start.time().nanos(), 250'000'000);
}

TEST_F(ArgumentsTest, CountsArePositive) {
  ExpectUsage({"sub", "DB", "--count", "0"}, "--count");
  ExpectUsage({"sub", "DB", "--count", "-1"}, "--count");
  ExpectUsage({"top", "--count", "x"}, "--count");
  EXPECT_EQ(MustParse({"top", "--count", "2"}).count, 2u);
  EXPECT_FALSE(MustParse({"top"}).count.has_value());
}

TEST_F(ArgumentsTest, OverflowIsTheQueuesUnlessOneIsChosen) {
  EXPECT_EQ(MustParse({"sub", "DB"}).overflow, v1::OVERFLOW_UNSPECIFIED);
  EXPECT_EQ(MustParse({"sub", "DB", "--overflow", "drop-oldest"}).overflow, v1::OVERFLOW_DROP_OLDEST);
  EXPECT_EQ(MustParse({"sub", "DB", "--overflow", "hold"}).overflow, v1::OVERFLOW_HOLD);
  ExpectUsage({"sub", "DB", "--overflow", "drop-some"}, "--overflow");
}

TEST_F(ArgumentsTest, ListsTakeTheirFilters) {
  const Arguments clients =
      MustParse({"clients", "--room", "a", "--queue", "DB", "--event", "CREATE", "--name", "me", "--label", "x=y"});
  EXPECT_EQ(clients.command, Command::kClients);
  EXPECT_EQ(clients.room, "a");
  EXPECT_EQ(clients.queue, "DB");
  EXPECT_EQ(clients.event, "CREATE");
  EXPECT_EQ(clients.name, "me");
  EXPECT_THAT(clients.labels, ElementsAre(Pair("x", "y")));
  EXPECT_EQ(MustParse({"rooms", "--room", "a*"}).room, "a*");
  EXPECT_EQ(MustParse({"queues", "--queue", "D*"}).queue, "D*");
  EXPECT_EQ(MustParse({"subscriptions", "--client", "c"}).client, "c");
  EXPECT_EQ(MustParse({"client", "c-1"}).client, "c-1");
  EXPECT_EQ(MustParse({"count", "--room", "a"}).command, Command::kCount);
  EXPECT_EQ(MustParse({"namespaces"}).command, Command::kNamespaces);
}

TEST_F(ArgumentsTest, WatchMayBeginAfterRevisionZero) {
  EXPECT_FALSE(MustParse({"watch"}).after.has_value());
  EXPECT_EQ(MustParse({"watch", "--after", "0"}).after, 0u);
}

TEST_F(ArgumentsTest, WrongUsageIsExplained) {
  ExpectUsage({}, "a command is missing");
  ExpectUsage({}, "  queues                      List queues");
  ExpectUsage({"dance"}, "there is no command \"dance\"");
  ExpectUsage({"pub"}, "QUEUE");
  ExpectUsage({"pub", "DB"}, "EVENT");
  ExpectUsage({"client"}, "ID");
  ExpectUsage({"rooms", "--nonsense"}, "--nonsense");
  ExpectUsage({"pub", "a", "b", "c", "d"}, "d");
  ExpectUsage({"queue"}, "\"nmq queue\" needs a command: create, update, delete, purge; see \"nmq queue --help\"\n");
  ExpectUsage({"queue", "dance", "DB"}, "there is no command \"queue dance\"; see \"nmq queue --help\"");
}

TEST_F(ArgumentsTest, WordsThatACommandDoesNotTakeAreNamedInTheirOrder) {
  ExpectUsage({"clients", "--rom", "x"}, "does not take: --rom x");
  ExpectUsage({"dead", "list", "JOBS", "billing"}, "does not take: JOBS billing");
}

TEST_F(ArgumentsTest, AWordLikeACommandIsAnsweredWithThatCommand) {
  ExpectUsage({"publish", "DB", "a"}, "there is no command \"publish\"; did you mean \"nmq pub\"?\n");
  ExpectUsage({"queue", "creat", "DB"}, "there is no command \"queue creat\"; did you mean \"nmq queue create\"?\n");
  ExpectUsage({"sub", "DB", "--froom", "new"}, "\"nmq sub\" does not take: --froom; did you mean \"--from\"?\n");
}

TEST_F(ArgumentsTest, HelpIsACommandToo) {
  EXPECT_EQ(ParseAll({"help"}).text, ParseAll({"--help"}).text);
  EXPECT_EQ(ParseAll({"help", "queue", "create"}).text, ParseAll({"queue", "create", "--help"}).text);
  EXPECT_EQ(ParseAll({"help", "queue", "create"}).exit_code, 0);
  ExpectUsage({"help", "quue"}, "there is no command \"quue\"; did you mean \"nmq queue\"?\n");
}

TEST_F(ArgumentsTest, EveryCommandShowsExamplesInItsHelp) {
  for (const std::vector<const char*>& command : std::vector<std::vector<const char*>>{{"pub"},
                                                                                       {"sub"},
                                                                                       {"request"},
                                                                                       {"reply"},
                                                                                       {"ping"},
                                                                                       {"info"},
                                                                                       {"queues"},
                                                                                       {"top"},
                                                                                       {"queue", "create"},
                                                                                       {"group", "seek"},
                                                                                       {"dead", "redrive"},
                                                                                       {"disconnect"},
                                                                                       {"bench", "pub"},
                                                                                       {"context", "add"}}) {
    std::vector<const char*> words = {"help"};
    words.insert(words.end(), command.begin(), command.end());
    EXPECT_THAT(ParseAll(words).text, HasSubstr("Examples:\n  nmq ")) << command.front();
  }
}

TEST_F(ArgumentsTest, WrongUsageIsJsonWithJson) {
  const Parsed parsed = ParseAll({"sub", "DB", "--json", "--count", "x"});
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_EQ(parsed.text,
            "{\"error\":{\"code\":\"USAGE\",\"message\":\"--count: \\\"x\\\" is no whole number from 1 on\"}}\n");
}

TEST_F(ArgumentsTest, WhatIsEmptyIsNoValue) {
  ExpectUsage({"sub", "DB", "--group", ""}, "--group: is empty");
  ExpectUsage({"sub", "DB", "--group="}, "--group");
  ExpectUsage({"pub", "", "CREATE"}, "QUEUE: is empty");
  ExpectUsage({"clients", "--room", ""}, "--room: is empty");
}

TEST_F(ArgumentsTest, SizesAndTimesHaveUnits) {
  const Arguments arguments =
      MustParse({"queue", "create", "A", "--max-bytes", "10MB", "--max-messages", "10k", "--max-age", "2d"});
  EXPECT_EQ(arguments.change.bytes_max, 10'000'000u);
  EXPECT_EQ(arguments.change.messages_max, 10'000u);
  EXPECT_EQ(arguments.change.age_max, absl::Hours(48));
  ExpectUsage({"queue", "create", "A", "--max-bytes", "10QB"}, "--max-bytes: \"10QB\" is no size such as ");
  ExpectUsage({"queue", "create", "A", "--max-age", "10"},
              "--max-age: \"10\" is no time such as 500ms, 30s, 10m or 2d");
}

TEST_F(ArgumentsTest, ADateWithoutAZoneIsLocal) {
  setenv("TZ", "America/New_York", 1);
  tzset();
  EXPECT_EQ(MustParse({"sub", "DB", "--from", "time:2026-01-31 12:00"}).start.time().seconds(), 1769878800);
  const int64_t now = absl::ToUnixSeconds(absl::Now());
  const int64_t ago = MustParse({"sub", "DB", "--from", "time:10m"}).start.time().seconds();
  EXPECT_NEAR(static_cast<double>(now - ago), 600, 60);
  unsetenv("TZ");
}

TEST_F(ArgumentsTest, PayloadsComeFromFilesAndStandardInputToo) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/payload");
  std::ofstream(path) << "x";
  const Arguments whole = MustParse({"pub", "DB", "a", "--file", path.c_str()});
  EXPECT_EQ(whole.source, Arguments::Source::kWhole);
  EXPECT_EQ(whole.file, path);
  EXPECT_EQ(MustParse({"pub", "DB", "a", "-", "--file", path.c_str()}).source, Arguments::Source::kLines);
  EXPECT_EQ(MustParse({"pub", "DB", "a", "--stdin"}).source, Arguments::Source::kWhole);
  EXPECT_EQ(MustParse({"pub", "DB", "a"}).source, Arguments::Source::kNone);
  ExpectUsage({"pub", "DB", "a", "text", "--file", path.c_str()}, "--file: takes no payload but -");
  ExpectUsage({"pub", "DB", "a", "text", "--stdin"}, "--stdin");
  ExpectUsage({"pub", "DB", "a", "--file", "/nowhere"}, "--file: \"/nowhere\" cannot be read: No such file");
}

TEST_F(ArgumentsTest, NumbersOutOfRangeAreRefusedInWords) {
  ExpectUsage({"sub", "DB", "--count", "-1"}, "--count: \"-1\" is no whole number from 1 on\n");
  ExpectUsage({"sub", "DB", "--count", "0.5"}, "--count: \"0.5\" is no whole number from 1 on\n");
  ExpectUsage({"pub", "DB", "CREATE", "x", "--expect-last", "-1"},
              "--expect-last: \"-1\" is no whole number from 0 on\n");
}

TEST_F(ArgumentsTest, HelpOfANounShowsNoExamplesOfOtherCommands) {
  const Parsed help = ParseAll({"queue", "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.text, HasSubstr("purge"));
  EXPECT_THAT(help.text, ::testing::Not(HasSubstr("nmq pub")));
}

TEST_F(ArgumentsTest, HelpAndVersionGoToStandardOutput) {
  const Parsed help = ParseAll({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.text, HasSubstr("Examples:"));
  const Parsed sub = ParseAll({"sub", "--help"});
  EXPECT_EQ(sub.exit_code, 0);
  EXPECT_THAT(sub.text, HasSubstr("--from"));
  const Parsed version = ParseAll({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.text, ::testing::StartsWith("nmq "));
}

TEST_F(ArgumentsTest, QueuesAreMadeWithTheirPolicy) {
  const Arguments arguments =
      MustParse({"queue", "create", "JOBS", "--durability", "buffered", "--event", "A", "--event", "B", "--max-bytes",
                 "1000", "--max-messages", "10", "--max-age", "90s"});
  EXPECT_EQ(arguments.command, Command::kQueueCreate);
  EXPECT_EQ(arguments.queue, "JOBS");
  EXPECT_EQ(arguments.change.durability, v1::DURABILITY_BUFFERED);
  EXPECT_THAT(arguments.change.events, ElementsAre("A", "B"));
  EXPECT_EQ(arguments.change.bytes_max, 1000u);
  EXPECT_EQ(arguments.change.messages_max, 10u);
  EXPECT_EQ(arguments.change.age_max, absl::Seconds(90));
  ExpectUsage({"queue", "create"}, "QUEUE");
  ExpectUsage({"queue", "create", "JOBS", "--durability", "eternal"}, "--durability");
  ExpectUsage({"queue", "create", "JOBS", "--max-age", "soon"}, "\"soon\"");
  ExpectUsage({"queue", "update", "JOBS", "--event", "A", "--any-event"}, "--any-event");
}

TEST_F(ArgumentsTest, ServerIsAnAddress) {
  const Parsed url = ParseAll({"--server", "http://127.0.0.1:50051/shop", "queues"});
  EXPECT_EQ(url.exit_code, 2);
  EXPECT_THAT(url.text, AllOf(HasSubstr("--server, or NMQ_SERVER: \"http://127.0.0.1:50051/shop\": more than a host"),
                              HasSubstr("such as 127.0.0.1:50051")));
  EXPECT_EQ(MustParse({"--server", "http://localhost:5", "queues"}).server, "localhost:5");
  EXPECT_EQ(MustParse({"--server", "https://localhost", "queues"}).server, "https://localhost:443");
  EXPECT_EQ(MustParse({"--server", "::1", "queues"}).server, "[::1]:50051");
  EXPECT_EQ(MustParse({"--server", "unix:/run/nmq", "queues"}).server, "unix:/run/nmq");
  setenv("NMQ_SERVER", "nmq.example.com", 1);
  EXPECT_EQ(MustParse({"queues"}).server, "nmq.example.com:50051");
}

TEST_F(ArgumentsTest, AdviceRepeatsTheOptionsThatWereTyped) {
  const Arguments typed = MustParse({"queues", "--server=other:5", "--namespace", "it's", "--token", "secret"});
  EXPECT_EQ(typed.asked.Command("queue list"), "nmq queue list --server other:5 --namespace 'it'\\''s'");
  EXPECT_EQ(typed.asked.Command("namespace create x", /*in_namespace=*/false),
            "nmq namespace create x --server other:5");
  setenv("NMQ_SERVER", "nmq.example.com", 1);
  setenv("NMQ_NAMESPACE", "shop", 1);
  EXPECT_EQ(MustParse({"pub", "DB", "a", "--", "--server"}).asked.Command("x"), "nmq x");
}

TEST_F(ArgumentsTest, WhatNobodyTypedIsOfTheEnvironment) {
  setenv("NMQ_NAMESPACE", "shop", 1);
  setenv("NMQ_TOKEN", "t", 1);
  EXPECT_THAT(MustParse({"context", "add", "x", "--token", "u", "--server", "h:1"}).from_environment,
              ElementsAre("--namespace"));
}

TEST_F(ArgumentsTest, WhatAsksAServerAsksTheOneOfTheContext) {
  const std::string folder = absl::StrCat(::testing::TempDir(), "/kept");
  setenv("XDG_CONFIG_HOME", folder.c_str(), 1);
  const Contexts contexts = {.by_name = {{"prod", {.server = "prod:1"}}}, .used = "prod"};
  ASSERT_TRUE(SaveContexts(contexts, ContextsPath()).ok());
  for (const std::vector<const char*>& words : {std::vector<const char*>{"queues"},
                                                {"pub", "DB", "a"},
                                                {"sub", "DB"},
                                                {"ping"},
                                                {"info"},
                                                {"watch"},
                                                {"top"},
                                                {"bench", "pub", "DB"},
                                                {"queue", "create", "DB"},
                                                {"whoami"},
                                                {"can", "publish", "DB"}}) {
    const Arguments arguments = MustParse(words);
    EXPECT_EQ(arguments.server, "prod:1") << words[0];
    EXPECT_EQ(arguments.asked.context, "prod") << words[0];
  }
  for (const std::vector<const char*>& words : {std::vector<const char*>{"token", "x"}, {"context", "list"}}) {
    EXPECT_EQ(MustParse(words).server, kDefaultServer) << words[0];
  }
}

TEST_F(ArgumentsTest, RoomsAreHeardByTheirMembers) {
  ExpectUsage({"sub", "DB", "--room", "kitchen"}, "--join ROOM");
  ExpectUsage({"sub", "DB", "--room=kitchen"}, "--join ROOM");
  ExpectUsage({"reply", "DB", "--payload", "x", "--room", "kitchen"}, "--join ROOM");
}

TEST_F(ArgumentsTest, ChangesKnowWhatTheyChange) {
  EXPECT_EQ(MustParse({"queue", "delete", "sub"}).queue, "sub");
  EXPECT_EQ(MustParse({"queue", "purge", "JOBS", "--up-to", "7"}).change.up_to, 7u);
  EXPECT_FALSE(MustParse({"queue", "update", "JOBS"}).change.bytes_max.has_value());
  EXPECT_EQ(MustParse({"namespace", "create", "shop"}).change.automatic_queues, std::nullopt);
  EXPECT_EQ(MustParse({"namespace", "update", "shop", "--automatic-queues", "false"}).change.automatic_queues, false);
  EXPECT_EQ(MustParse({"namespace", "delete", "shop"}).name, "shop");
  const Arguments group = MustParse({"group", "create", "JOBS", "workers", "--from", "earliest", "--attempts", "3"});
  EXPECT_EQ(group.command, Command::kGroupCreate);
  EXPECT_EQ(group.queue, "JOBS");
  EXPECT_EQ(group.group.name, "workers");
  EXPECT_EQ(group.group.attempts, 3u);
  EXPECT_TRUE(group.start.earliest());
  EXPECT_EQ(
      MustParse({"group", "seek", "JOBS", "workers", "--from", "time:2026-01-31T12:00:00Z"}).start.time().seconds(),
      1769860800);
  ExpectUsage({"group", "seek", "JOBS", "workers"}, "--from");
  ExpectUsage({"group", "pause", "JOBS"}, "GROUP");
  EXPECT_EQ(MustParse({"dead", "redrive", "JOBS.dead", "--count", "5"}).count, 5u);
  EXPECT_EQ(MustParse({"dead", "list"}).command, Command::kDeadList);
  const Arguments move = MustParse({"move", "--room", "red", "--join", "a", "--leave", "b"});
  EXPECT_EQ(move.room, "red");
  EXPECT_THAT(move.join, ElementsAre("a"));
  EXPECT_THAT(move.change.leave, ElementsAre("b"));
  EXPECT_TRUE(MustParse({"disconnect", "--all", "--reason", "bye"}).change.all);
  ExpectUsage({"queue"}, "needs a command");
}

}  // namespace
}  // namespace cli
}  // namespace nmq
