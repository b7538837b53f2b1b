#include "client/examples/rules.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace nmq {
namespace examples {
namespace {

// Times that are remembered for one rule.
constexpr uint64_t kRateMax = 1'000'000;

absl::Status Wrong(absl::string_view spec, absl::string_view form) {
  return absl::InvalidArgumentError(absl::StrCat("'", spec, "' is not ", form));
}

// "DB/CREATE"
std::string NameOf(const Message& message) { return absl::StrCat(message.queue(), "/", message.event()); }

// "key 17, sequence 3"
std::string PlaceOf(const Message& message) {
  return absl::StrCat(message.key().empty() ? "" : "key ", message.key(), message.key().empty() ? "" : ", ",
                      "sequence ", message.sequence());
}

}  // namespace

bool Rules::Name::Matches(const Message& message) const {
  return (queue == "*" || queue == message.queue()) && (event == "*" || event == message.event());
}

absl::StatusOr<Rules::Name> Rules::ParseName(absl::string_view spec) {
  const std::vector<std::string> parts = absl::StrSplit(spec, '/');
  if (parts.size() != 2 || parts[0].empty() || parts[1].empty()) return Wrong(spec, "QUEUE/EVENT");
  return Name{parts[0], parts[1]};
}

absl::Status Rules::AddEvent(absl::string_view spec) {
  absl::StatusOr<Name> name = ParseName(spec);
  if (!name.ok()) return name.status();
  events_.push_back({std::string(spec), *std::move(name)});
  return absl::OkStatus();
}

absl::Status Rules::AddRate(absl::string_view spec) {
  constexpr char kForm[] = "QUEUE/EVENT:N/WINDOW, such as DB/CREATE:100/10s, with N up to 1000000";
  const std::vector<std::string> parts = absl::StrSplit(spec, ':');
  if (parts.size() != 2) return Wrong(spec, kForm);
  const std::vector<std::string> limits = absl::StrSplit(parts[1], '/');
  absl::StatusOr<Name> name = ParseName(parts[0]);
  Rate rate;
  if (!name.ok() || limits.size() != 2 || !absl::SimpleAtoi(limits[0], &rate.events) || rate.events > kRateMax ||
      !absl::ParseDuration(limits[1], &rate.window) || rate.window <= absl::ZeroDuration()) {
    return Wrong(spec, kForm);
  }
  rate.spec = std::string(spec);
  rate.name = *std::move(name);
  rates_.push_back(std::move(rate));
  return absl::OkStatus();
}

void Rules::AddSize(uint64_t bytes) { size_ = bytes; }

absl::Status Rules::AddSilence(absl::string_view spec, absl::Time now) {
  const std::vector<std::string> parts = absl::StrSplit(spec, ':');
  Silence silence;
  if (parts.size() != 2 || parts[0].empty() || !absl::ParseDuration(parts[1], &silence.limit) ||
      silence.limit <= absl::ZeroDuration()) {
    return Wrong(spec, "QUEUE:TIME, such as DB:30s");
  }
  silence.spec = std::string(spec);
  silence.queue = parts[0];
  silence.last = now;
  silences_.push_back(std::move(silence));
  return absl::OkStatus();
}

bool Rules::Rate::Exceeds(absl::Time now) {
  times.push_back(now);
  if (times.size() > events + 1) times.pop_front();
  while (times.front() <= now - window) times.pop_front();
  return times.size() > events;
}

std::vector<Alert> Rules::OnMessage(const Message& message, absl::Time now) {
  // A silence that ends with this message was one.
  std::vector<Alert> alerts = OnTime(now);
  for (const Event& event : events_) {
    if (event.name.Matches(message))
      alerts.push_back({event.spec, absl::StrCat(NameOf(message), ", ", PlaceOf(message))});
  }
  for (Rate& rate : rates_) {
    if (!rate.name.Matches(message)) continue;
    const bool exceeds = rate.Exceeds(now);
    if (exceeds && !std::exchange(rate.raised, true)) {
      const std::string limit = absl::StrCat("more than ", rate.events, " ", rate.spec.substr(0, rate.spec.find(':')),
                                             " in ", absl::FormatDuration(rate.window));
      alerts.push_back({rate.spec, absl::StrCat(limit, ", the last with ", PlaceOf(message))});
    }
    if (!exceeds) rate.raised = false;
  }
  if (size_.has_value() && message.payload().size() > *size_) {
    const std::string size = absl::StrCat(message.payload().size(), " bytes in ", NameOf(message));
    alerts.push_back({absl::StrCat("larger than ", *size_), absl::StrCat(size, ", ", PlaceOf(message))});
  }
  for (Silence& silence : silences_) {
    if (silence.queue != message.queue()) continue;
    silence.last = now;
    silence.raised = false;
  }
  return alerts;
}

std::vector<Alert> Rules::OnTime(absl::Time now) {
  std::vector<Alert> alerts;
  for (Silence& silence : silences_) {
    if (now - silence.last < silence.limit || std::exchange(silence.raised, true)) continue;
    alerts.push_back(
        {silence.spec, absl::StrCat("nothing from ", silence.queue, " for ", absl::FormatDuration(silence.limit))});
  }
  return alerts;
}

}  // namespace examples
}  // namespace nmq
