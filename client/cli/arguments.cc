#include "client/cli/arguments.h"

#include <sstream>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/proto_time.h"
#include "client/cli/address.h"
#include "client/cli/command_line.h"

namespace nmq {
namespace cli {
namespace {

bool ParsePairs(const std::vector<std::string>& texts, const char* option, std::map<std::string, std::string>* pairs,
                std::string* error) {
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      *error = absl::StrCat(option, ": \"", text, "\" is not of the form NAME=VALUE");
      return false;
    }
    (*pairs)[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return true;
}

bool ParseWhere(const std::vector<std::string>& texts, std::vector<v1::HeaderFilter>* where, std::string* error) {
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    v1::HeaderFilter& filter = where->emplace_back();
    filter.set_name(text.substr(0, equals));
    if (equals != std::string::npos) filter.set_value(text.substr(equals + 1));
    if (!filter.name().empty()) continue;
    *error = absl::StrCat("--where: \"", text, "\" is neither of the form NAME=VALUE nor a NAME");
    return false;
  }
  return true;
}

// Leaves `*duration` alone if there is no text.
bool ParseTime(const std::string& text, const char* option, absl::Duration* duration, std::string* error) {
  constexpr absl::Duration kTimeMax = absl::Hours(24 * 365);
  if (text.empty()) return true;
  if (absl::ParseDuration(text, duration) && *duration > absl::ZeroDuration() && *duration <= kTimeMax) return true;
  *error = absl::StrCat(option, ": \"", text, "\" is no time such as 500ms, 30s or 1h, of at most 8760h");
  return false;
}

bool ParseFrom(absl::string_view text, v1::StartPosition* start, std::string* error) {
  uint64_t number = 0;
  if (text == "new") return true;
  if (text == "earliest") {
    start->set_earliest(true);
    return true;
  }
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "last:") && absl::SimpleAtoi(rest, &number) && number > 0) {
    start->set_last(number);
    return true;
  }
  rest = text;
  if (absl::ConsumePrefix(&rest, "seq:") && absl::SimpleAtoi(rest, &number) && number > 0) {
    start->set_sequence(number);
    return true;
  }
  absl::Time time;
  rest = text;
  if (absl::ConsumePrefix(&rest, "time:") && absl::ParseTime(absl::RFC3339_full, rest, &time, nullptr)) {
    SetTime(time, start->mutable_time());
    return true;
  }
  *error = absl::StrCat("--from: \"", text,
                        "\" is none of new, earliest, last:N, seq:N, with N from 1 on, time:2026-01-31T12:00:00Z");
  return false;
}

bool CompleteChange(const Typed& typed, Arguments::Change* change, std::string* error) {
  if (typed.durability == "live") change->durability = v1::DURABILITY_LIVE;
  if (typed.durability == "durable") change->durability = v1::DURABILITY_DURABLE;
  if (typed.durability == "buffered") change->durability = v1::DURABILITY_BUFFERED;
  if (typed.bytes_max > 0) change->bytes_max = typed.bytes_max;
  if (typed.messages_max > 0) change->messages_max = typed.messages_max;
  if (!typed.automatic_queues.empty()) change->automatic_queues = typed.automatic_queues == "true";
  if (typed.age_max.empty()) return true;
  absl::Duration age;
  if (!absl::ParseDuration(typed.age_max, &age) || age <= absl::ZeroDuration()) {
    *error = absl::StrCat("--max-age: \"", typed.age_max, "\" is no time such as 90s or 12h");
    return false;
  }
  change->age_max = age;
  return true;
}

