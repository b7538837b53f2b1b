// JSON on one line, as programs read it.
#ifndef NMQ_CLIENT_CLI_JSON_H_
#define NMQ_CLIENT_CLI_JSON_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace nmq {
namespace cli {

// Appends `text` in quotes. Bytes that are no UTF-8 become U+FFFD.
void AppendJsonString(absl::string_view text, std::string* json);

// Writes one value, piece by piece; commas come by themselves. Not thread-safe.
class JsonWriter {
 public:
  JsonWriter& BeginObject() { return Begin('{'); }
  JsonWriter& EndObject() { return End('}'); }
  JsonWriter& BeginArray() { return Begin('['); }
  JsonWriter& EndArray() { return End(']'); }
  // Before each value of an object.
  JsonWriter& Key(absl::string_view key);
  JsonWriter& String(absl::string_view value);
  JsonWriter& Integer(int64_t value);
  JsonWriter& Integer(uint64_t value);
  // Finite, else null.
  JsonWriter& Number(double value);
  JsonWriter& Bool(bool value);

  const std::string& json() const { return json_; }

 private:
  JsonWriter& Begin(char bracket);
  JsonWriter& End(char bracket);
  void Separate();

  std::string json_;
  bool after_key_ = false;
};

// A proto message as an object: names as in the .proto, scalars and lists also when they are empty, messages and
// optional fields only when they are set; times as RFC 3339, durations in seconds, enum values without their type.
void WriteProto(const google::protobuf::Message& message, JsonWriter* writer);
std::string ProtoToJson(const google::protobuf::Message& message);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_JSON_H_
