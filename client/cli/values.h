// Numbers, sizes, times and dates as people type them. All functions are thread-safe.
#ifndef NMQ_CLIENT_CLI_VALUES_H_
#define NMQ_CLIENT_CLI_VALUES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nmq {
namespace cli {

// A whole number: "17", "1,000", and with a letter for thousands: "10k", "2M". Nothing if it is none.
std::optional<uint64_t> ParseCount(absl::string_view text);

// Bytes: "4096", "10kB", "10MB" in thousands, "64KiB", "10M", "1.5GiB" in 1024s. Nothing if it is no size.
std::optional<uint64_t> ParseSize(absl::string_view text);

// A time with units: "500ms", "30s", "10m", "1h30m", "2d", "1w". Nothing if it is none, is negative, or has no unit.
std::optional<absl::Duration> ParseSpan(absl::string_view text);

// A point in time: RFC 3339, "2026-01-31T12:00:00Z"; without a zone, local: "2026-01-31 12:00", "2026-01-31"; or a time
// ago, as for ParseSpan. Nothing if it is none.
std::optional<absl::Time> ParseWhen(absl::string_view text, absl::Time now, const absl::TimeZone& local);

// As ParseSpan reads it: "1d", "1d12h", "90s" as "1m30s".
std::string SpanText(absl::Duration span);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_VALUES_H_
