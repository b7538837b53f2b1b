// What the server bounds: proto nmq.v1.Limits in plain types, with defaults, ranges and a table that describes them.
#ifndef NMQ_SERVER_LIMITS_LIMITS_H_
#define NMQ_SERVER_LIMITS_LIMITS_H_

#include <cstdint>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "nmq/v1/limits.pb.h"

namespace nmq {

// The fields of nmq.v1.Limits, which says what each is. Default-constructed it holds the defaults of a process
// that may use 1 GiB: some depend on the memory, and ResolveLimits settles them.
struct Limits {
  uint64_t payload_bytes = 1 << 20;
  uint64_t batch_messages = 1000;
  uint64_t batch_bytes = 4 << 20;
  uint64_t name_bytes = 128;
  uint64_t headers = 32;
  uint64_t header_name_bytes = 128;
  uint64_t header_value_bytes = 1 << 10;
  uint64_t labels = 16;
  uint64_t audience_names = 100;
  uint64_t namespaces = 1000;
  uint64_t clients_per_namespace = 100'000;
  uint64_t rooms_per_namespace = 100'000;
  uint64_t rooms_per_client = 1000;
  uint64_t queues_per_namespace = 1000;
  uint64_t subscriptions_per_client = 100;
  uint64_t patterns_per_subscription = 64;
  uint64_t queue_bytes = 64 << 20;
  uint64_t queue_messages = 1'000'000;
  absl::Duration queue_age = absl::Minutes(2);
  uint64_t all_queues_bytes = 256 << 20;
  uint64_t in_flight_bytes = 256 << 10;
  absl::Duration lease_min = absl::Seconds(5);
  absl::Duration lease_default = absl::Seconds(30);
  absl::Duration lease_max = absl::Minutes(10);
  absl::Duration heartbeat = absl::Seconds(15);
  uint64_t page_default = 100;
  uint64_t page_max = 1000;
  uint64_t watch_changes = 100'000;
  absl::Duration stall = absl::Seconds(10);
  uint64_t durable_bytes = uint64_t{1} << 40;
  uint64_t durable_messages = 1'000'000'000;
  absl::Duration durable_age = absl::Hours(24 * 30);
  uint64_t unwritten_bytes = 64 << 20;
  absl::Duration request_id_window = absl::Minutes(2);
  uint64_t request_ids = 1'000'000;
  absl::Duration delay_max = absl::Hours(24 * 30);
  uint64_t scheduled_messages = 100'000;
  uint64_t overflow_messages = 10'000;
  uint64_t requests = 10'000;
  uint64_t request_bytes = 4 << 20;
  absl::Duration request_max = absl::Minutes(1);
  uint64_t groups_per_queue = 100;
  uint64_t credit_messages = 10'000;
  uint64_t credit_bytes = 64 << 20;
  uint64_t acknowledged_messages = 100'000;
  absl::Duration stream_age = absl::Hours(24 * 365);
  // Of these, 0 is no bound.
  uint64_t connections = 0;
  uint64_t connections_per_address = 20'000;
  uint64_t connections_per_identity = 0;
  uint64_t connections_per_second = 0;
  uint64_t connections_per_second_per_address = 0;
  uint64_t streams_per_connection = 1000;
  uint64_t clients_per_identity = 0;
  uint64_t subscriptions_per_identity = 0;
  uint64_t messages_per_second_per_identity = 0;
  uint64_t bytes_per_second_per_identity = 0;
  uint64_t messages_per_second_per_namespace = 0;
  uint64_t bytes_per_second_per_namespace = 0;
  uint64_t control_calls_per_second_per_identity = 0;
  absl::Duration rate_burst = absl::Seconds(1);
  // What the process may use; no field of the proto, since the machine says so.
  uint64_t memory_bytes = 1 << 30;
};

// What the numbers of a row count.
enum class LimitUnit { kBytes, kCount, kMilliseconds };

// One limit.
struct LimitRow {
  // The field of nmq.v1.Limits.
  const char* name;
  // A phrase for people.
  const char* what;
  LimitUnit unit;
  // In `unit`; 0 if it is the part of the memory alone, or if nothing is bounded.
  uint64_t default_value;
  uint64_t min;
  uint64_t max;
  std::variant<uint64_t Limits::*, absl::Duration Limits::*> member;
  // The default is at most the memory divided by this; 0 if the memory does not matter.
  uint64_t memory_divisor = 0;
};

// All limits, in the order of their field numbers.
absl::Span<const LimitRow> LimitRows();

// "from 1 B to 64 MiB".
std::string RangeText(const LimitRow& row);

// The limits that `wanted` asks for, 0 or unset standing for the default. INVALID_ARGUMENT names a field outside its
// range, its value and the bounds. `memory_bytes` is what the process may use.
absl::StatusOr<Limits> ResolveLimits(const nmq::v1::Limits& wanted, uint64_t memory_bytes);

// Sets every field of `proto`.
void ToProto(const Limits& limits, nmq::v1::Limits* proto);

// A Markdown table of all limits: name, what it bounds, default, range.
std::string LimitsTable();

}  // namespace nmq

#endif  // NMQ_SERVER_LIMITS_LIMITS_H_
