#include "client/cli/arguments.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/proto_time.h"
#include "client/cli/asked.h"
#include "client/cli/command_line.h"
#include "client/cli/contexts.h"
#include "client/cli/human.h"
#include "client/cli/usage.h"
#include "client/cli/values.h"
#include "client/cpp/address.h"

namespace nmq {
namespace cli {
namespace {

// What a context keeps, and variables of the environment say, too.
constexpr const char* kOptionsOfContexts[] = {"--server", "--namespace",       "--token",
                                              "--tls-ca", "--tls-certificate", "--tls-key"};

// Of options whose form is checked already.
void MovePairs(const std::vector<std::string>& texts, std::map<std::string, std::string>* pairs) {
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    (*pairs)[text.substr(0, equals)] = text.substr(equals + 1);
  }
}

void MoveWhere(const std::vector<std::string>& texts, std::vector<v1::HeaderFilter>* where) {
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    v1::HeaderFilter& filter = where->emplace_back();
    filter.set_name(text.substr(0, equals));
    if (equals != std::string::npos) filter.set_value(text.substr(equals + 1));
  }
}

// Leaves `*duration` alone if there is no text.
void MoveSpan(const std::string& text, absl::Duration* duration) {
  if (!text.empty()) absl::ParseDuration(text, duration);
}

bool TakeNumber(absl::string_view text, const char* prefix, uint64_t* number) {
  return absl::ConsumePrefix(&text, prefix) && absl::SimpleAtoi(text, number) && *number > 0;
}

// `group`: of a group, which has no last messages.
absl::Status ParseFrom(absl::string_view text, bool group, v1::StartPosition* start) {
  uint64_t number = 0;
  absl::string_view when = text;
  if (text == "new") return absl::OkStatus();
  if (text == "earliest") {
    start->set_earliest(true);
    return absl::OkStatus();
  }
  if (!group && TakeNumber(text, "last:", &number) && number <= 1'000'000) {
    start->set_last(number);
    return absl::OkStatus();
  }
  if (TakeNumber(text, "seq:", &number)) {
    start->set_sequence(number);
    return absl::OkStatus();
  }
  if (absl::ConsumePrefix(&when, "time:")) {
    const std::optional<absl::Time> time = ParseWhen(when, absl::Now(), absl::LocalTimeZone());
    if (time.has_value()) {
      SetTime(*time, start->mutable_time());
      return absl::OkStatus();
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--from: ", Quoted(text), " is none of new, earliest, ", group ? "" : "last:N (to 1,000,000), ",
                   "seq:N (from 1 on), time:2026-01-31T12:00:00Z, time:2026-01-31, time:10m"));
}

void CompleteChange(const Typed& typed, Arguments::Change* change) {
  if (typed.durability == "live") change->durability = v1::DURABILITY_LIVE;
  if (typed.durability == "durable") change->durability = v1::DURABILITY_DURABLE;
  if (typed.durability == "buffered") change->durability = v1::DURABILITY_BUFFERED;
  if (typed.bytes_max > 0) change->bytes_max = typed.bytes_max;
  if (typed.messages_max > 0) change->messages_max = typed.messages_max;
  if (!typed.automatic_queues.empty()) change->automatic_queues = typed.automatic_queues == "true";
  if (typed.age_max.empty()) return;
  absl::Duration age;
  absl::ParseDuration(typed.age_max, &age);
  change->age_max = age;
}

v1::Overflow OverflowOf(const std::string& word) {
  if (word == "drop-oldest") return v1::OVERFLOW_DROP_OLDEST;
  if (word == "drop-newest") return v1::OVERFLOW_DROP_NEWEST;
  if (word == "keep-latest") return v1::OVERFLOW_KEEP_LATEST;
  if (word == "hold") return v1::OVERFLOW_HOLD;
  return word == "disconnect" ? v1::OVERFLOW_DISCONNECT : v1::OVERFLOW_UNSPECIFIED;
}

// A server is the same however it is written.
std::string OneSpelling(const std::string& server) {
  const auto address = internal::ParseAddress(server);
  return address.ok() ? address->Text() : server;
}

// Fills what no option and no variable says from the context that is named, or used.
absl::Status TakeContext(const CLI::App& app, Arguments* arguments) {
  // Contexts themselves, tokens and certificates are of no server.
  const bool asks_nobody = arguments->command >= Command::kContextAdd && arguments->command <= Command::kCertClient;
  if (asks_nobody && arguments->context.empty()) return absl::OkStatus();
  absl::StatusOr<Contexts> contexts = LoadContexts(ContextsPath());
  if (!contexts.ok()) return contexts.status();
  if (arguments->context.empty()) arguments->context = contexts->used;
  if (arguments->context.empty()) return absl::OkStatus();
  const auto found = contexts->by_name.find(arguments->context);
  if (found == contexts->by_name.end()) {
    std::vector<std::string> names;
    for (const auto& [name, context] : contexts->by_name) names.push_back(name);
    return absl::InvalidArgumentError(absl::StrCat(
        "--context, or NMQ_CONTEXT: there is no context ", Quoted(arguments->context),
        names.empty() ? "; nmq context add makes one" : absl::StrCat("; there are: ", absl::StrJoin(names, ", "))));
  }
  const auto fill = [&app](const char* option, const std::string& value, std::string* target) {
    if (app.get_option(option)->count() == 0) *target = value;
  };
  const bool server_said = app.get_option("--server")->count() > 0;
  // What shows who one is goes to its server alone, unless the context was asked for.
  const bool elsewhere = app.get_option("--context")->count() == 0 && server_said &&
                         OneSpelling(arguments->server) != OneSpelling(found->second.server);
  if (!server_said) arguments->asked.context = arguments->context;
  fill("--server", found->second.server, &arguments->server);
  fill("--namespace", found->second.namespace_name, &arguments->namespace_name);
  if (elsewhere) return absl::OkStatus();
  // What the command line or a variable says of the token wins, whichever of both it is.
  if (app.get_option("--token")->count() + app.get_option("--token-file")->count() == 0) {
    arguments->token = found->second.token;
    arguments->token_file = found->second.token_file;
  }
  fill("--tls-ca", found->second.tls_ca, &arguments->tls_ca);
  fill("--tls-certificate", found->second.tls_certificate, &arguments->tls_certificate);
  fill("--tls-key", found->second.tls_key, &arguments->tls_key);
  return absl::OkStatus();
}

absl::Status CompletePub(const CLI::App& pub, const Typed& typed, Arguments* arguments) {
  const bool given = pub.get_option("PAYLOAD")->count() > 0;
  const bool lines = given && arguments->payload == "-";
  if (!arguments->file.empty() && given && !lines) {
    return absl::InvalidArgumentError("--file: takes no payload but -, for a message of each of its lines");
  }
  using Source = Arguments::Source;
  arguments->source = lines ? Source::kLines : given ? Source::kArgument : Source::kNone;
  if (typed.standard_input || (!arguments->file.empty() && !lines)) arguments->source = Source::kWhole;
  if (pub.count("--expect-last") > 0) arguments->expected_last = typed.expected_last;
  if (lines && (arguments->expected_last.has_value() || !arguments->request_id.empty())) {
    return absl::InvalidArgumentError("--request-id and --expect-last are for one message, and not for lines");
  }
  absl::ParseDuration(typed.wait, &arguments->wait);
  // One message is tried once, unless it is asked for.
  if (!lines && pub.count("--wait") == 0) arguments->wait = absl::ZeroDuration();
  return absl::OkStatus();
}

// Moves over what was typed.
absl::Status Complete(const CLI::App& app, const Typed& typed, Arguments* arguments) {
  absl::Status status = TakeContext(app, arguments);
  if (!status.ok()) return status;
  if (arguments->server.empty()) arguments->server = kDefaultServer;
  const auto address = internal::ParseAddress(arguments->server);
  if (!address.ok()) {
    const std::string said = arguments->asked.context.empty()
                                 ? "--server, or NMQ_SERVER"
                                 : absl::StrCat("the server of the context ", OneLine(arguments->asked.context));
    return absl::InvalidArgumentError(absl::StrCat(said, ": ", address.status().message()));
  }
  arguments->server = address->Text();
  MovePairs(typed.headers, &arguments->headers);
  MovePairs(typed.labels, &arguments->labels);
  MoveWhere(typed.where, &arguments->where);
  const bool group = arguments->command == Command::kGroupCreate || arguments->command == Command::kGroupSeek;
  status = ParseFrom(typed.from, group, &arguments->start);
  if (!status.ok()) return status;
  MoveSpan(typed.timeout, &arguments->timeout);
  MoveSpan(typed.valid, &arguments->valid);
  MoveSpan(typed.delay, &arguments->delay);
  MoveSpan(typed.expire_in, &arguments->expire_in);
  MoveSpan(typed.ack_deadline, &arguments->group.ack_deadline);
  CompleteChange(typed, &arguments->change);
  arguments->overflow = OverflowOf(typed.overflow);
  if (typed.count > 0) arguments->count = typed.count;
  if (app.get_subcommand("watch")->count("--after") > 0) arguments->after = typed.after;
  if (arguments->show.raw && arguments->json) {
    return absl::InvalidArgumentError("--raw excludes --json: payloads as they are, or messages as JSON");
  }
  if (arguments->command != Command::kPub) return absl::OkStatus();
  return CompletePub(*app.get_subcommand("pub"), typed, arguments);
}

Parsed Help(const CLI::App& app) { return {.arguments = std::nullopt, .text = HelpOf(app), .exit_code = 0}; }

}  // namespace

