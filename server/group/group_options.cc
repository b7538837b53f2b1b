#include "server/group/group_options.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "base/names.h"
#include "google/protobuf/util/message_differencer.h"
#include "server/group/durations.h"

namespace nmq::broker {
namespace {

constexpr uint32_t kAttemptsMax = 1000;
constexpr uint64_t kDefaultCreditMessages = 100;
constexpr uint64_t kDefaultCreditBytes = 1 << 20;
constexpr char kDeadSuffix[] = ".dead";

absl::Status CheckDurations(const v1::GroupOptions& options) {
  absl::Status status;
  if (options.has_ack_deadline()) {
    status = CheckDuration("group.ack_deadline", options.ack_deadline(), absl::Seconds(1), kGroupWaitMax);
  }
  if (status.ok() && options.has_backoff()) {
    status = CheckDuration("group.backoff", options.backoff(), absl::ZeroDuration(), absl::Hours(1));
  }
  if (status.ok() && options.has_backoff_max()) {
    status = CheckDuration("group.backoff_max", options.backoff_max(), absl::ZeroDuration(), kGroupWaitMax);
  }
  return status;
}

absl::Status CheckCredit(absl::string_view field, uint64_t credit, uint64_t max) {
  if (credit <= max) return absl::OkStatus();
  return InvalidArgument(field, absl::StrCat(credit, " is more than the limit of ", max));
}

absl::Status CheckNames(const v1::GroupOptions& options, const Limits& limits) {
  absl::Status status = CheckName("group.name", options.name(), limits.name_bytes);
  if (!status.ok()) return status;
  if (!options.dead_letter_queue().empty()) {
    status = CheckName("group.dead_letter_queue", options.dead_letter_queue(), limits.name_bytes);
    if (!status.ok()) return status;
  }
  if (static_cast<uint64_t>(options.rooms_size()) > limits.audience_names) {
    return LimitExceeded("audience_names", options.rooms_size(), limits.audience_names, "group.rooms");
  }
  for (int i = 0; i < options.rooms_size(); ++i) {
    status = CheckName(absl::StrCat("group.rooms[", i, "]"), options.rooms(i), limits.name_bytes);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// The one queue that all patterns name.
absl::StatusOr<std::string> QueueOf(const std::vector<SubscriptionPattern>& patterns) {
  const std::string& queue = patterns.front().queue.text();
  for (const SubscriptionPattern& pattern : patterns) {
    if (pattern.queue.IsName() && pattern.queue.text() == queue) continue;
    return InvalidArgument("patterns", absl::StrCat("a group has one queue, and these name ", Quote(queue), " and ",
                                                    Quote(pattern.queue.text())));
  }
  return queue;
}

}  // namespace

absl::StatusOr<GroupWish> ParseGroup(const v1::GroupOptions& options, const std::vector<SubscriptionPattern>& patterns,
                                     const Limits& limits) {
  GroupWish wish;
  auto queue = QueueOf(patterns);
  if (!queue.ok()) return queue.status();
  wish.queue = *std::move(queue);
  absl::Status status = CheckNames(options, limits);
  if (status.ok()) status = CheckDurations(options);
  if (status.ok() && options.attempts_max() > kAttemptsMax) {
    status = InvalidArgument("group.attempts_max",
                             absl::StrCat(options.attempts_max(), " is more than the limit of ", kAttemptsMax));
  }
  if (status.ok()) {
    status = CheckCredit("group.credit_messages", options.credit_messages(), limits.credit_messages);
  }
  if (status.ok()) status = CheckCredit("group.credit_bytes", options.credit_bytes(), limits.credit_bytes);
  if (!status.ok()) return status;

  wish.credit_messages = options.credit_messages() == 0 ? std::min(kDefaultCreditMessages, limits.credit_messages)
                                                        : options.credit_messages();
  wish.credit_bytes =
      options.credit_bytes() == 0 ? std::min(kDefaultCreditBytes, limits.credit_bytes) : options.credit_bytes();
  wish.set = options;
  wish.set.clear_credit_messages();
  wish.set.clear_credit_bytes();
  v1::GroupOptions* made = wish.group.mutable_options();
  *made = wish.set;
  const GroupPolicy defaults;
  if (!made->has_ack_deadline()) made->mutable_ack_deadline()->set_seconds(defaults.ack_deadline_us / 1'000'000);
  if (made->attempts_max() == 0) made->set_attempts_max(defaults.attempts_max);
  if (!made->has_backoff()) made->mutable_backoff();
  if (!made->has_backoff_max()) made->mutable_backoff_max()->set_seconds(defaults.backoff_max_us / 1'000'000);
  if (made->dead_letter_queue().empty()) {
    made->set_dead_letter_queue(absl::StrCat(wish.queue, kDeadSuffix));
    status = CheckName("group.dead_letter_queue", made->dead_letter_queue(), limits.name_bytes);
    if (!status.ok()) return status;
  }
  if (made->dead_letter_queue() == wish.queue) {
    return InvalidArgument("group.dead_letter_queue", "is the group's own queue");
  }
  for (const SubscriptionPattern& pattern : patterns) {
    if (!pattern.event.MatchesAll()) wish.group.add_events(pattern.event.text());
  }
  if (wish.group.events_size() < static_cast<int>(patterns.size())) wish.group.clear_events();
  return wish;
}

absl::Status CheckSameGroup(const GroupWish& wish, const storage::v1::Group& group) {
  using google::protobuf::util::MessageDifferencer;
  const v1::GroupOptions& options = group.options();
  std::string other;
  const auto differs = [&](const char* field, bool set, bool same) {
    if (set && !same && other.empty()) other = field;
  };
  const v1::GroupOptions& set = wish.set;
  differs("ack_deadline", set.has_ack_deadline(),
          MessageDifferencer::Equals(set.ack_deadline(), options.ack_deadline()));
  differs("attempts_max", set.attempts_max() != 0, set.attempts_max() == options.attempts_max());
  differs("backoff", set.has_backoff(), MessageDifferencer::Equals(set.backoff(), options.backoff()));
  differs("backoff_max", set.has_backoff_max(), MessageDifferencer::Equals(set.backoff_max(), options.backoff_max()));
  differs("by_key", set.by_key(), options.by_key());
  differs("rooms", set.rooms_size() > 0,
          std::equal(set.rooms().begin(), set.rooms().end(), options.rooms().begin(), options.rooms().end()));
  differs("dead_letter_queue", !set.dead_letter_queue().empty(),
          set.dead_letter_queue() == options.dead_letter_queue());
  differs(
      "events", wish.group.events_size() > 0,
      std::equal(wish.group.events().begin(), wish.group.events().end(), group.events().begin(), group.events().end()));
  if (other.empty()) return absl::OkStatus();
  return FailedPrecondition("OTHER_GROUP",
                            absl::StrCat("group: ", Quote(set.name()), " of queue ", Quote(wish.queue), " has another ",
                                         other, "; leave it unset to take the group as it is, or choose another name"),
                            {{"group", set.name()}, {"field", other}});
}

GroupPolicy PolicyOf(const v1::GroupOptions& options) {
  GroupPolicy policy;
  policy.ack_deadline_us = MicrosecondsOf(options.ack_deadline());
  policy.attempts_max = options.attempts_max();
  policy.backoff_us = MicrosecondsOf(options.backoff());
  policy.backoff_max_us = MicrosecondsOf(options.backoff_max());
  policy.by_key = options.by_key();
  return policy;
}

}  // namespace nmq::broker
