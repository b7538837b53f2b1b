// Wrong inputs, made from the tables of options and flags: each is answered by a line that names what is wrong.
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/cli/arguments.h"
#include "client/cli/command_line.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/cli/nmq.h"
#include "tests/integration/nmqd.h"

namespace nmq::integration {
namespace {

constexpr absl::Duration kHang = absl::Seconds(5);
constexpr size_t kLengthMax = 200;

struct Case {
  Words words;
  // What the answer names.
  std::vector<std::string> named;
};

// Values that no option of this kind takes.
std::vector<std::string> WrongValues(const std::string& kind) {
  if (kind == "COUNT") return {"abc", "-1", "1.5", "99999999999999999999", ""};
  if (kind == "SIZE") return {"abc", "10QB", "-5", "0", ""};
  if (kind == "TIME") return {"abc", "10", "-1s", "999999d", ""};
  if (kind == "FILE") return {"/nowhere/file", "/", ""};
  if (kind == "NAME=VALUE") return {"=x", ""};
  if (kind.find('|') != std::string::npos) return {"other", "LIVE", ""};
  return {""};
}

// Words that make the command right but for what a case adds.
Words Needed(const CLI::App& command) {
  Words words;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional() || !option->get_required()) continue;
    // A right is one of a few words.
    words.push_back(option->get_name(/*positional=*/true) == "RIGHT" ? "publish" : "word");
  }
  return words;
}

// Texts that may be empty.
bool MayBeEmpty(const CLI::Option& option) {
  const std::string name = option.get_name(/*positional=*/true);
  return absl::StrContains(name, "PAYLOAD") || absl::StrContains(name, "--payload");
}

void AddCases(const CLI::App& command, const Words& path, std::vector<Case>* cases) {
  const Words needed = Needed(command);
  const auto with = [&path](const Words& more) {
    Words words = path;
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_lnames().empty() || option->get_items_expected_max() == 0 || MayBeEmpty(*option)) continue;
    const std::string name = "--" + option->get_lnames().front();
    for (const std::string& value : WrongValues(option->get_type_name())) {
      Case wrong = {with(needed), {name}};
      wrong.words.insert(wrong.words.end(), {name, value});
      if (!value.empty()) wrong.named.push_back(value);
      cases->push_back(std::move(wrong));
    }
    cases->push_back({with({name}), {name}});
  }
  if (path.empty()) return;
  if (command.get_require_subcommand_min() > 0) {
    cases->push_back({with({}), {absl::StrJoin(path, " "), "--help"}});
    cases->push_back({with({"nonsense"}), {"nonsense", "--help"}});
    return;
  }
  Case unknown = {with(needed), {"--nonsense"}};
  unknown.words.push_back("--nonsense");
  cases->push_back(std::move(unknown));
  if (!needed.empty()) cases->push_back({path, {"is required", "--help"}});
}

void AddAll(const CLI::App& app, const Words& path, std::vector<Case>* cases) {
  if (!path.empty()) AddCases(app, path, cases);
  for (const CLI::App* part : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (part->get_name().empty()) continue;
    Words next = path;
    next.push_back(part->get_name());
    AddAll(*part, next, cases);
  }
}

void ExpectAnswered(const Ran& ran, const std::vector<std::string>& named, const std::string& what) {
  EXPECT_TRUE(ran.code == 1 || ran.code == 2) << what << " ends with " << ran.code;
  EXPECT_EQ(ran.out, "") << what;
  EXPECT_TRUE(IsOneLine(ran.err)) << what;
  EXPECT_LT(ran.err.size(), kLengthMax) << what << ": " << ran.err;
  for (const std::string& name : named) EXPECT_THAT(ran.err, testing::HasSubstr(name)) << what;
}

TEST(WrongInputs, EveryOptionOfEveryCommandSaysWhatIsWrong) {
  cli::Arguments arguments;
  cli::Typed typed;
  CLI::App app("", "nmq");
  cli::AddCommands(&app, {.arguments = &arguments, .typed = &typed});
  std::vector<Case> cases;
  AddAll(app, {}, &cases);
  std::vector<Case> global;
  AddCases(app, {}, &global);
  for (Case& wrong : global) {
    wrong.words.insert(wrong.words.begin(), "queues");
    cases.push_back(std::move(wrong));
  }
  EXPECT_GE(cases.size(), 300u);
  for (const Case& wrong : cases) {
    const Ran ran = Nmq("127.0.0.1:1", wrong.words, {.patience = kHang});
    ExpectAnswered(ran, wrong.named, absl::StrJoin(wrong.words, " "));
    if (HasFailure()) break;
  }
}

TEST(WrongInputs, AddressesSaysWhatOneLooksLike) {
  for (const char* server : {"127.0.0.1:99999", "127.0.0.1:0", "http://127.0.0.1:5/shop", "grpc://127.0.0.1:5", "a:b:5",
                             ":5", "a b:x", "127.0.0.1:", "http://", "https://user@h", "[::g]:5", "localhost:-1"}) {
    ExpectAnswered(Nmq(server, {"queues"}, {.patience = kHang}), {"--server, or NMQ_SERVER", server, "HOST:PORT"},
                   server);
  }
}

TEST(WrongInputs, EveryFlagOfTheServerSaysWhatIsWrong) {
  const Ran help = RunProgram(kNmqdPath, {"--help"});
  std::set<std::string> flags;
  for (const absl::string_view line : absl::StrSplit(help.out, '\n')) {
    if (!absl::StartsWith(line, "  --")) continue;
    const std::string flag(line.substr(2, line.find_first_of(" ,", 2) - 2));
    if (flag != "--help" && flag != "--version") flags.insert(flag);
  }
  EXPECT_GE(flags.size(), 12u);
  // Those whose values are no free text, and what they are.
  const std::map<std::string, std::string> kinds = {{"--threads", "a whole number from 0 to 64"},
                                                    {"--drain_grace", "a time from 0s to 8s"},
                                                    {"--transport", "http2 or grpc"},
                                                    {"--accept_data_loss", "true or false"},
                                                    {"--health_check", "true or false"},
                                                    {"--print_reference", "true or false"}};
  for (const std::string& flag : flags) {
    const auto kind = kinds.find(flag);
    Words values = {"nonsense"};
    if (kind != kinds.end()) values = {"nonsense", "-1", "99999999999999999999", ""};
    if (flag == "--data_dir" || flag == "--audit_log") values = {"/proc/nonsense"};
    for (const std::string& value : values) {
      const std::string word = absl::StrCat(flag, "=", value);
      Words words = {word};
      if (flag != "--listen") words.push_back("--listen=127.0.0.1:0");
      const Ran ran = RunProgram(kNmqdPath, words, {.patience = kHang});
      ExpectAnswered(ran, {kind != kinds.end() ? kind->second : value.empty() ? flag : ""}, word);
      if (kind != kinds.end()) {
        EXPECT_EQ(ran.code, 2) << word;
      }
    }
    const Ran unknown = RunProgram(kNmqdPath, {flag + "x=1"}, {.patience = kHang});
    ExpectAnswered(unknown, {flag + "x", "nmqd --help"}, flag + "x");
  }
}

}  // namespace
}  // namespace nmq::integration
