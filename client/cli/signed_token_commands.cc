// nmq token inspect, jwt, jwks: they ask no server.
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/token.h"
#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/explain.h"
#include "client/cli/human.h"
#include "client/cli/json.h"
#include "client/cli/signed_token.h"
#include "client/cli/table.h"

namespace nmq {
namespace cli {
namespace {

using google::protobuf::Struct;

constexpr absl::Duration kLife = absl::Hours(1);

absl::StatusOr<JoseKey> ReadKey(const std::string& path, bool is_public) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad() || !file.is_open()) return absl::InvalidArgumentError(absl::StrCat(path, ": cannot be read"));
  return JoseKey::Parse(text, path, is_public);
}

// Those that say something; a name that is given several times has a list.
std::string ClaimsOf(const Arguments& arguments) {
  const Arguments::Jwt& jwt = arguments.jwt;
  const absl::Time now = absl::Now();
  const absl::Duration life = arguments.valid == absl::ZeroDuration() ? kLife : arguments.valid;
  std::map<std::string, std::vector<std::string>> others;
  for (const std::string& claim : jwt.claims) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(claim, absl::MaxSplits('=', 1));
    others[parts.first].push_back(parts.second);
  }
  JsonWriter json;
  json.BeginObject().Key("iss").String(jwt.issuer).Key("aud").String(jwt.audience).Key("sub").String(jwt.subject);
  json.Key("iat").Integer(absl::ToUnixSeconds(now)).Key("exp").Integer(absl::ToUnixSeconds(now + life));
  for (const auto& [name, values] : others) {
    json.Key(name);
    if (values.size() > 1) json.BeginArray();
    for (const std::string& value : values) json.String(value);
    if (values.size() > 1) json.EndArray();
  }
  return json.EndObject().json();
}

// One of a token's parts; false if it is no JSON object.
bool Decode(absl::string_view part, Struct* object, std::string* json) {
  std::string text;
  if (!absl::WebSafeBase64Unescape(part, &text)) return false;
  return google::protobuf::util::JsonStringToMessage(text, object).ok() &&
         google::protobuf::util::MessageToJsonString(*object, json).ok();
}

// When it expires, in words; empty if it does not say.
std::string ExpiryOf(const Struct& claims) {
  const auto expiry = claims.fields().find("exp");
  if (expiry == claims.fields().end() || !expiry->second.has_number_value()) return "";
  const absl::Time time = absl::FromUnixSeconds(0) + absl::Seconds(expiry->second.number_value());
  const absl::Duration left = absl::Trunc(time - absl::Now(), absl::Seconds(1));
  const std::string when = absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone());
  return left > absl::ZeroDuration() ? absl::StrCat(when, ", in ", absl::FormatDuration(left))
                                     : absl::StrCat(when, ", which is over");
}

int InspectKept(const std::string& token, const Arguments& arguments, Output* out, Output* err) {
  const std::string id(IdOfToken(token));
  if (id.empty()) {
    const absl::Status none =
        absl::InvalidArgumentError("TOKEN: is neither what nmq token makes, nor a signed token (JWT)");
    return Fail(none, arguments, err);
  }
  if (arguments.json) {
    JsonWriter json;
    out->WriteLine(json.BeginObject().Key("id").String(id).EndObject().json());
  } else {
    out->WriteLine(absl::StrCat("a token of nmq token, with the ID ", OneLine(id),
                                ", by which the file of nmqd --access names it; it does not expire by itself"));
  }
  return Done(*out, err);
}

int InspectSigned(const std::string& token, const Arguments& arguments, Output* out, Output* err) {
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '.');
  Struct header;
  Struct claims;
  std::string header_json;
  std::string claims_json;
  if (parts.size() != 3 || !Decode(parts[0], &header, &header_json) || !Decode(parts[1], &claims, &claims_json)) {
    return Fail(
        absl::InvalidArgumentError("TOKEN: is no signed token (JWT): it has not three parts, of which the first "
                                   "two are JSON objects in base64url"),
        arguments, err);
  }
  if (arguments.json) {
    out->WriteLine(absl::StrCat(R"({"header":)", header_json, R"(,"claims":)", claims_json, R"(,"verified":false})"));
    return Done(*out, err);
  }
  const std::string expiry = ExpiryOf(claims);
  Table table({{"header"}, {OneLine(header_json)}});
  table.Add({"claims", OneLine(claims_json)});
  table.Add({"expires", expiry.empty() ? "it does not say, so nmqd does not take it" : expiry});
  table.Add({"signature", "not verified: anybody may have made this"});
  out->Write(table.Render());
  return Done(*out, err);
}

int Inspect(const Arguments& arguments, Output* out, Output* err) {
  std::string token = arguments.jwt.token;
  if (token == "-") std::getline(std::cin, token);
  token = std::string(absl::StripAsciiWhitespace(token));
  return token.find('.') == std::string::npos ? InspectKept(token, arguments, out, err)
                                              : InspectSigned(token, arguments, out, err);
}

int Sign(const Arguments& arguments, Output* out, Output* err) {
  const auto key = ReadKey(arguments.jwt.key, /*is_public=*/false);
  if (!key.ok()) return Fail(key.status(), arguments, err);
  const auto token = key->Sign(ClaimsOf(arguments));
  if (!token.ok()) return Fail(token.status(), arguments, err);
  out->WriteLine(*token);
  return Done(*out, err);
}

int Collect(const Arguments& arguments, Output* out, Output* err) {
  std::vector<std::string> keys;
  for (const std::string& path : arguments.names) {
    const auto key = ReadKey(path, /*is_public=*/true);
    if (!key.ok()) return Fail(key.status(), arguments, err);
    const auto jwk = key->PublicJwk();
    if (!jwk.ok()) return Fail(jwk.status(), arguments, err);
    keys.push_back(*jwk);
  }
  out->WriteLine(absl::StrCat(R"({"keys": [)", absl::StrJoin(keys, ", "), "]}"));
  return Done(*out, err);
}

}  // namespace

int RunSignedToken(const Arguments& arguments, Output* out, Output* err) {
  switch (arguments.command) {
    case Command::kTokenInspect:
      return Inspect(arguments, out, err);
    case Command::kTokenJwt:
      return Sign(arguments, out, err);
    default:
      return Collect(arguments, out, err);
  }
}

}  // namespace cli
}  // namespace nmq
