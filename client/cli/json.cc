#include "client/cli/json.h"

#include <charconv>
#include <cmath>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/proto_time.h"
#include "client/cli/human.h"
#include "client/cli/utf8.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace nmq {
namespace cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Reflection;

void WriteMessage(const google::protobuf::Message& message, JsonWriter* writer) {
  if (message.GetDescriptor() == google::protobuf::Timestamp::descriptor()) {
    writer->String(Rfc3339(ToTime(static_cast<const google::protobuf::Timestamp&>(message))));
  } else if (message.GetDescriptor() == google::protobuf::Duration::descriptor()) {
    writer->Number(absl::ToDoubleSeconds(ToDuration(static_cast<const google::protobuf::Duration&>(message))));
  } else {
    WriteProto(message, writer);
  }
}

// One value: of a singular field if `index` is negative.
void WriteValue(const google::protobuf::Message& message, const FieldDescriptor& field, int index, JsonWriter* writer) {
  const Reflection& reflection = *message.GetReflection();
  const bool one = index < 0;
  const auto get = [&](auto singular, auto repeated) {
    return one ? (reflection.*singular)(message, &field) : (reflection.*repeated)(message, &field, index);
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      writer->Integer(int64_t{get(&Reflection::GetInt32, &Reflection::GetRepeatedInt32)});
      break;
    case FieldDescriptor::CPPTYPE_INT64:
      writer->Integer(int64_t{get(&Reflection::GetInt64, &Reflection::GetRepeatedInt64)});
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      writer->Integer(uint64_t{get(&Reflection::GetUInt32, &Reflection::GetRepeatedUInt32)});
      break;
    case FieldDescriptor::CPPTYPE_UINT64:
      writer->Integer(uint64_t{get(&Reflection::GetUInt64, &Reflection::GetRepeatedUInt64)});
      break;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      writer->Number(get(&Reflection::GetDouble, &Reflection::GetRepeatedDouble));
      break;
    case FieldDescriptor::CPPTYPE_FLOAT:
      writer->Number(get(&Reflection::GetFloat, &Reflection::GetRepeatedFloat));
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      writer->Bool(get(&Reflection::GetBool, &Reflection::GetRepeatedBool));
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      writer->String(EnumName(*get(&Reflection::GetEnum, &Reflection::GetRepeatedEnum)));
      break;
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string value = get(&Reflection::GetString, &Reflection::GetRepeatedString);
      writer->String(field.type() == FieldDescriptor::TYPE_BYTES ? absl::Base64Escape(value) : value);
      break;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      WriteMessage(one ? reflection.GetMessage(message, &field) : reflection.GetRepeatedMessage(message, &field, index),
                   writer);
      break;
  }
}

// In the order of the keys. All maps of the API are of strings.
void WriteMap(const google::protobuf::Message& message, const FieldDescriptor& field, JsonWriter* writer) {
  const Reflection& reflection = *message.GetReflection();
  std::map<std::string, const google::protobuf::Message*> entries;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const google::protobuf::Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    entries[entry.GetReflection()->GetString(entry, field.message_type()->map_key())] = &entry;
  }
  writer->BeginObject();
  for (const auto& [key, entry] : entries) {
    writer->Key(key);
    WriteValue(*entry, *field.message_type()->map_value(), -1, writer);
  }
  writer->EndObject();
}

}  // namespace

void AppendJsonString(absl::string_view text, std::string* json) {
  json->push_back('"');
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    const char c = text[0];
    if (length == 0) {
      json->append("\xEF\xBF\xBD");
    } else if (c == '"' || c == '\\') {
      json->push_back('\\');
      json->push_back(c);
    } else if (c == '\n') {
      json->append("\\n");
    } else if (c == '\r') {
      json->append("\\r");
    } else if (c == '\t') {
      json->append("\\t");
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      absl::StrAppendFormat(json, "\\u%04x", static_cast<unsigned char>(c));
    } else {
      json->append(text.data(), length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  json->push_back('"');
}

JsonWriter& JsonWriter::Key(absl::string_view key) {
  Separate();
  AppendJsonString(key, &json_);
  json_.push_back(':');
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::String(absl::string_view value) {
  Separate();
  AppendJsonString(value, &json_);
  return *this;
}

JsonWriter& JsonWriter::Integer(int64_t value) {
  Separate();
  absl::StrAppend(&json_, value);
  return *this;
}

JsonWriter& JsonWriter::Integer(uint64_t value) {
  Separate();
  absl::StrAppend(&json_, value);
  return *this;
}

JsonWriter& JsonWriter::Number(double value) {
  Separate();
  if (value == std::floor(value) && std::fabs(value) < 1e15) {
    absl::StrAppend(&json_, static_cast<int64_t>(value));
  } else if (std::isfinite(value)) {
    // The fewest digits that give the same number again. They are 24 characters at the most.
    char digits[32];
    json_.append(digits, std::to_chars(digits, digits + sizeof(digits), value).ptr);
  } else {
    json_.append("null");
  }
  return *this;
}

JsonWriter& JsonWriter::Bool(bool value) {
  Separate();
  json_.append(value ? "true" : "false");
  return *this;
}

JsonWriter& JsonWriter::Begin(char bracket) {
  Separate();
  json_.push_back(bracket);
  return *this;
}

JsonWriter& JsonWriter::End(char bracket) {
  json_.push_back(bracket);
  return *this;
}

void JsonWriter::Separate() {
  if (after_key_) {
    after_key_ = false;
  } else if (!json_.empty() && json_.back() != '{' && json_.back() != '[') {
    json_.push_back(',');
  }
}

void WriteProto(const google::protobuf::Message& message, JsonWriter* writer) {
  const google::protobuf::Descriptor& descriptor = *message.GetDescriptor();
  const Reflection& reflection = *message.GetReflection();
  writer->BeginObject();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    if (field.has_presence() && !reflection.HasField(message, &field)) continue;
    writer->Key(field.name());
    if (field.is_map()) {
      WriteMap(message, field, writer);
    } else if (field.is_repeated()) {
      writer->BeginArray();
      for (int j = 0; j < reflection.FieldSize(message, &field); ++j) WriteValue(message, field, j, writer);
      writer->EndArray();
    } else {
      WriteValue(message, field, -1, writer);
    }
  }
  writer->EndObject();
}

std::string ProtoToJson(const google::protobuf::Message& message) {
  JsonWriter writer;
  WriteProto(message, &writer);
  return writer.json();
}

}  // namespace cli
}  // namespace nmq
