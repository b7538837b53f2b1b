#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/explain.h"
#include "client/cli/human.h"
#include "client/cli/json.h"
#include "client/cli/message_template.h"
#include "client/cpp/client.h"

namespace nmq {
namespace cli {
namespace {

// How long to wait for a server that went away in the middle.
constexpr absl::Duration kGiveUpAfter = absl::Seconds(3);

std::string AsJson(const PublishResult& result) {
  JsonWriter json;
  json.BeginObject().Key("id").String(result.id).Key("epoch").Integer(result.epoch);
  json.Key("sequence").Integer(result.sequence).Key("matched").Integer(result.matched.value_or(0));
  json.Key("duplicate").Bool(result.duplicate).Key("storage").String(EnumName(result.storage)).EndObject();
  return json.json();
}

std::string AsText(const PublishResult& result, const Arguments& arguments) {
  const std::string what = absl::StrCat(arguments.queue, " ", arguments.event);
  const bool waits = result.sequence == 0;
  if (result.duplicate) {
    return waits ? absl::StrCat(what, ": published before, to come at its time")
                 : absl::StrCat(what, " ", result.sequence, ": published before as ", result.id);
  }
  if (waits) return absl::StrCat(what, ": published, to come in ", absl::FormatDuration(arguments.delay));
  const uint64_t matched = result.matched.value_or(0);
  return absl::StrCat(what, " ", result.sequence, ": published as ", result.id, ", heard by ", Count(matched),
                      matched == 1 ? " subscription" : " subscriptions");
}

int PublishOne(Client* client, const Arguments& arguments, Output* out, Output* err) {
  Message message = MakeTemplate(arguments);
  message.set_payload(arguments.payload);
  message.set_request_id(arguments.request_id);
  SetTimes(arguments, absl::Now(), &message);
  const absl::StatusOr<PublishResult> result =
      client->Publish(message, {.expected_last_sequence = arguments.expected_last, .count_matches = true});
  if (!result.ok()) return Fail(result.status(), arguments, err);
  out->WriteLine(arguments.json ? AsJson(*result) : AsText(*result, arguments));
  return Done(*out, err);
}

// One line for each batch that was not accepted.
void ReportBatch(const BatchResult& result, const Arguments& arguments, Output* err) {
  if (result.outcome == BatchOutcome::kAccepted) return;
  const uint64_t first = result.first_message + 1;
  const uint64_t last = result.first_message + result.messages;
  err->WriteLine(
      absl::StrCat("nmq: ", first == last ? absl::StrCat("line ", first) : absl::StrCat("lines ", first, " to ", last),
                   result.outcome == BatchOutcome::kRefused ? " not published: " : " perhaps published: ",
                   Explain(result.status, arguments.server)));
}

int PublishLines(Client* client, const Arguments& arguments, std::istream& in, Output* out, Output* err) {
  const std::unique_ptr<Publisher> publisher =
      client->NewPublisher({.give_up_after = kGiveUpAfter, .on_result = [&arguments, err](const BatchResult& result) {
                              ReportBatch(result, arguments, err);
                            }});
  const Message message = MakeTemplate(arguments);
  absl::Status closed;
  std::string line;
  while (closed.ok() && std::getline(in, line)) {
    Message next = message;
    next.set_payload(std::move(line));
    SetTimes(arguments, absl::Now(), &next);
    closed = publisher->Add(std::move(next));
  }
  const FlushResult result = publisher->Flush();
  if (arguments.json) {
    JsonWriter json;
    json.BeginObject().Key("accepted").Integer(result.accepted).Key("refused").Integer(result.refused);
    json.Key("unknown").Integer(result.unknown).EndObject();
    out->WriteLine(json.json());
  } else {
    std::string text =
        absl::StrCat(Count(result.accepted), result.accepted == 1 ? " message" : " messages", " published");
    if (result.refused > 0) absl::StrAppend(&text, ", ", Count(result.refused), " refused");
    if (result.unknown > 0) absl::StrAppend(&text, ", ", Count(result.unknown), " unknown");
    out->WriteLine(text);
  }
  // What was refused is told already.
  if (!result.status.ok()) return kExitFailed;
  if (!closed.ok()) return Fail(closed, arguments, err);
  return Done(*out, err);
}

}  // namespace

int RunPub(const Arguments& arguments, std::istream& in, Output* out, Output* err) {
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(OptionsFor(arguments));
  if (!client.ok()) return Fail(client.status(), arguments, err);
  return arguments.lines ? PublishLines(client->get(), arguments, in, out, err)
                         : PublishOne(client->get(), arguments, out, err);
}

}  // namespace cli
}  // namespace nmq