// Moves over what needs more than a type; false with an error otherwise.
bool Complete(const CLI::App& app, const Typed& typed, Arguments* arguments, std::string* error) {
  if (const std::string why = WhyNoAddress(arguments->server); !why.empty()) {
    *error = absl::StrCat("--server, or NMQ_SERVER: \"", arguments->server, "\" is no address: ", why);
    return false;
  }
  if (!ParsePairs(typed.headers, "--header", &arguments->headers, error)) return false;
  if (!ParsePairs(typed.labels, "--label", &arguments->labels, error)) return false;
  if (!ParseWhere(typed.where, &arguments->where, error)) return false;
  if (!ParseFrom(typed.from, &arguments->start, error)) return false;
  if (!absl::ParseDuration(typed.timeout, &arguments->timeout) || arguments->timeout <= absl::ZeroDuration() ||
      arguments->timeout > absl::Hours(24)) {
    *error = absl::StrCat("--timeout: \"", typed.timeout, "\" is no time such as 500ms, 5s or 1m, of at most a day");
    return false;
  }
  if (!ParseTime(typed.delay, "--delay", &arguments->delay, error)) return false;
  if (!ParseTime(typed.expire_in, "--expire-in", &arguments->expire_in, error)) return false;
  absl::Duration* const ack_deadline = &arguments->group.ack_deadline;
  if (!typed.ack_deadline.empty() &&
      (!absl::ParseDuration(typed.ack_deadline, ack_deadline) || *ack_deadline < absl::Seconds(1))) {
    *error = absl::StrCat("--ack-deadline: \"", typed.ack_deadline, "\" is no time such as 30s or 5m, from 1s on");
    return false;
  }
  if (!CompleteChange(typed, &arguments->change, error)) return false;
  if (typed.overflow == "drop-oldest") arguments->overflow = v1::OVERFLOW_DROP_OLDEST;
  if (typed.overflow == "drop-newest") arguments->overflow = v1::OVERFLOW_DROP_NEWEST;
  if (typed.overflow == "keep-latest") arguments->overflow = v1::OVERFLOW_KEEP_LATEST;
  if (typed.overflow == "hold") arguments->overflow = v1::OVERFLOW_HOLD;
  if (typed.overflow == "disconnect") arguments->overflow = v1::OVERFLOW_DISCONNECT;
  if (typed.count > 0) arguments->count = typed.count;
  if (app.get_subcommand("watch")->count("--after") > 0) arguments->after = typed.after;
  if (app.get_subcommand("pub")->count("--expect-last") > 0) arguments->expected_last = typed.expected_last;
  arguments->lines = arguments->command == Command::kPub && arguments->payload == "-";
  if (arguments->lines && (arguments->expected_last.has_value() || !arguments->request_id.empty())) {
    *error = "--request-id and --expect-last are for one message, and not for lines";
    return false;
  }
  return true;
}

// Of words that no command takes, or empty if there are none. CLI11 would rather say that a command is missing, and
// tells words from the last to the first.
std::string ExplainUnknown(const CLI::App& app) {
  const std::vector<std::string> unknown = app.remaining(true);
  if (unknown.empty()) return "";
  std::string given = "nmq";
  const CLI::App* last = &app;
  while (!last->get_subcommands().empty()) {
    last = last->get_subcommands().front();
    absl::StrAppend(&given, " ", last->get_name());
  }
  const std::string see = absl::StrCat("; see \"", given, " --help\"\n");
  if (last->get_require_subcommand_min() == 0) {
    return absl::StrCat("\"", given, "\" does not take: ", absl::StrJoin(unknown, " "), see);
  }
  const std::string command = absl::StrCat(given, " ", unknown.front());
  return absl::StrCat("there is no command \"", absl::StripPrefix(command, "nmq "), "\"", see);
}

Parsed Usage(const std::string& text) { return {.arguments = std::nullopt, .text = text, .exit_code = 2}; }

}  // namespace

Parsed Parse(int argc, const char* const* argv) {
  Arguments arguments;
  Typed typed;
  CLI::App app("nmq talks to nmqd: publish, hear, and see who is there.", "nmq");
  AddCommands(&app, &arguments, &typed);
  // CLI11 speaks in exceptions; they end here.
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    if (app.exit(error, out, err) == 0) return {.arguments = std::nullopt, .text = out.str(), .exit_code = 0};
    const std::string unknown = ExplainUnknown(app);
    return Usage(absl::StrCat("nmq: ", unknown.empty() ? err.str() : unknown));
  }
  std::string error;
  if (!Complete(app, typed, &arguments, &error)) return Usage(absl::StrCat("nmq: ", error, "\n"));
  return {.arguments = std::move(arguments), .text = "", .exit_code = 0};
}

}  // namespace cli
}  // namespace nmq