Parsed Parse(int argc, const char* const* argv) {
  Arguments arguments;
  Typed typed;
  CLI::App app("nmq talks to nmqd: publish, hear, and see who is there.", "nmq");
  AddCommands(&app, {.arguments = &arguments, .typed = &typed});
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  const bool json = AsksForJson(words);
  if (!words.empty() && words[0] == "help") {
    const absl::StatusOr<const CLI::App*> command = CommandOf(app, {words.begin() + 1, words.end()});
    return command.ok() ? Help(**command) : Usage(command.status().message(), json);
  }
  // CLI11 speaks in exceptions; they end here.
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Help(*LastOf(app));
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    if (app.exit(error, out, err) == 0) return {.arguments = std::nullopt, .text = out.str(), .exit_code = 0};
    return Usage(ExplainError(app, error, words), json);
  }
  TakeTypedOptions(words, &arguments.asked);
  for (const char* option : kOptionsOfContexts) {
    if (app.get_option(option)->count() > 0 && TypedOption(words, option).empty()) {
      arguments.from_environment.push_back(option);
    }
  }
  const absl::Status status = Complete(app, typed, &arguments);
  if (!status.ok()) return Usage(status.message(), json);
  return {.arguments = std::move(arguments), .text = "", .exit_code = 0};
}

}  // namespace cli
}  // namespace nmq
