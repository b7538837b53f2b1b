#include "tests/bench/socketio/load_requests.h"

#include <algorithm>
#include <string>

namespace nmq::bench {

JsonObject MakeRequest(absl::string_view op, double target) {
  JsonObject request;
  At(request, "op").set_string_value(std::string(op));
  At(request, "target").set_number_value(target);
  return request;
}

uint64_t CountAt(const JsonObject& answer, absl::string_view field) {
  return static_cast<uint64_t>(std::clamp(NumberAt(answer, field), 0.0, 9e15));
}

absl::Status FailureOf(const JsonObject& answer) {
  const std::string failure = TextAt(answer, "failure");
  return failure.empty() ? absl::OkStatus() : absl::UnavailableError(failure);
}

Histogram HistogramAt(const JsonObject& answer, absl::string_view field) {
  Histogram histogram;
  const auto found = answer.fields().find(std::string(field));
  if (found == answer.fields().end()) return histogram;
  for (const JsonValue& bucket : found->second.list_value().values()) {
    const google::protobuf::ListValue& pair = bucket.list_value();
    if (pair.values_size() != 2) continue;
    const int64_t value = static_cast<int64_t>(std::clamp(pair.values(0).number_value(), 0.0, 9e15));
    for (double left = pair.values(1).number_value(); left >= 1; --left) histogram.Add(value);
  }
  return histogram;
}

}  // namespace nmq::bench
