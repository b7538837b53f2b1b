#include "client/cli/message_text.h"

#include <cstdint>
#include <map>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/proto_time.h"
#include "client/cli/human.h"
#include "client/cli/json.h"
#include "client/cli/terminal.h"
#include "client/cli/utf8.h"

namespace nmq {
namespace cli {
namespace {

// In the order of their names.
template <typename Message>
std::map<std::string, std::string> SortedHeaders(const Message& message) {
  return {message.headers().begin(), message.headers().end()};
}

void WriteHeaders(const std::map<std::string, std::string>& headers, JsonWriter* json) {
  json->Key("headers").BeginObject();
  for (const auto& [name, value] : headers) json->Key(name).String(value);
  json->EndObject();
}

void WritePayload(const std::string& payload, JsonWriter* json) {
  if (IsUtf8(payload)) {
    json->Key("payload").String(payload);
  } else {
    json->Key("payload_base64").String(absl::Base64Escape(payload));
  }
}

std::string DeathOf(const v1::DeadLetter& letter) {
  return absl::StrCat("dead=", OneLine(letter.reason()), " attempts=", letter.attempts(),
                      " of=", OneLine(letter.queue()), "/", letter.sequence(), " group=", OneLine(letter.group()));
}

}  // namespace

std::string MessageJson(const v1::Message& message, absl::string_view namespace_name, const Look& look) {
  JsonWriter json;
  json.BeginObject().Key("namespace").String(namespace_name);
  json.Key("queue").String(message.queue()).Key("event").String(message.event());
  json.Key("sequence").Integer(uint64_t{message.sequence()}).Key("epoch").Integer(uint64_t{message.epoch()});
  json.Key("id").String(message.id());
  json.Key("publish_time").String(Rfc3339(ToTime(message.publish_time())));
  json.Key("publisher").String(message.publisher());
  json.Key("rooms").BeginArray();
  for (const std::string& room : message.audience().rooms()) json.String(room);
  json.EndArray();
  WriteHeaders(SortedHeaders(message), &json);
  if (!message.key().empty()) json.Key("key").String(message.key());
  if (!message.content_type().empty()) json.Key("content_type").String(message.content_type());
  if (!message.reply_to().empty()) json.Key("reply_to").String(message.reply_to());
  if (message.attempt() > 1) json.Key("attempt").Integer(uint64_t{message.attempt()});
  if (message.has_dead_letter()) {
    json.Key("dead_letter");
    WriteProto(message.dead_letter(), &json);
  }
  if (!look.headers_only) WritePayload(message.payload(), &json);
  return json.EndObject().json();
}

std::string GapJson(const v1::Gap& gap, absl::string_view namespace_name) {
  JsonWriter json;
  json.BeginObject().Key("namespace").String(namespace_name).Key("gap").BeginObject();
  json.Key("queue").String(gap.queue()).Key("epoch").Integer(uint64_t{gap.epoch()});
  json.Key("first").Integer(uint64_t{gap.first()});
  if (gap.last() > 0) json.Key("last").Integer(uint64_t{gap.last()});
  if (gap.has_count()) json.Key("count").Integer(uint64_t{gap.count()});
  json.Key("reason").String(EnumName(gap.reason()));
  return json.EndObject().EndObject().json();
}

std::string MessageLine(const v1::Message& message, const Look& look) {
  const auto in = [&look](Paint paint, const std::string& text) { return look.colors ? Painted(paint, text) : text; };
  const absl::Time time = ToTime(message.publish_time());
  std::string about = absl::StrCat(" ", message.sequence());
  if (!message.audience().rooms().empty()) {
    absl::StrAppend(&about, " rooms=", OneLine(absl::StrJoin(message.audience().rooms(), ",")));
  }
  if (!message.key().empty()) absl::StrAppend(&about, " key=", OneLine(message.key()));
  if (!message.publisher().empty()) absl::StrAppend(&about, " from=", OneLine(message.publisher()));
  if (message.attempt() > 1) absl::StrAppend(&about, " attempt=", message.attempt());
  for (const auto& [name, value] : SortedHeaders(message)) {
    absl::StrAppend(&about, " ", OneLine(name), "=", OneLine(value));
  }
  std::string line =
      absl::StrCat(in(Paint::kDim, absl::StrCat(look.date ? Date(time) + " " : "", ClockTime(time))), " ",
                   in(Paint::kCyan, OneLine(message.queue())), " ", in(Paint::kBold, OneLine(message.event())), about);
  if (message.has_dead_letter()) absl::StrAppend(&line, " ", in(Paint::kRed, DeathOf(message.dead_letter())));
  if (!look.headers_only) absl::StrAppend(&line, " | ", OneLine(message.payload()));
  return line;
}

std::string AnswerJson(const v1::Answer& answer) {
  JsonWriter json;
  json.BeginObject().Key("client_id").String(answer.client_id());
  if (!answer.content_type().empty()) json.Key("content_type").String(answer.content_type());
  if (!answer.headers().empty()) WriteHeaders(SortedHeaders(answer), &json);
  WritePayload(answer.payload(), &json);
  if (answer.has_error()) {
    const auto code = static_cast<absl::StatusCode>(answer.error().code());
    json.Key("error").BeginObject().Key("code").String(absl::StatusCodeToString(code));
    json.Key("message").String(answer.error().message()).EndObject();
  }
  return json.EndObject().json();
}

std::string AnswerLine(const v1::Answer& answer) {
  std::string line = OneLine(answer.client_id());
  for (const auto& [name, value] : SortedHeaders(answer))
    absl::StrAppend(&line, " ", OneLine(name), "=", OneLine(value));
  absl::StrAppend(&line, " | ", OneLine(answer.payload()));
  return line;
}

}  // namespace cli
}  // namespace nmq
