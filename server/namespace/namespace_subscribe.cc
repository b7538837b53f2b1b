// How subscriptions of a namespace start and end.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/log/extent.h"
#include "server/namespace/namespace.h"

namespace nmq::broker {
namespace {

// Messages in memory that a loop may look at before others have their turn.
constexpr uint64_t kLooksMax = 8192;

bool LooksBack(const Start& start) { return start.kind == Start::Kind::kLast || start.kind == Start::Kind::kTime; }

absl::Status StartNotFound(const Queue& queue, const absl::Status& why) {
  return WithContext(why, absl::StrCat("start: queue ", Quote(queue.name())));
}

// Looks for a start in one queue on disk after another. Keeps itself until it is over.
class StartSearch : public std::enable_shared_from_this<StartSearch> {
 public:
  using Queues = std::vector<std::pair<std::shared_ptr<Queue>, EventFilter>>;
  StartSearch(Start* start, Queues queues, SearchFor who, Namespace::Prepared done)
      : start_(*start), queues_(std::move(queues)), for_(std::move(who)), done_(std::move(done)) {}

  void Next() {
    if (queues_.empty()) return done_(absl::OkStatus());
    const auto [queue, filter] = std::move(queues_.back());
    queues_.pop_back();
    queue->FindStart(start_, filter, for_, [self = shared_from_this(), queue = queue](absl::StatusOr<uint64_t> found) {
      if (!found.ok()) return self->done_(StartNotFound(*queue, found.status()));
      self->start_.found[queue->name()] = {queue->epoch(), *found};
      self->Next();
    });
  }

