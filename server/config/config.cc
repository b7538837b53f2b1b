#include "server/config/config.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "base/names.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "nmq/config/v1/config.pb.h"
#include "server/config/limit_range.h"
#include "server/config/place.h"
#include "server/config/text_file.h"

namespace nmq {
namespace {

namespace pb = nmq::config::v1;

std::string Durabilities() {
  std::vector<std::string> names;
  const auto* values = nmq::v1::Durability_descriptor();
  // The first is none.
  for (int i = 1; i < values->value_count(); ++i) names.push_back(values->value(i)->name());
  return absl::StrJoin(names, ", ");
}

// Names seen so far in one list.
class Unique {
 public:
  absl::Status Add(const std::string& name, const Place& place) {
    if (seen_.insert(name).second) return absl::OkStatus();
    return place.Point(InvalidArgument(place.path(), absl::StrCat(Quote(name), " is listed twice")));
  }

 private:
  absl::flat_hash_set<std::string> seen_;
};

// Turns the parts of a file into those of a ServerConfig.
class Reader {
 public:
  explicit Reader(const Limits& limits) : limits_(limits) {}

  absl::StatusOr<std::vector<NamespaceConfig>> Namespaces(const pb::Config& config, const Place& place) const;

 private:
  absl::StatusOr<NamespaceConfig> Namespace(const pb::Namespace& from, const Place& place) const;
  absl::StatusOr<QueueConfig> Queue(const pb::Queue& from, const Place& place) const;
  absl::StatusOr<std::vector<std::string>> Events(const pb::Queue& from, const Place& place) const;
  absl::StatusOr<RetentionConfig> Retention(const nmq::v1::Retention& from, bool durable, const Place& place) const;
  absl::Status CheckedName(const std::string& name, const Place& place, Unique& siblings) const;

