#include "server/config/limit_range.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/limits/limits.h"

namespace nmq {

absl::Status CheckLimitRange(absl::string_view limit, uint64_t value, const Place& place) {
  if (!place.is_set()) return absl::OkStatus();
  for (const LimitRow& row : LimitRows()) {
    if (row.name != limit || (value >= row.min && value <= row.max)) continue;
    return place.Point(InvalidArgument(place.path(), absl::StrCat(value, " is out of range: ", RangeText(row))));
  }
  return absl::OkStatus();
}

}  // namespace nmq
