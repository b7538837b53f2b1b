#include "client/examples/json.h"

#include <algorithm>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/utf8.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/type_resolver.h"
#include "google/protobuf/util/type_resolver_util.h"
#include "google/protobuf/wrappers.pb.h"

namespace nmq {
namespace examples {
namespace {

constexpr char kUrlPrefix[] = "type.googleapis.com";
constexpr int kDepthMax = 32;

// Goes over the encoded form, which keeps the order of keys; a Value would not.
google::protobuf::util::TypeResolver* Resolver() {
  static auto* const resolver = google::protobuf::util::NewTypeResolverForDescriptorPool(
      kUrlPrefix, google::protobuf::Value::descriptor()->file()->pool());
  return resolver;
}

// How many brackets are open at once, at the most.
int Depth(absl::string_view json) {
  int depth = 0;
  int deepest = 0;
  char quote = 0;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (quote != 0) {
      if (c == '\\') ++i;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

absl::StatusOr<std::string> NormalizeJson(absl::string_view json) {
  // Looked at first: the time that protobuf takes grows with the square of the depth.
  if (Depth(json) > kDepthMax) {
    return absl::InvalidArgumentError(absl::StrCat("JSON that is nested more than ", kDepthMax, " deep"));
  }
  const std::string type = absl::StrCat(kUrlPrefix, "/google.protobuf.Value");
  std::string encoded;
  std::string normal;
  auto status = google::protobuf::util::JsonToBinaryString(Resolver(), type, {json.data(), json.size()}, &encoded);
  if (status.ok()) status = google::protobuf::util::BinaryToJsonString(Resolver(), type, encoded, &normal);
  if (status.ok()) return normal;
  // The rest of the message points at the place, over several lines.
  const std::string message(status.message().data(), status.message().size());
  const std::vector<std::string> lines = absl::StrSplit(message, '\n');
  return absl::InvalidArgumentError(absl::StrCat("not JSON: ", lines[0]));
}

bool IsUtf8(absl::string_view text) { return cli::IsUtf8(text); }

std::string JsonString(absl::string_view text) {
  google::protobuf::StringValue value;
  value.set_value(text.data(), text.size());
  std::string json;
  // A string cannot fail.
  [[maybe_unused]] const auto status = google::protobuf::util::MessageToJsonString(value, &json);
  return json;
}

JsonObject& JsonObject::Text(absl::string_view key, absl::string_view value) {
  if (IsUtf8(value)) return Json(key, JsonString(value));
  return Json(absl::StrCat(key, "_base64"), JsonString(absl::Base64Escape(value)));
}

JsonObject& JsonObject::Number(absl::string_view key, int64_t value) { return Json(key, absl::StrCat(value)); }

JsonObject& JsonObject::Bool(absl::string_view key, bool value) { return Json(key, value ? "true" : "false"); }

JsonObject& JsonObject::Json(absl::string_view key, absl::string_view json) {
  absl::StrAppend(&fields_, fields_.empty() ? "{" : ",", JsonString(key), ":", json);
  return *this;
}

}  // namespace examples
}  // namespace nmq
