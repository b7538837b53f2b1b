#include "client/cli/explain.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "client/cli/human.h"
#include "client/cli/json.h"
#include "client/cli/utf8.h"

namespace nmq {
namespace cli {
namespace {

// gRPC says what happened behind where it happened.
std::string LastPart(absl::string_view message) {
  const size_t colon = message.rfind(": ");
  if (colon != absl::string_view::npos) message.remove_prefix(colon + 2);
  std::string part(message.data(), message.size());
  if (part.size() > 1 && absl::ascii_islower(static_cast<unsigned char>(part[1]))) {
    part[0] = absl::ascii_tolower(static_cast<unsigned char>(part[0]));
  }
  return part.empty() ? "no answer" : part;
}

// What to do about a server that was not reached, by what gRPC says of it.
absl::string_view Advice(absl::string_view message) {
  if (absl::StrContains(message, "wrong version number")) {
    return "The server speaks no TLS: leave --tls-ca, --tls-certificate and their variables out.";
  }
  // The second is what OpenSSL says of another CA with the same name.
  if (absl::StrContains(message, "certificate verify failed") ||
      absl::StrContains(message, "asn1 encoding routines::EVP lib")) {
    return "The server's certificate is none of that CA, or has expired: see --tls-ca or NMQ_TLS_CA.";
  }
  if (absl::StrContains(message, "is not in peer certificate")) {
    return "Name the server by --server or NMQ_SERVER as its certificate does.";
  }
  // A server that refuses a client's certificate ends the connection, and so does one that ends.
  if (absl::EndsWith(message, "Endpoint read failed")) {
    return "Has nmqd ended? If it asks for certificates, name one that its CA has made with --tls-certificate and "
           "--tls-key.";
  }
  if (absl::EndsWith(message, "Socket closed") || absl::EndsWith(message, "Connection reset by peer")) {
    return "Has nmqd ended? If it serves TLS, name its CA with --tls-ca or NMQ_TLS_CA.";
  }
  return "Is nmqd running? Start it, or name another with --server or NMQ_SERVER.";
}

// What the API calls a field and the command line otherwise. Others are called alike.
constexpr struct {
  absl::string_view field;
  absl::string_view option;
} kOptions[] = {
    {"audience.rooms", "--room"},
    {"audience.clients", "--client"},
    {"audience.except_rooms", "--except"},
    {"audience.except_clients", "--except-client"},
    {"client_id", "the client's id"},
    {"content_type", "--content-type"},
    {"deliver_at", "--delay"},
    {"expected_last_sequence", "--expect-last"},
    {"expire_at", "--expire-in"},
    {"filter", "--room, --queue, --event, --name, --label or --all"},
    {"filter.event", "--event"},
    {"filter.labels", "--label"},
    {"filter.name", "--name"},
    {"filter.queue", "--queue"},
    {"filter.room", "--room"},
    {"group.ack_deadline", "--ack-deadline"},
    {"group.attempts_max", "--attempts"},
    {"group.dead_letter_queue", "--dead-letters"},
    {"group.name", "--group"},
    {"group.rooms", "--room"},
    {"headers", "--header"},
    {"join", "--join"},
    {"key", "--key"},
    {"labels", "--label"},
    {"leave", "--leave"},
    {"overflow_messages", "--overflow-messages"},
    {"patterns.event", "event"},
    {"patterns.queue", "queue"},
    {"reason", "--reason"},
    {"request_id", "--request-id"},
    {"retention.age", "--max-age"},
    {"retention.bytes", "--max-bytes"},
    {"retention.messages", "--max-messages"},
    {"rooms", "--join"},
    {"start.last", "--from last"},
    {"start.sequence", "--from seq"},
    {"start.time", "--from time"},
    {"timeout", "--timeout"},
    {"up_to_sequence", "--up-to"},
};

// "audience.rooms[2]" without the number.
std::string WithoutNumbers(absl::string_view field) {
  std::string name;
  for (const char c : field) {
    if (c != '[' && c != ']' && !absl::ascii_isdigit(c)) name += c;
  }
  return name;
}

// The library's "ClientOptions.tls_ca: ..." is "--tls-ca: ..." here, the server's "audience.rooms[0]: ..." is "--room:
// ...".
std::string WithOption(absl::string_view message) {
  const size_t colon = message.find(": ");
  if (colon == absl::string_view::npos) return std::string(message);
  absl::string_view field = message.substr(0, colon);
  const absl::string_view rest = message.substr(colon);
  if (absl::ConsumePrefix(&field, "ClientOptions.")) {
    return absl::StrCat("--", absl::StrReplaceAll(field, {{"_", "-"}}), rest);
  }
  // A message of a batch: its number counts in a batch that nobody has seen.
  if (absl::StartsWith(field, "messages[")) {
    const size_t dot = field.find("].");
    return WithOption(dot == absl::string_view::npos ? rest.substr(2) : message.substr(dot + 2));
  }
  const std::string name = WithoutNumbers(field);
  for (const auto& [known, option] : kOptions) {
    if (name == known) return absl::StrCat(option, rest);
  }
  return std::string(message);
}

// Commands in the place of the rpcs that the server names.
std::string WithCommands(const std::string& message, const absl::Status& status, const Asked& asked) {
  const std::string name_space = absl::StrCat("namespace create ", MetadataOf(status, "namespace"));
  const std::string queue = absl::StrCat("queue create ", MetadataOf(status, "queue"));
  return absl::StrReplaceAll(
      message, {{"Admin.CreateNamespace", absl::StrCat("\"", asked.Command(name_space, /*in_namespace=*/false), "\"")},
                {"Admin.CreateQueue", absl::StrCat("\"", asked.Command(queue), "\"")},
                {"; Connect again", "; start the command again"},
                {"; Connect gives one", "; start the command again"}});
}

// Letters that the server wrote as \xc3\xa4, in its quotes, as themselves. It writes a backslash as two.
std::string WithLetters(absl::string_view message) {
  std::string text;
  while (!message.empty()) {
    std::string bytes;
    size_t size = 0;
    while (absl::StartsWith(message.substr(size), "\\x") && size + 4 <= message.size()) {
      const std::string byte = absl::HexStringToBytes(message.substr(size + 2, 2));
      if (absl::ascii_iscntrl(static_cast<unsigned char>(byte[0]))) break;
      bytes += byte;
      size += 4;
    }
    if (!bytes.empty() && IsUtf8(bytes)) {
      text += bytes;
    } else {
      size = absl::StartsWith(message, "\\\\") ? 2 : 1;
      absl::StrAppend(&text, message.substr(0, size));
    }
    message.remove_prefix(size);
  }
  return text;
}

// What the server or the library says, for the one who typed a command.
std::string InWords(const absl::Status& status, const Asked& asked) {
  if (status.message().empty()) return "no reason given";
  return WithLetters(WithCommands(OneLine(WithOption(status.message())), status, asked));
}

// Another server might answer otherwise.
bool MayBeOfAnother(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status);
}

// Nobody typed this address: it may not be the one that is meant.
std::string OfContext(absl::string_view server, const Asked& asked) {
  return asked.context.empty() ? OneLine(server)
                               : absl::StrCat(OneLine(server), " of the context ", OneLine(asked.context));
}

std::string Reason(v1::GapReason reason) {
  switch (reason) {
    case v1::GAP_REASON_SLOW_SUBSCRIBER:
      return ": this subscriber was too slow";
    case v1::GAP_REASON_NOT_HELD:
      return ": the queue no longer holds them";
    case v1::GAP_REASON_EPOCH_CHANGED:
      return ": the queue has begun anew";
    case v1::GAP_REASON_DROPPED_NEWEST:
      return ": this subscriber was too slow for the newest";
    case v1::GAP_REASON_SUPERSEDED:
      return ": newer ones with their keys follow";
    case v1::GAP_REASON_EXPIRED:
      return ": their time was over";
    case v1::GAP_REASON_PURGED:
      return ": they were purged";
    case v1::GAP_REASON_RETENTION:
      return ": the queue gave them up before they were done";
    default:
      return "";
  }
}

}  // namespace

std::string Explain(const absl::Status& status, absl::string_view server, const Asked& asked) {
  const std::string reason = ReasonOf(status);
  if (absl::IsUnavailable(status) && reason.empty()) {
    return absl::StrCat("cannot reach ", OfContext(server, asked), ": ", LastPart(status.message()), ". ",
                        Advice(status.message()));
  }
  std::string text = InWords(status, asked);
  absl::StrAppend(&text, " (", absl::StatusCodeToString(status.code()));
  if (!reason.empty()) absl::StrAppend(&text, ", ", reason);
  if (!asked.context.empty() && MayBeOfAnother(status)) absl::StrAppend(&text, "; asked ", OfContext(server, asked));
  return text + ")";
}

std::string ErrorJson(const absl::Status& status, absl::string_view server, const Asked& asked) {
  const std::string reason = ReasonOf(status);
  JsonWriter json;
  json.BeginObject().Key("error").BeginObject().Key("code").String(absl::StatusCodeToString(status.code()));
  if (!reason.empty()) json.Key("reason").String(reason);
  for (const char* about : {"field", "limit", "value", "bound", "namespace", "queue", "event", "client"}) {
    const std::string value = MetadataOf(status, about);
    if (!value.empty()) json.Key(about).String(value);
  }
  const bool unreached = absl::IsUnavailable(status) && reason.empty();
  if (!asked.context.empty()) json.Key("context").String(asked.context);
  json.Key("message").String(unreached ? Explain(status, server, asked) : InWords(status, asked));
  return json.EndObject().EndObject().json();
}

std::string ExplainBriefly(const absl::Status& status, const Asked& asked) {
  const bool by_server = !absl::IsUnavailable(status) || !ReasonOf(status).empty();
  return by_server ? InWords(status, asked) : OneLine(LastPart(status.message()));
}

std::string Explain(const v1::Gap& gap) {
  std::string text = "messages";
  if (gap.has_count())
    text = gap.count() == 1 ? "at most 1 message" : absl::StrCat("at most ", Count(gap.count()), " messages");
  absl::StrAppend(&text, " of ", OneLine(gap.queue()), " missing (");
  if (gap.last() == 0) {
    absl::StrAppend(&text, "from sequence ", gap.first(), " on");
  } else if (gap.first() == gap.last()) {
    absl::StrAppend(&text, "sequence ", gap.first());
  } else {
    absl::StrAppend(&text, "sequences ", gap.first(), " to ", gap.last());
  }
  return absl::StrCat(text, ")", Reason(gap.reason()));
}

}  // namespace cli
}  // namespace nmq