 private:
  Start& start_;
  Queues queues_;
  const SearchFor for_;
  const Namespace::Prepared done_;
};

}  // namespace

bool Namespace::FilterFor(const SubscribeOptions& options, absl::string_view queue, EventFilter* filter) {
  if (options.gate != nullptr && !(*options.gate)(queue)) return false;
  return broker::FilterFor(options.patterns, options.headers, queue, filter);
}

std::vector<uint64_t> Namespace::TargetsOf(const Roster::Entry& entry) {
  std::vector<uint64_t> targets = {kEveryone, entry.client->number()};
  for (const auto& [name, room] : entry.rooms) targets.push_back(room->number);
  return targets;
}

absl::Status Namespace::SubscribeCheckLocked(const SubscribeOptions& options) const {
  const Roster::Entry* const entry = roster_.Find(options.client->id());
  if (entry == nullptr) return Roster::GoneStatus();
  const uint64_t subscriptions = subscriptions_.Of(options.client->id()).size() + 1;
  if (subscriptions > limits().subscriptions_per_client) {
    return LimitExceeded("subscriptions_per_client", subscriptions, limits().subscriptions_per_client);
  }
  for (const SubscriptionPattern& pattern : options.patterns) {
    if (!pattern.queue.IsName()) continue;
    const std::shared_ptr<Queue>* const queue = queues_.Find(pattern.queue.text());
    if (queue == nullptr) {
      if (!automatic_queues()) return queues_.NoQueueMade(pattern.queue.text());
    } else if (pattern.event.IsName() && !(*queue)->Accepts(pattern.event.text())) {
      return NoEvent(**queue, pattern.event.text());
    }
  }
  for (const auto& [name, queue] : queues_) {
    const absl::string_view queue_name = name;
    const bool wanted =
        (options.gate == nullptr || (*options.gate)(queue_name)) &&
        std::any_of(options.patterns.begin(), options.patterns.end(),
                    [&](const SubscriptionPattern& pattern) { return pattern.queue.Matches(queue_name); });
    absl::Status status = wanted ? queue->CheckStart(options.start) : absl::OkStatus();
    if (!status.ok()) return status;
  }
  return roster_.CheckJoin(*entry, options.rooms);
}

// Looks for what takes long to find, before any lock is taken.
absl::Status Namespace::FindStartsInMemory(SubscribeOptions* options, const std::atomic<bool>* stop) const {
  Start& start = options->start;
  if (start.kind != Start::Kind::kLast) return absl::OkStatus();
  for (const auto& queue : ServedQueues()) {
    EventFilter filter;
    if (queue->durable() || !FilterFor(*options, queue->name(), &filter)) continue;
    auto found = queue->FindLastInMemory(start.number, filter, options->client->memberships(), stop);
    if (!found.ok()) return StartNotFound(*queue, found.status());
    start.found[queue->name()] = {queue->epoch(), *found};
  }
  return absl::OkStatus();
}

void Namespace::FindStartsOnDisk(SubscribeOptions* options, const std::atomic<bool>* stop, Prepared done) const {
  std::vector<std::pair<std::shared_ptr<Queue>, EventFilter>> queues;
  for (const auto& queue : ServedQueues()) {
    EventFilter filter;
    if (!queue->durable() || !FilterFor(*options, queue->name(), &filter)) continue;
    queues.emplace_back(queue, std::move(filter));
  }
  SearchFor who;
  who.memberships = std::shared_ptr<const Memberships>(options->client, &options->client->memberships());
  if (stop != nullptr) who.wanted = [stop] { return !stop->load(std::memory_order_relaxed); };
  std::make_shared<StartSearch>(&options->start, std::move(queues), std::move(who), std::move(done))->Next();
}

bool Namespace::MayTakeLong(const SubscribeOptions& options) const {
  if (options.prepared) return false;
  uint64_t messages = 0;  // in memory, to be looked at
  ReaderMutexLock lock(&mu_);
  if (options.group.has_value()) {
    return storage_ != nullptr && groups_.Find(options.group->queue, options.group->set.name()) == nullptr;
  }
  if (!LooksBack(options.start)) return false;
  for (const auto& [name, queue] : queues_) {
    EventFilter filter;
    if (!FilterFor(options, name, &filter)) continue;
    if (queue->durable()) return true;
    const log::Extent held = queue->Held();
    if (options.start.kind == Start::Kind::kLast) messages += held.end - held.first;
  }
  return messages > kLooksMax;
}

void Namespace::PrepareSubscribe(SubscribeOptions* options, const std::atomic<bool>* stop, Prepared done) {
  options->prepared = true;
  if (stop != nullptr && stop->load()) return done(absl::CancelledError("nobody waits"));
  if (!options->group.has_value()) {
    absl::Status status = FindStartsInMemory(options, stop);
    if (!status.ok()) return done(status);
    return FindStartsOnDisk(options, stop, std::move(done));
  }
  auto group = FindOrMakeGroup(*options->group, options->start);
  if (group.ok()) options->found_group = *std::move(group);
  done(group.status());
}

absl::Status Namespace::FindPrepared(SubscribeOptions* options) const {
  if (!options->group.has_value()) {
    Start& start = options->start;
    if (!LooksBack(start)) return absl::OkStatus();
    start.monotonic_us = NowUs() - (absl::ToUnixMicros(clock_->Now()) - start.time_us);
    return options->prepared ? absl::OkStatus() : FindStartsInMemory(options, /*stop=*/nullptr);
  }
  options->start = Start();
  if (options->found_group == nullptr) {
    auto group = FindSameGroup(*options->group);
    if (!group.ok()) return group.status();
    options->found_group = *std::move(group);
  }
  if (options->found_group != nullptr) {
    return options->admit_to_group == nullptr ? absl::OkStatus() : options->admit_to_group(*options->found_group);
  }
  auto queue = QueueForGroup(*options->group);
  if (!queue.ok()) return queue.status();
  // It was there when MayTakeLong was asked.
  return NotFound("GROUP_DELETED",
                  absl::StrCat("group: group ", Quote(options->group->set.name()), " of queue ",
                               Quote(options->group->queue), " was deleted meanwhile; subscribe again to make it anew"),
                  {{"group", options->group->set.name()}, {"queue", options->group->queue}});
}

// A queue that a resumed subscription knows of and that is not there was of an earlier run of the server: when it is
// made again, what followed the position is missing.
Start Namespace::StartOfLaterQueuesLocked(const Start& start) const {
  Start later;
  for (const auto& [name, position] : start.positions) {
    if (queues_.Contains(name)) continue;
    later.kind = Start::Kind::kResume;
    later.positions.emplace(name, position);
  }
  return later;
}

void Namespace::Attach(Subscription* subscription, const std::shared_ptr<Queue>& queue, const Start& start,
                       absl::Span<const uint64_t> targets, v1::Ready* ready) {
  EventFilter filter;
  if (!subscription->FilterFor(queue->name(), &filter)) return;
  v1::QueuePosition position;
  queue->Attach(subscription->AddCursor(queue, std::move(filter)), start, targets, &position);
  if (ready != nullptr) *ready->add_positions() = std::move(position);
}

std::shared_ptr<Subscription> Namespace::NewSubscriptionLocked(SubscribeOptions* options, v1::Ready* ready) {
  Subscription::Options made;
  made.id = subscriptions_.NewId(options->client->id());
  made.client = options->client;
  made.patterns = std::move(options->patterns);
  made.headers = std::move(options->headers);
  made.gate = std::move(options->gate);
  made.overflow = options->overflow;
  made.overflow_messages = options->overflow_messages;
  made.peer = subscriptions_.SharedPeer(options->client->id(), options->peer);
  made.start_time = clock_->Now();
  made.lane = options->lane;
  made.owner = options->owner;
  made.name_space_counters = &counters_;
  made.start_of_later_queues = StartOfLaterQueuesLocked(options->start);
  const std::shared_ptr<Group>& group = options->found_group;
  uint64_t member = 0;
  if (group != nullptr) {
    member = group->NextMember();
    made.mailbox = std::make_shared<Mailbox>();
    made.group = group->name();
    made.leave_group = [group, member] { group->RemoveMember(member); };
  }
  const std::shared_ptr<Mailbox> mailbox = made.mailbox;
  auto subscription = std::make_shared<Subscription>(std::move(made));
  if (group != nullptr) {
    group->AddMember(member, subscription, mailbox, options->group->credit_messages, options->group->credit_bytes);
    return subscription;
  }
  const std::vector<uint64_t> targets = TargetsOf(*roster_.Find(options->client->id()));
  for (const auto& [name, queue] : queues_) Attach(subscription.get(), queue, options->start, targets, ready);
  return subscription;
}

absl::StatusOr<std::shared_ptr<Subscription>> Namespace::Subscribe(SubscribeOptions options, v1::Ready* ready) {
  std::shared_ptr<Subscription> subscription;
  absl::Status status = FindPrepared(&options);
  if (!status.ok()) return status;
  {
    MutexLock lock(&mu_);
    status = SubscribeCheckLocked(options);
    if (!status.ok()) return status;
    Roster::Entry* const entry = roster_.Find(options.client->id());
    for (const std::string* room : options.rooms) JoinLocked(entry, *room);
    subscription = NewSubscriptionLocked(&options, ready);
    subscriptions_.Add(subscription);
    entry->client->StreamOpened();
    AppendSubscriptionChange(v1::CHANGE_KIND_SUBSCRIPTION_STARTED, *entry, subscription->id(), /*reason=*/"");
  }
  ready->set_namespace_(name_);
  ready->set_client_id(subscription->client().id());
  ready->set_subscription_id(subscription->id());
  subscription->MarkAllReady();
  changes_->Notify();
  return subscription;
}

void Namespace::Unsubscribe(Subscription* subscription, absl::string_view reason) {
  {
    MutexLock lock(&mu_);
    const Roster::Entry* const entry = roster_.Find(subscription->client().id());
    // Otherwise the client was removed, and said so.
    if (entry != nullptr && subscriptions_.Remove(*subscription)) {
      AppendSubscriptionChange(v1::CHANGE_KIND_SUBSCRIPTION_ENDED, *entry, subscription->id(), reason);
    }
  }
  subscription->Close();
  subscription->client().StreamClosed(NowUs());
  changes_->Notify();
}

}  // namespace nmq::broker
