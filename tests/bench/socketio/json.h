#ifndef NMQ_TESTS_BENCH_SOCKETIO_JSON_H_
#define NMQ_TESTS_BENCH_SOCKETIO_JSON_H_

#include <google/protobuf/struct.pb.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nmq::bench {

using JsonObject = google::protobuf::Struct;
using JsonValue = google::protobuf::Value;

// The field, which is made if it is not there.
JsonValue& At(JsonObject& object, absl::string_view field);

// What a field holds; 0 or empty if it is not there or of another kind.
double NumberAt(const JsonObject& object, absl::string_view field);
std::string TextAt(const JsonObject& object, absl::string_view field);

// One line, without its end.
absl::StatusOr<std::string> WriteJson(const JsonObject& object);
absl::StatusOr<JsonObject> ReadJson(absl::string_view line);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_SOCKETIO_JSON_H_
