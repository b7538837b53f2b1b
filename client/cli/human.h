// Numbers, times and names as people read them. All functions are thread-safe.
#ifndef NMQ_CLIENT_CLI_HUMAN_H_
#define NMQ_CLIENT_CLI_HUMAN_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/generated_enum_reflection.h"

namespace nmq {
namespace cli {

// "1,234,567"
std::string Count(uint64_t value);
// "0 B", "999 B", "1.5 KiB", "12 MiB"
std::string Bytes(uint64_t value);
// In the two largest units: "0s", "59s", "3m 20s", "4h 5m", "12d 3h". Parts of a second are left out.
std::string Age(absl::Duration duration);
// A rate: "0", "0.5", "12", "1,234,567"
std::string Rate(double per_second);

// "2026-11-23T21:36:43.123456Z"
std::string Rfc3339(absl::Time time);
// "21:36:43.123" in the local time zone.
std::string ClockTime(absl::Time time);
// "2026-11-23" there.
std::string Date(absl::Time time);

// An enum value without the name of its type: "DROP_OLDEST" for OVERFLOW_DROP_OLDEST.
std::string EnumName(const google::protobuf::EnumValueDescriptor& value);
template <typename Enum>
std::string EnumName(Enum value) {
  const auto* descriptor = google::protobuf::GetEnumDescriptor<Enum>()->FindValueByNumber(value);
  return descriptor != nullptr ? EnumName(*descriptor) : std::to_string(value);
}
// The same for people: "drop oldest".
std::string EnumWords(absl::string_view enum_name);

// On one line: control characters and bytes that are no UTF-8 are escaped, as in C.
std::string OneLine(absl::string_view text);

// The same in double quotes, and cut if it is long.
std::string Quoted(absl::string_view text);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_HUMAN_H_