  const Limits& limits_;
};

absl::Status Reader::CheckedName(const std::string& name, const Place& place, Unique& siblings) const {
  if (absl::Status status = CheckName(place.path(), name, limits_.name_bytes); !status.ok()) {
    return place.Point(status);
  }
  return siblings.Add(name, place);
}

absl::StatusOr<RetentionConfig> Reader::Retention(const nmq::v1::Retention& from, bool durable,
                                                  const Place& place) const {
  return ResolveRetention(from, durable, limits_, [&place](const char* field, const std::string& message) {
    const Place at = place.Field(field);
    return at.Point(InvalidArgument(at.path(), message));
  });
}

absl::StatusOr<std::vector<std::string>> Reader::Events(const pb::Queue& from, const Place& place) const {
  Unique names;
  for (int i = 0; i < from.event_size(); ++i) {
    absl::Status status = CheckedName(from.event(i), place.Field("event", i), names);
    if (!status.ok()) return status;
  }
  std::vector<std::string> events(from.event().begin(), from.event().end());
  std::sort(events.begin(), events.end());
  return events;
}

absl::StatusOr<QueueConfig> Reader::Queue(const pb::Queue& from, const Place& place) const {
  absl::StatusOr<std::vector<std::string>> events = Events(from, place);
  if (!events.ok()) return events.status();
  if (!nmq::v1::Durability_IsValid(from.durability())) {
    const Place at = place.Field("durability");
    return at.Point(
        InvalidArgument(at.path(), absl::StrCat(static_cast<int>(from.durability()), " is none of ", Durabilities())));
  }
  QueueConfig to;
  to.name = from.name();
  to.events = *std::move(events);
  if (from.durability() != nmq::v1::DURABILITY_UNSPECIFIED) to.durability = from.durability();
  const bool durable = to.durability != nmq::v1::DURABILITY_LIVE;
  absl::StatusOr<RetentionConfig> retention = Retention(from.retention(), durable, place.Field("retention"));
  if (!retention.ok()) return retention.status();
  to.retention = *retention;
  return to;
}

absl::StatusOr<NamespaceConfig> Reader::Namespace(const pb::Namespace& from, const Place& place) const {
  NamespaceConfig to;
  to.name = from.name();
  to.automatic_queues = from.has_automatic_queues() ? from.automatic_queues() : from.name() == kDefaultNamespace;
  absl::StatusOr<RetentionConfig> retention =
      Retention(from.automatic_retention(), /*durable=*/false, place.Field("automatic_retention"));
  if (!retention.ok()) return retention.status();
  to.automatic_retention = *retention;
  const uint64_t count = from.queue_size();
  if (count > limits_.queues_per_namespace) {
    return place.Point(LimitExceeded("queues_per_namespace", count, limits_.queues_per_namespace, place.path()));
  }
  to.messages_per_second = from.messages_per_second();
  to.bytes_per_second = from.bytes_per_second();
  absl::Status rates =
      CheckLimitRange("messages_per_second_per_namespace", to.messages_per_second, place.Field("messages_per_second"));
  if (rates.ok()) {
    rates = CheckLimitRange("bytes_per_second_per_namespace", to.bytes_per_second, place.Field("bytes_per_second"));
  }
  if (!rates.ok()) return rates;
  Unique names;
  for (int i = 0; i < from.queue_size(); ++i) {
    const Place queue_place = place.Field("queue", i);
    absl::Status status = CheckedName(from.queue(i).name(), queue_place.Field("name"), names);
    if (!status.ok()) return status;
    absl::StatusOr<QueueConfig> queue = Queue(from.queue(i), queue_place);
    if (!queue.ok()) return queue.status();
    to.queues.push_back(*std::move(queue));
  }
  return to;
}

absl::StatusOr<std::vector<NamespaceConfig>> Reader::Namespaces(const pb::Config& config, const Place& place) const {
  std::vector<NamespaceConfig> namespaces;
  const auto& listed = config.namespace_();
  const auto is_default = [](const pb::Namespace& entry) { return entry.name() == kDefaultNamespace; };
  if (std::none_of(listed.begin(), listed.end(), is_default)) {
    pb::Namespace unlisted;
    unlisted.set_name(kDefaultNamespace);
    absl::StatusOr<NamespaceConfig> added = Namespace(unlisted, place);
    if (!added.ok()) return added.status();
    namespaces.push_back(*std::move(added));
  }
  const uint64_t count = listed.size() + namespaces.size();
  if (count > limits_.namespaces) return place.Point(LimitExceeded("namespaces", count, limits_.namespaces));
  Unique names;
  for (int i = 0; i < listed.size(); ++i) {
    const Place entry_place = place.Field("namespace", i);
    absl::Status status = CheckedName(listed[i].name(), entry_place.Field("name"), names);
    if (!status.ok()) return status;
    absl::StatusOr<NamespaceConfig> entry = Namespace(listed[i], entry_place);
    if (!entry.ok()) return entry.status();
    namespaces.push_back(*std::move(entry));
  }
  return namespaces;
}

bool IsZero(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
            const google::protobuf::Reflection& reflection) {
  if (field.message_type() == nullptr) return reflection.GetUInt64(message, &field) == 0;
  const auto& duration = static_cast<const google::protobuf::Duration&>(reflection.GetMessage(message, &field));
  return duration.seconds() == 0 && duration.nanos() == 0;
}

// A limit that the file sets to 0: the API takes that for unset, but here it was written.
absl::Status CheckZeros(const nmq::v1::Limits& limits, const Place& place) {
  const google::protobuf::Reflection& reflection = *limits.GetReflection();
  for (const LimitRow& row : LimitRows()) {
    const auto& field = *limits.GetDescriptor()->FindFieldByName(row.name);
    const Place at = place.Field("limits").Field(row.name);
    if (!at.is_set() || !IsZero(limits, field, reflection)) continue;
    return at.Point(InvalidArgument(at.path(), absl::StrCat("0 is out of range: ", RangeText(row))));
  }
  return absl::OkStatus();
}

// Points an error of ResolveLimits, whose field is "limits.NAME".
absl::Status PointAtLimit(const absl::Status& status, const Place& place) {
  const std::string field = MetadataOf(status, "field");
  return place.Field("limits").Field(std::string(absl::StripPrefix(field, "limits."))).Point(status);
}

}  // namespace

absl::StatusOr<RetentionConfig> ResolveRetention(
    const nmq::v1::Retention& wanted, bool durable, const Limits& limits,
    absl::FunctionRef<absl::Status(const char* field, const std::string& message)> refuse) {
  RetentionConfig to{limits.queue_bytes, limits.queue_messages, limits.queue_age};
  if (durable) to = {limits.durable_bytes, limits.durable_messages, limits.durable_age};
  const absl::string_view kind = durable ? "durable" : "queue";
  if (wanted.bytes() > to.bytes) {
    return refuse("bytes", absl::StrCat(wanted.bytes(), " exceeds ", kind, "_bytes of ", to.bytes));
  }
  if (wanted.messages() > to.messages) {
    return refuse("messages", absl::StrCat(wanted.messages(), " exceeds ", kind, "_messages of ", to.messages));
  }
  const absl::Duration age = absl::Seconds(wanted.age().seconds()) + absl::Nanoseconds(wanted.age().nanos());
  if (age < absl::ZeroDuration()) return refuse("age", absl::StrCat(absl::FormatDuration(age), " is negative"));
  if (age > to.age) {
    return refuse("age",
                  absl::StrCat(absl::FormatDuration(age), " exceeds ", kind, "_age of ", absl::FormatDuration(to.age)));
  }
  if (wanted.bytes() != 0) to.bytes = wanted.bytes();
  if (wanted.messages() != 0) to.messages = wanted.messages();
  if (age != absl::ZeroDuration()) to.age = age;
  return to;
}

absl::StatusOr<ServerConfig> ParseConfig(absl::string_view textproto, absl::string_view file_name,
                                         uint64_t memory_bytes) {
  pb::Config parsed;
  Place::Tree locations;
  if (const absl::Status status = ParseText(textproto, file_name, &parsed, &locations); !status.ok()) return status;
  const Place place(*parsed.GetDescriptor(), locations, std::string(file_name));
  if (absl::Status zeros = CheckZeros(parsed.limits(), place); !zeros.ok()) return zeros;
  absl::StatusOr<Limits> limits = ResolveLimits(parsed.limits(), memory_bytes);
  if (!limits.ok()) return PointAtLimit(limits.status(), place);
  absl::StatusOr<std::vector<NamespaceConfig>> namespaces = Reader(*limits).Namespaces(parsed, place);
  if (!namespaces.ok()) return namespaces.status();
  return ServerConfig{*limits, *std::move(namespaces)};
}

absl::StatusOr<ServerConfig> LoadConfigFile(const std::string& path, uint64_t memory_bytes) {
  absl::StatusOr<std::string> content = ReadFile(path);
  if (!content.ok()) return content.status();
  return ParseConfig(*content, path, memory_bytes);
}

ServerConfig DefaultConfig(uint64_t memory_bytes) {
  // Cannot fail: no file, nothing to be wrong.
  return *ParseConfig("", "defaults", memory_bytes);
}

}  // namespace nmq
