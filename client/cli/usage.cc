#include "client/cli/usage.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "client/cli/human.h"
#include "client/cli/json.h"
#include "client/cli/suggest.h"
#include "client/cli/terminal.h"

namespace nmq {
namespace cli {
namespace {

// "nmq queue create".
std::string NameOf(const CLI::App& command) {
  return command.get_parent() == nullptr ? command.get_name()
                                         : absl::StrCat(NameOf(*command.get_parent()), " ", command.get_name());
}

std::string SeeHelp(const CLI::App& command) { return absl::StrCat("; see \"", NameOf(command), " --help\""); }

std::vector<std::string> NamesOfCommands(const CLI::App& noun) {
  std::vector<std::string> names;
  for (const CLI::App* command : noun.get_subcommands([](const CLI::App*) { return true; })) {
    if (!command->get_name().empty()) names.push_back(command->get_name());
  }
  return names;
}

// Those that `command` takes, with those of what stands before it.
std::vector<std::string> NamesOfOptions(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* app = &command; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

std::string DidYouMean(const std::string& nearest, absl::string_view before = "") {
  return nearest.empty() ? "" : absl::StrCat("; did you mean \"", before, nearest, "\"?");
}

std::string NoCommand(const CLI::App& noun, const std::string& word) {
  const std::string name = absl::StrCat(NameOf(noun), " ");
  const absl::string_view before = absl::StripPrefix(name, "nmq ");
  const std::string nearest = Nearest(word, NamesOfCommands(noun));
  return absl::StrCat("there is no command \"", before, OneLine(CutTo(40, word)), "\"",
                      DidYouMean(nearest, absl::StrCat("nmq ", before)), nearest.empty() ? SeeHelp(noun) : "");
}

// Rooms are heard by their members only, which newcomers say otherwise.
std::string OfRoom(const CLI::App& command, const std::vector<std::string>& unknown) {
  std::vector<std::string> known = NamesOfOptions(command);
  const auto is_room = [](const std::string& word) { return word == "--room" || absl::StartsWith(word, "--room="); };
  if (std::none_of(unknown.begin(), unknown.end(), is_room)) return "";
  if (std::find(known.begin(), known.end(), "--join") == known.end()) return "";
  return "; a room is heard by its members: \"--join ROOM\" makes this client one";
}

std::string NotTaken(const CLI::App& command, const std::vector<std::string>& unknown) {
  if (const std::string room = OfRoom(command, unknown); !room.empty()) {
    return absl::StrCat("\"", NameOf(command), "\" does not take: ", CutTo(60, OneLine(absl::StrJoin(unknown, " "))),
                        room);
  }
  std::string nearest;
  for (const std::string& word : unknown) {
    if (absl::StartsWith(word, "--") && nearest.empty()) {
      nearest = Nearest(word.substr(0, word.find('=')), NamesOfOptions(command));
    }
  }
  return absl::StrCat("\"", NameOf(command), "\" does not take: ", CutTo(60, OneLine(absl::StrJoin(unknown, " "))),
                      DidYouMean(nearest), nearest.empty() ? SeeHelp(command) : "");
}

}  // namespace

bool AsksForJson(const std::vector<std::string>& words) {
  const auto end = std::find(words.begin(), words.end(), "--");
  return std::find(words.begin(), end, "--json") != end;
}

const CLI::App* LastOf(const CLI::App& app) {
  const CLI::App* last = &app;
  while (!last->get_subcommands().empty()) last = last->get_subcommands().front();
  return last;
}

absl::StatusOr<const CLI::App*> CommandOf(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* command = &app;
  for (const std::string& word : words) {
    if (absl::StartsWith(word, "-")) continue;
    const std::vector<std::string> names = NamesOfCommands(*command);
    if (std::find(names.begin(), names.end(), word) == names.end()) {
      return absl::InvalidArgumentError(NoCommand(*command, word));
    }
    command = command->get_subcommand(word);
  }
  return command;
}

std::string HelpOf(const CLI::App& command) {
  return command.get_parent() == nullptr
             ? command.help()
             : command.get_formatter()->make_help(&command, NameOf(command), CLI::AppFormatMode::Normal);
}

std::string ExplainError(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& words) {
  const CLI::App* const command = LastOf(app);
  // CLI11 would rather say that a command is missing, and tells words from the last to the first.
  const std::vector<std::string> unknown = app.remaining(true);
  const bool is_noun = command->get_require_subcommand_min() > 0;
  if (!unknown.empty() && is_noun && !absl::StartsWith(unknown.front(), "-"))
    return NoCommand(*command, unknown.front());
  if (!unknown.empty()) return NotTaken(*command, unknown);
  if (is_noun && words.empty()) return absl::StrCat("a command is missing\n\n", app.help());
  if (is_noun) {
    return absl::StrCat("\"", NameOf(*command), "\" needs a command: ", absl::StrJoin(NamesOfCommands(*command), ", "),
                        SeeHelp(*command));
  }
  std::string text(absl::StripAsciiWhitespace(error.what()));
  return absl::StrContains(text, "; ") || absl::StrContains(text, " is no") ? text
                                                                            : absl::StrCat(text, SeeHelp(*command));
}

Parsed Usage(absl::string_view text, bool json) {
  std::string line = absl::StrCat("nmq: ", text, "\n");
  if (json) {
    JsonWriter writer;
    writer.BeginObject().Key("error").BeginObject().Key("code").String("USAGE").Key("message").String(text);
    line = absl::StrCat(writer.EndObject().EndObject().json(), "\n");
  }
  return {.arguments = std::nullopt, .text = std::move(line), .exit_code = 2};
}

}  // namespace cli
}  // namespace nmq
