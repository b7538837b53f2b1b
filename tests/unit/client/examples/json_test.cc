#include "client/examples/json.h"

#include "gtest/gtest.h"

namespace nmq {
namespace examples {
namespace {

TEST(NormalizeJson, KeepsTheOrderOfKeysAndTakesOutSpace) {
  EXPECT_EQ(*NormalizeJson(R"( { "z": 1, "a": [ true, null, 1.5, {} ], "s": "x\ny" } )"),
            R"({"z":1,"a":[true,null,1.5,{}],"s":"x\ny"})");
}

TEST(NormalizeJson, TakesAnyValue) {
  for (const char* json : {"17", "\"text\"", "null", "[]", "{}", "false"}) EXPECT_EQ(*NormalizeJson(json), json);
}

TEST(NormalizeJson, RefusesWhatIsNoJson) {
  for (const char* text : {"", " ", "{", "{\"a\":", "[1,", "nope", "{\"a\":1} x", "\"\xFF\"", "\"open"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(NormalizeJson(text).status())) << text;
  }
}

TEST(NormalizeJson, SaysWhyOnOneLine) {
  const absl::Status status = NormalizeJson("{\"a\" 1}").status();
  EXPECT_EQ(status.message().find("not JSON: "), 0u) << status;
  EXPECT_EQ(status.message().find('\n'), absl::string_view::npos) << status;
}

TEST(NormalizeJson, TakesNestingUpToALimit) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(*NormalizeJson(nested(32)), nested(32));
  EXPECT_EQ(NormalizeJson(nested(33)).status(), absl::InvalidArgumentError("JSON that is nested more than 32 deep"));
  EXPECT_FALSE(NormalizeJson(std::string(100'000, '{')).ok());
  std::string objects = "1";
  for (int i = 0; i < 32; ++i) objects = "{\"a\":" + objects + "}";
  EXPECT_EQ(*NormalizeJson(objects), objects);
}

TEST(NormalizeJson, BracketsInStringsAreNoNesting) {
  const std::string text = "[\"\\\"" + std::string(100, '[') + "\"]";
  EXPECT_EQ(*NormalizeJson(text), text);
}

TEST(JsonString, EscapesWhatJsonDoesNotAllow) {
  EXPECT_EQ(JsonString("a\"\\\n\x01\xC3\xA9"), "\"a\\\"\\\\\\n\\u0001\xC3\xA9\"");
  EXPECT_EQ(JsonString(""), "\"\"");
}

TEST(JsonObject, HoldsFieldsInTheirOrder) {
  EXPECT_EQ(JsonObject().Number("z", -1).Text("a", "x").Bool("b", true).Json("c", "[1]").str(),
            R"({"z":-1,"a":"x","b":true,"c":[1]})");
  EXPECT_EQ(JsonObject().str(), "{}");
}

TEST(JsonObject, WritesWhatIsNoTextAsBase64) {
  EXPECT_EQ(JsonObject().Text("path", "a\xFF").str(), R"({"path_base64":"Yf8="})");
}

}  // namespace
}  // namespace examples
}  // namespace nmq
