#include "server/group/durations.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq::broker {
namespace {

absl::Duration DurationOf(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

}  // namespace

int64_t MicrosecondsOf(const google::protobuf::Duration& duration) {
  return absl::ToInt64Microseconds(DurationOf(duration));
}

absl::Status CheckDuration(absl::string_view field, const google::protobuf::Duration& duration, absl::Duration min,
                           absl::Duration max) {
  const absl::Duration value = DurationOf(duration);
  if (value >= min && value <= max) return absl::OkStatus();
  return InvalidArgument(field, absl::StrCat(absl::FormatDuration(value), " is not in ", absl::FormatDuration(min),
                                             " to ", absl::FormatDuration(max)));
}

}  // namespace nmq::broker
