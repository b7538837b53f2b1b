#include "client/cli/json.h"

#include <limits>
#include <string>

#include "gtest/gtest.h"
#include "nmq/v1/registry.pb.h"

namespace nmq {
namespace cli {
namespace {

std::string Quoted(absl::string_view text) {
  std::string json;
  AppendJsonString(text, &json);
  return json;
}

TEST(AppendJsonString, PlainTextIsQuoted) { EXPECT_EQ(Quoted("a b/c"), "\"a b/c\""); }

TEST(AppendJsonString, QuotesAndBackslashesAreEscaped) { EXPECT_EQ(Quoted("a\"b\\c"), "\"a\\\"b\\\\c\""); }

TEST(AppendJsonString, ControlCharactersAreEscaped) {
  EXPECT_EQ(Quoted("\n\r\t"), "\"\\n\\r\\t\"");
  EXPECT_EQ(Quoted(absl::string_view("\0\x01\x1f\x7f", 4)), "\"\\u0000\\u0001\\u001f\\u007f\"");
}

TEST(AppendJsonString, Utf8Stays) { EXPECT_EQ(Quoted("äß€𝄞"), "\"äß€𝄞\""); }

TEST(AppendJsonString, EachByteThatIsNoUtf8IsReplaced) {
  EXPECT_EQ(Quoted("a\xff"
                   "b"),
            "\"a\xEF\xBF\xBD"
            "b\"");
  EXPECT_EQ(Quoted("\xc3"), "\"\xEF\xBF\xBD\"");
  EXPECT_EQ(Quoted("\xe2\x82"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(JsonWriter, CommasComeByThemselves) {
  JsonWriter json;
  json.BeginObject().Key("a").Integer(uint64_t{1}).Key("b").BeginArray().String("x").Bool(true).BeginArray();
  json.EndArray().BeginObject().EndObject().EndArray().Key("c").BeginObject().Key("d").Integer(int64_t{-2}).EndObject();
  json.EndObject();
  EXPECT_EQ(json.json(), R"({"a":1,"b":["x",true,[],{}],"c":{"d":-2}})");
}

TEST(JsonWriter, StringsThatEndInBracketsDoNotConfuseIt) {
  JsonWriter json;
  json.BeginArray().String("{").String("[").EndArray();
  EXPECT_EQ(json.json(), R"(["{","["])");
}

TEST(JsonWriter, LargeIntegersKeepAllDigits) {
  JsonWriter json;
  json.BeginArray().Integer(std::numeric_limits<uint64_t>::max()).EndArray();
  EXPECT_EQ(json.json(), "[18446744073709551615]");
}

TEST(JsonWriter, NumbersKeepAllTheirDigits) {
  JsonWriter json;
  json.BeginArray().Number(1048576).Number(12345678901).Number(86400.25).EndArray();
  EXPECT_EQ(json.json(), "[1048576,12345678901,86400.25]");
}

TEST(JsonWriter, WholeNumbersAreDigitsOnly) {
  JsonWriter json;
  json.BeginArray().Number(1e6).Number(2592000).Number(-3e9).Number(0).EndArray();
  EXPECT_EQ(json.json(), "[1000000,2592000,-3000000000,0]");
}

TEST(JsonWriter, NumbersThatJsonLacksAreNull) {
  JsonWriter json;
  json.BeginArray().Number(0.5).Number(std::numeric_limits<double>::infinity()).EndArray();
  EXPECT_EQ(json.json(), "[0.5,null]");
}

TEST(ProtoToJson, NamesTimesDurationsEnumsAndMapsAsPeopleExpect) {
  v1::SubscriptionInfo info;
  info.set_id("s");
  info.set_overflow(v1::OVERFLOW_DROP_OLDEST);
  info.mutable_start_time()->set_seconds(1);
  info.mutable_start_time()->set_nanos(500000);
  info.add_patterns()->set_queue("DB");
  EXPECT_EQ(ProtoToJson(info),
            R"({"namespace":"","id":"s","client_id":"","client_name":"","patterns":[{"queue":"DB","event":""}],)"
            R"("overflow":"DROP_OLDEST","peer":"","start_time":"1970-01-01T00:00:01.000500Z","queues":0,)"
            R"("lag_messages":0,"in_flight_bytes":0,"group":"","identity":""})");
}

TEST(ProtoToJson, MapsAreInTheOrderOfTheirKeys) {
  v1::ClientFilter filter;
  (*filter.mutable_labels())["b"] = "2";
  (*filter.mutable_labels())["a"] = "\"";
  EXPECT_EQ(ProtoToJson(filter), R"({"room":"","queue":"","event":"","labels":{"a":"\"","b":"2"},"name":""})");
}

TEST(ProtoToJson, DurationsAreSeconds) {
  v1::Retention retention;
  retention.mutable_age()->set_seconds(90);
  retention.mutable_age()->set_nanos(500000000);
  EXPECT_EQ(ProtoToJson(retention), R"({"bytes":0,"messages":0,"age":90.5})");
}

TEST(ProtoToJson, OptionalFieldsAppearOnlyWhenSet) {
  v1::Gap gap;
  EXPECT_EQ(ProtoToJson(gap).find("count"), std::string::npos);
  gap.set_count(0);
  EXPECT_NE(ProtoToJson(gap).find("\"count\":0"), std::string::npos);
}

TEST(ProtoToJson, EnumValuesOfTheFutureAreNumbers) {
  v1::Gap gap;
  gap.set_reason(static_cast<v1::GapReason>(99));
  EXPECT_NE(ProtoToJson(gap).find("99"), std::string::npos);
}

}  // namespace
}  // namespace cli
}  // namespace nmq
