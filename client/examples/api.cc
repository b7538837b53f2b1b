#include "client/examples/api.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "client/examples/json.h"

namespace nmq {
namespace examples {
namespace {

constexpr int kLimitDefault = 100;
constexpr int kLimitMax = 1000;

HttpResponse Error(int status, absl::string_view why) {
  return {.status = status, .body = JsonObject().Text("error", why).str()};
}

// What SQLite said; nothing was written.
HttpResponse NotWritten(const absl::Status& status) {
  if (absl::IsNotFound(status)) return Error(404, status.message());
  return {.status = 500, .body = JsonObject().Text("error", status.message()).Bool("written", false).str()};
}

HttpResponse NotAllowed(const HttpRequest& request, const char* allowed) {
  HttpResponse response = Error(405, absl::StrCat(request.method, " does not go with ", request.target));
  response.allow = allowed;
  return response;
}

Message MakeEvent(const char* event, const Record& record) {
  Message message = MakeMessage("DB", event, record.ToJson());
  message.set_content_type("application/json");
  message.set_key(absl::StrCat(record.id));
  (*message.mutable_headers())["source"] = "api_server";
  return message;
}

HttpResponse NotPublished(int64_t id, const Published& published) {
  const bool known = published.outcome == Published::Outcome::kNo;
  return {.status = 503,
          .body = JsonObject()
                      .Text("error", absl::StrCat("the change is written, but ",
                                                  known ? "its event was not published: "
                                                        : "its event is perhaps not published: ",
                                                  published.error))
                      .Number("id", id)
                      .Bool("written", true)
                      .Text("published", known ? "no" : "unknown")
                      .str()};
}

}  // namespace

absl::StatusOr<std::string> BodyToJson(absl::string_view content_type, absl::string_view body) {
  if (body.empty()) return absl::InvalidArgumentError("the body is empty");
  if (!IsUtf8(body)) return absl::InvalidArgumentError("the body is no UTF-8");
  const std::string type =
      absl::AsciiStrToLower(absl::StripAsciiWhitespace(static_cast<std::pair<absl::string_view, absl::string_view>>(
                                                           absl::StrSplit(content_type, absl::MaxSplits(';', 1)))
                                                           .first));
  if (absl::StartsWith(type, "text/")) return JsonString(body);
  absl::StatusOr<std::string> json = NormalizeJson(body);
  if (json.ok() || type == "application/json") return json;
  return JsonString(body);
}

Api::Api(Records* records, Outbox* outbox, absl::Duration patience)
    : patience_(patience), outbox_(outbox), records_(records) {}

HttpResponse Api::Handle(const HttpRequest& request) {
  const std::pair<absl::string_view, absl::string_view> target =
      absl::StrSplit(request.target, absl::MaxSplits('?', 1));
  absl::string_view path = target.first;
  if (path == "/records") {
    if (request.method == "POST") return Create(request);
    if (request.method == "GET") return List(target.second);
    return NotAllowed(request, "GET, POST");
  }
  int64_t id;
  if (absl::ConsumePrefix(&path, "/records/") && absl::SimpleAtoi(path, &id) && absl::StrCat(id) == path) {
    if (request.method == "GET") return Get(id);
    if (request.method == "PUT") return Update(id, request);
    if (request.method == "DELETE") return Delete(id);
    return NotAllowed(request, "GET, PUT, DELETE");
  }
  return Error(404, "there is nothing but /records and /records/ID, where ID is a number");
}

HttpResponse Api::Create(const HttpRequest& request) {
  const absl::StatusOr<std::string> body = BodyToJson(request.content_type, request.body);
  if (!body.ok()) return Error(400, body.status().message());
  return Change("CREATE", 201,
                [this, &body]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return records_->Create(*body, absl::Now()); });
}

HttpResponse Api::Update(int64_t id, const HttpRequest& request) {
  const absl::StatusOr<std::string> body = BodyToJson(request.content_type, request.body);
  if (!body.ok()) return Error(400, body.status().message());
  return Change("UPDATE", 200, [this, id, &body]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return records_->Update(id, *body, absl::Now());
  });
}

HttpResponse Api::Delete(int64_t id) {
  return Change("DELETE", 200, [this, id]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return records_->Delete(id); });
}

HttpResponse Api::Change(const char* event, int status, absl::FunctionRef<absl::StatusOr<Record>()> write) {
  absl::StatusOr<Record> record;
  std::future<Published> answer;
  {
    MutexLock lock(&mu_);
    record = write();
    if (!record.ok()) return NotWritten(record.status());
    answer = outbox_->Publish(MakeEvent(event, *record));
  }
  Published published;
  if (answer.wait_for(absl::ToChronoMilliseconds(patience_)) == std::future_status::ready) {
    published = answer.get();
  } else {
    published.error = absl::StrCat("no answer in ", absl::FormatDuration(patience_));
  }
  if (published.outcome != Published::Outcome::kYes) return NotPublished(record->id, published);
  HttpResponse response{.status = status,
                        .body = JsonObject()
                                    .Number("id", record->id)
                                    .Text("event", absl::StrCat("DB/", event))
                                    .Number("sequence", static_cast<int64_t>(published.sequence))
                                    .str()};
  if (status == 201) response.location = absl::StrCat("/records/", record->id);
  return response;
}

HttpResponse Api::Get(int64_t id) {
  MutexLock lock(&mu_);
  const absl::StatusOr<Record> record = records_->Get(id);
  if (!record.ok())
    return absl::IsNotFound(record.status()) ? Error(404, record.status().message())
                                             : Error(500, record.status().message());
  return {.status = 200, .body = record->ToJson()};
}

HttpResponse Api::List(absl::string_view query) {
  int limit = kLimitDefault;
  for (absl::string_view parameter : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    if (!absl::ConsumePrefix(&parameter, "limit=")) {
      return Error(400, absl::StrCat("there is no parameter '", parameter, "', only limit"));
    }
    if (!absl::SimpleAtoi(parameter, &limit) || limit < 1 || limit > kLimitMax) {
      return Error(400, absl::StrCat("limit must be 1 to ", kLimitMax));
    }
  }
  MutexLock lock(&mu_);
  const absl::StatusOr<std::vector<Record>> records = records_->List(limit);
  if (!records.ok()) return Error(500, records.status().message());
  const std::string list = absl::StrJoin(
      *records, ",", [](std::string* out, const Record& record) { absl::StrAppend(out, record.ToJson()); });
  return {.status = 200, .body = JsonObject().Json("records", absl::StrCat("[", list, "]")).str()};
}

}  // namespace examples
}  // namespace nmq
