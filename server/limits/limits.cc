#include "server/limits/limits.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/errors.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"

namespace nmq {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr uint64_t kSecond = 1000;
constexpr uint64_t kMinute = 60 * kSecond;
constexpr uint64_t kHour = 60 * kMinute;
constexpr uint64_t kDay = 24 * kHour;
constexpr uint64_t kTiB = kGiB << 10;
constexpr uint64_t kPiB = kTiB << 10;

constexpr uint64_t kAQuarter = 4;
// As much as all requests may take (MemoryShares::incoming): publishers wait then, and are not refused.
constexpr uint64_t kAnEighth = 8;

constexpr uint64_t kNone = 0;

constexpr LimitUnit kBytes = LimitUnit::kBytes;
constexpr LimitUnit kCount = LimitUnit::kCount;
constexpr LimitUnit kMilliseconds = LimitUnit::kMilliseconds;

constexpr LimitRow kRows[] = {
    {"payload_bytes", "one payload", kBytes, kMiB, 1, 64 * kMiB, &Limits::payload_bytes},
    {"batch_messages", "messages of one PublishStream batch", kCount, 1000, 1, 100'000, &Limits::batch_messages},
    {"batch_bytes", "one PublishStream batch, as sent", kBytes, 4 * kMiB, 1, 256 * kMiB, &Limits::batch_bytes},
    {"name_bytes", "a name or a key", kBytes, 128, 1, 1024, &Limits::name_bytes},
    {"headers", "headers of one message", kCount, 32, 1, 1024, &Limits::headers},
    {"header_name_bytes", "a header's or label's name", kBytes, 128, 1, 1024, &Limits::header_name_bytes},
    {"header_value_bytes", "a header's or label's value, a content type", kBytes, kKiB, 1, 64 * kKiB,
     &Limits::header_value_bytes},
    {"labels", "labels of one client", kCount, 16, 1, 256, &Limits::labels},
    {"audience_names", "names in one audience", kCount, 100, 1, 10'000, &Limits::audience_names},
    {"namespaces", "namespaces of the server", kCount, 1000, 1, 100'000, &Limits::namespaces},
    {"clients_per_namespace", "clients of one namespace", kCount, 100'000, 1, 10'000'000,
     &Limits::clients_per_namespace},
    {"rooms_per_namespace", "rooms of one namespace", kCount, 100'000, 1, 10'000'000, &Limits::rooms_per_namespace},
    {"rooms_per_client", "rooms of one client", kCount, 1000, 1, 100'000, &Limits::rooms_per_client},
    {"queues_per_namespace", "queues of one namespace", kCount, 1000, 1, 100'000, &Limits::queues_per_namespace},
    {"subscriptions_per_client", "subscriptions of one client", kCount, 100, 1, 10'000,
     &Limits::subscriptions_per_client},
    {"patterns_per_subscription", "patterns of one subscription", kCount, 64, 1, 1024,
     &Limits::patterns_per_subscription},
    {"queue_bytes", "what one live queue holds", kBytes, 64 * kMiB, 64 * kKiB, 64 * kGiB, &Limits::queue_bytes},
    {"queue_messages", "messages that one live queue holds", kCount, 1'000'000, 1, 100'000'000,
     &Limits::queue_messages},
    {"queue_age", "how long a live queue holds a message", kMilliseconds, 2 * kMinute, kSecond, 24 * kHour,
     &Limits::queue_age},
    {"all_queues_bytes", "what all live queues hold together", kBytes, 0, kMiB, UINT64_MAX, &Limits::all_queues_bytes,
     kAQuarter},
    {"in_flight_bytes", "what is on its way to one subscription", kBytes, 256 * kKiB, 4 * kKiB, 16 * kMiB,
     &Limits::in_flight_bytes},
    {"lease_min", "the shortest lease", kMilliseconds, 5 * kSecond, kSecond, 24 * kHour, &Limits::lease_min},
    {"lease_default", "the lease of a client that asks for none", kMilliseconds, 30 * kSecond, kSecond, 24 * kHour,
     &Limits::lease_default},
    {"lease_max", "the longest lease", kMilliseconds, 10 * kMinute, kSecond, 24 * kHour, &Limits::lease_max},
    {"heartbeat", "how long a stream is silent before a heartbeat", kMilliseconds, 15 * kSecond, kSecond, 10 * kMinute,
     &Limits::heartbeat},
    {"page_default", "entries of a page when none are asked for", kCount, 100, 1, 10'000, &Limits::page_default},
    {"page_max", "entries of a page", kCount, 1000, 1, 10'000, &Limits::page_max},
    {"watch_changes", "changes that Watch can go back to", kCount, 100'000, 1, 10'000'000, &Limits::watch_changes},
    {"stall", "how long a subscriber that chose to be disconnected may leave a batch unread", kMilliseconds,
     10 * kSecond, kSecond, 10 * kMinute, &Limits::stall},
    {"durable_bytes", "what one durable queue holds", kBytes, kTiB, kMiB, kPiB, &Limits::durable_bytes},
    {"durable_messages", "messages that one durable queue holds", kCount, 1'000'000'000, 1, 1'000'000'000'000,
     &Limits::durable_messages},
    {"durable_age", "how long a durable queue holds a message", kMilliseconds, 30 * kDay, kSecond, 3650 * kDay,
     &Limits::durable_age},
    {"unwritten_bytes", "messages that wait to be written to disk", kBytes, 64 * kMiB, kMiB, 16 * kGiB,
     &Limits::unwritten_bytes, kAnEighth},
    {"request_id_window", "how long a queue knows request ids", kMilliseconds, 2 * kMinute, kSecond, 24 * kHour,
     &Limits::request_id_window},
    {"request_ids", "request ids that one queue knows", kCount, 1'000'000, 1, 100'000'000, &Limits::request_ids},
    {"delay_max", "how far ahead a message's deliver_at may be", kMilliseconds, 30 * kDay, kSecond, 365 * kDay,
     &Limits::delay_max},
    {"scheduled_messages", "messages of one namespace that wait for their deliver_at", kCount, 100'000, 1, 100'000'000,
     &Limits::scheduled_messages},
    {"overflow_messages", "messages that wait for a subscription that drops the newest, in one queue", kCount, 10'000,
     1, 10'000'000, &Limits::overflow_messages},
    {"requests", "questions of one namespace that wait for answers", kCount, 10'000, 1, 10'000'000, &Limits::requests},
    {"request_bytes", "the answers to one question", kBytes, 4 * kMiB, 1, 256 * kMiB, &Limits::request_bytes},
    {"request_max", "how long a question may wait for answers", kMilliseconds, kMinute, 1, kHour, &Limits::request_max},
    {"groups_per_queue", "groups of one queue", kCount, 100, 1, 10'000, &Limits::groups_per_queue},
    {"credit_messages", "messages that a member of a group may have unacknowledged", kCount, 10'000, 1, 1'000'000,
     &Limits::credit_messages},
    {"credit_bytes", "bytes that a member of a group may have unacknowledged", kBytes, 64 * kMiB, 1, 16 * kGiB,
     &Limits::credit_bytes},
    {"acknowledged_messages", "messages that one Acknowledge may name", kCount, 100'000, 1, 10'000'000,
     &Limits::acknowledged_messages},
    {"stream_age", "how long a stream lives before the server asks for a new one", kMilliseconds, 365 * kDay,
     10 * kSecond, 365 * kDay, &Limits::stream_age},
    {"connections", "connections of the server", kCount, kNone, 1, 10'000'000, &Limits::connections},
    {"connections_per_address", "connections from one address; of IPv6, from one /64", kCount, 20'000, 1, 10'000'000,
     &Limits::connections_per_address},
    {"connections_per_identity", "connections by which one identity has called", kCount, kNone, 1, 10'000'000,
     &Limits::connections_per_identity},
    {"connections_per_second", "new connections in a second", kCount, kNone, 1, 1'000'000,
     &Limits::connections_per_second},
    {"connections_per_second_per_address", "new connections in a second from one address", kCount, kNone, 1, 1'000'000,
     &Limits::connections_per_second_per_address},
    {"streams_per_connection", "calls under way on one connection", kCount, 1000, 1, 100'000,
     &Limits::streams_per_connection, 256 * kKiB},
    {"clients_per_identity", "clients of one identity", kCount, kNone, 1, 10'000'000, &Limits::clients_per_identity},
    {"subscriptions_per_identity", "subscriptions of one identity", kCount, kNone, 1, 10'000'000,
     &Limits::subscriptions_per_identity},
    {"messages_per_second_per_identity", "messages that one identity publishes in a second", kCount, kNone, 1,
     1'000'000'000, &Limits::messages_per_second_per_identity},
    {"bytes_per_second_per_identity", "bytes that one identity publishes in a second", kBytes, kNone, 1, kTiB,
     &Limits::bytes_per_second_per_identity},
    {"messages_per_second_per_namespace", "messages that are published to one namespace in a second", kCount, kNone, 1,
     1'000'000'000, &Limits::messages_per_second_per_namespace},
    {"bytes_per_second_per_namespace", "bytes that are published to one namespace in a second", kBytes, kNone, 1, kTiB,
     &Limits::bytes_per_second_per_namespace},
    {"control_calls_per_second_per_identity", "calls of Registry and Admin of one identity in a second", kCount, kNone,
     1, 1'000'000, &Limits::control_calls_per_second_per_identity},
    {"rate_burst", "how much of a second's worth may come at once: what this time allows", kMilliseconds, kSecond, 10,
     kMinute, &Limits::rate_burst},
};

std::string Grouped(uint64_t value) {
  std::string digits = absl::StrCat(value);
  for (int i = static_cast<int>(digits.size()) - 3; i > 0; i -= 3) digits.insert(i, ",");
  return digits;
}

// `value` in the largest of `units` (ascending, {size, name}) that divides it.
template <size_t kUnits>
std::string InLargest(uint64_t value, const std::pair<uint64_t, const char*> (&units)[kUnits]) {
  const auto* best = &units[0];
  for (const auto& unit : units) {
    if (value % unit.first == 0 && value >= unit.first) best = &unit;
  }
  return absl::StrCat(Grouped(value / best->first), " ", best->second);
}

std::string Format(LimitUnit unit, uint64_t value) {
  switch (unit) {
    case LimitUnit::kBytes:
      return InLargest(value, {{1, "B"}, {kKiB, "KiB"}, {kMiB, "MiB"}, {kGiB, "GiB"}, {kTiB, "TiB"}, {kPiB, "PiB"}});
    case LimitUnit::kMilliseconds:
      return InLargest(value, {{1, "ms"}, {kSecond, "s"}, {kMinute, "min"}, {kHour, "h"}, {kDay, "d"}});
    case LimitUnit::kCount:
      break;
  }
  return Grouped(value);
}

std::string DefaultText(const LimitRow& row) {
  if (row.memory_divisor == 0) return row.default_value == kNone ? "none" : Format(row.unit, row.default_value);
  if (row.default_value == 0) return "a quarter of the memory";
  const std::string part = row.unit == kCount
                               ? absl::StrCat("one for each ", Format(kBytes, row.memory_divisor), " of the memory")
                               : absl::StrCat("1/", row.memory_divisor, " of the memory");
  return absl::StrCat(Format(row.unit, row.default_value), ", or ", part, " if less");
}

const FieldDescriptor& FieldOf(const LimitRow& row) {
  return *nmq::v1::Limits::descriptor()->FindFieldByName(row.name);
}

absl::Status OutsideRange(const LimitRow& row, absl::string_view value) {
  return InvalidArgument(absl::StrCat("limits.", row.name), absl::StrCat(value, " is out of range: ", RangeText(row)));
}

absl::Status SetNumber(const LimitRow& row, uint64_t wanted, uint64_t Limits::*member, Limits& limits) {
  if (wanted == 0) return absl::OkStatus();
  if (wanted < row.min || wanted > row.max) return OutsideRange(row, absl::StrCat(wanted));
  limits.*member = wanted;
  return absl::OkStatus();
}

absl::Status SetDuration(const LimitRow& row, const google::protobuf::Duration& wanted, absl::Duration Limits::*member,
                         Limits& limits) {
  const absl::Duration value = absl::Seconds(wanted.seconds()) + absl::Nanoseconds(wanted.nanos());
  if (value == absl::ZeroDuration()) return absl::OkStatus();
  if (value < absl::Milliseconds(row.min) || value > absl::Milliseconds(row.max)) {
    return OutsideRange(row, absl::FormatDuration(value));
  }
  limits.*member = value;
  return absl::OkStatus();
}

absl::Status SetField(const LimitRow& row, const nmq::v1::Limits& wanted, Limits& limits) {
  const google::protobuf::Reflection& reflection = *wanted.GetReflection();
  const FieldDescriptor& field = FieldOf(row);
  if (const auto* number = std::get_if<uint64_t Limits::*>(&row.member)) {
    return SetNumber(row, reflection.GetUInt64(wanted, &field), *number, limits);
  }
  const Message& duration = reflection.GetMessage(wanted, &field);
  return SetDuration(row, static_cast<const google::protobuf::Duration&>(duration),
                     std::get<absl::Duration Limits::*>(row.member), limits);
}

absl::Status CheckOrder(const Limits& limits) {
  const auto duration_above = [](const char* field, absl::Duration value, const char* bound, absl::Duration limit) {
    return InvalidArgument(
        field, absl::StrCat(absl::FormatDuration(value), " is above ", bound, " of ", absl::FormatDuration(limit)));
  };
  if (limits.lease_min > limits.lease_default) {
    return duration_above("limits.lease_min", limits.lease_min, "lease_default", limits.lease_default);
  }
  if (limits.lease_default > limits.lease_max) {
    return duration_above("limits.lease_default", limits.lease_default, "lease_max", limits.lease_max);
  }
  if (limits.page_default > limits.page_max) {
    return InvalidArgument("limits.page_default",
                           absl::StrCat(limits.page_default, " is above page_max of ", limits.page_max));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Span<const LimitRow> LimitRows() { return kRows; }

std::string RangeText(const LimitRow& row) {
  if (row.max == UINT64_MAX) return absl::StrCat("at least ", Format(row.unit, row.min));
  return absl::StrCat("from ", Format(row.unit, row.min), " to ", Format(row.unit, row.max));
}

absl::StatusOr<Limits> ResolveLimits(const nmq::v1::Limits& wanted, uint64_t memory_bytes) {
  Limits limits;
  limits.memory_bytes = memory_bytes;
  for (const LimitRow& row : kRows) {
    if (row.memory_divisor != 0) {
      // However little that is, the result is in range.
      const uint64_t part = std::max(memory_bytes / row.memory_divisor, row.min);
      limits.*std::get<uint64_t Limits::*>(row.member) =
          row.default_value == 0 ? part : std::min(part, row.default_value);
    }
    if (absl::Status status = SetField(row, wanted, limits); !status.ok()) return status;
  }
  if (absl::Status status = CheckOrder(limits); !status.ok()) return status;
  return limits;
}

void ToProto(const Limits& limits, nmq::v1::Limits* proto) {
  const google::protobuf::Reflection& reflection = *proto->GetReflection();
  for (const LimitRow& row : kRows) {
    const FieldDescriptor& field = FieldOf(row);
    if (const auto* number = std::get_if<uint64_t Limits::*>(&row.member)) {
      reflection.SetUInt64(proto, &field, limits.*(*number));
      continue;
    }
    auto& duration = static_cast<google::protobuf::Duration&>(*reflection.MutableMessage(proto, &field));
    absl::Duration rest;
    duration.set_seconds(
        absl::IDivDuration(limits.*std::get<absl::Duration Limits::*>(row.member), absl::Seconds(1), &rest));
    duration.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  }
}

std::string LimitsTable() {
  std::string table = "| limit | what it bounds | default | range |\n|---|---|---|---|\n";
  for (const LimitRow& row : kRows) {
    const std::string by_default = DefaultText(row);
    const std::string range = row.max == UINT64_MAX
                                  ? absl::StrCat("at least ", Format(row.unit, row.min))
                                  : absl::StrCat(Format(row.unit, row.min), " to ", Format(row.unit, row.max));
    absl::StrAppend(&table, "| `", row.name, "` | ", row.what, " | ", by_default, " | ", range, " |\n");
  }
  return table;
}

}  // namespace nmq
