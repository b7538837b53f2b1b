#include "tests/bench/socketio/json.h"

#include <google/protobuf/util/json_util.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace nmq::bench {
namespace {

const JsonValue* Find(const JsonObject& object, absl::string_view field) {
  const auto found = object.fields().find(std::string(field));
  return found == object.fields().end() ? nullptr : &found->second;
}

}  // namespace

JsonValue& At(JsonObject& object, absl::string_view field) { return (*object.mutable_fields())[std::string(field)]; }

double NumberAt(const JsonObject& object, absl::string_view field) {
  const JsonValue* const value = Find(object, field);
  return value == nullptr ? 0 : value->number_value();
}

std::string TextAt(const JsonObject& object, absl::string_view field) {
  const JsonValue* const value = Find(object, field);
  return value == nullptr ? "" : value->string_value();
}

absl::StatusOr<std::string> WriteJson(const JsonObject& object) {
  std::string line;
  const auto status = google::protobuf::util::MessageToJsonString(object, &line);
  if (!status.ok()) return absl::InvalidArgumentError(absl::StrCat("not to be written as JSON: ", status.ToString()));
  return line;
}

absl::StatusOr<JsonObject> ReadJson(absl::string_view line) {
  JsonObject object;
  const auto status = google::protobuf::util::JsonStringToMessage({line.data(), line.size()}, &object);
  if (!status.ok()) return absl::InternalError(absl::StrCat("not an object of JSON: ", status.ToString()));
  return object;
}

}  // namespace nmq::bench
