#include "server/queue/subscription.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/queue/queue.h"

namespace nmq::broker {
namespace {

constexpr absl::Duration kSlowRetry = absl::Seconds(1);

// Whether what a gap counts came while the subscription listened, and was dropped.
bool WasThere(v1::GapReason reason) {
  return reason == v1::GAP_REASON_SLOW_SUBSCRIBER || reason == v1::GAP_REASON_EXPIRED ||
         reason == v1::GAP_REASON_DROPPED_NEWEST || reason == v1::GAP_REASON_SUPERSEDED;
}

}  // namespace

bool FilterFor(const std::vector<SubscriptionPattern>& patterns, const std::vector<HeaderFilter>& headers,
               absl::string_view queue, EventFilter* filter) {
  for (const SubscriptionPattern& pattern : patterns) {
    if (!pattern.queue.Matches(queue)) continue;
    if (pattern.event.MatchesAll()) filter->all = true;
    filter->patterns.push_back(&pattern.event);
  }
  if (filter->patterns.empty()) return false;
  if (filter->all) filter->patterns.clear();
  if (!headers.empty()) filter->headers = &headers;
  return true;
}

Subscription::Subscription(Options options)
    : Subscriber(options),
      id_(std::move(options.id)),
      patterns_(std::move(options.patterns)),
      headers_(std::move(options.headers)),
      gate_(std::move(options.gate)),
      peer_(std::move(options.peer)),
      start_time_(options.start_time),
      name_space_counters_(*options.name_space_counters),
      start_of_later_queues_(options.start_of_later_queues.kind == Start::Kind::kNew
                                 ? nullptr
                                 : std::make_unique<const Start>(std::move(options.start_of_later_queues))),
      place_in_group_(options.mailbox == nullptr ? nullptr
                                                 : std::make_unique<const PlaceInGroup>(PlaceInGroup{
                                                       std::move(options.mailbox), std::move(options.group),
                                                       std::move(options.leave_group)})) {}

const Start& Subscription::start_of_later_queues() const {
  static const Start* const kNew = new Start();
  return start_of_later_queues_ == nullptr ? *kNew : *start_of_later_queues_;
}

bool Subscription::Hears(absl::string_view queue, absl::string_view event) const {
  return std::any_of(patterns().begin(), patterns().end(), [&](const SubscriptionPattern& pattern) {
    return (queue.empty() || pattern.queue.Matches(queue)) && (event.empty() || pattern.event.Matches(event));
  });
}

Cursor* Subscription::AddCursor(std::shared_ptr<Queue> queue, EventFilter filter) {
  auto cursor = std::make_unique<Cursor>();
  cursor->queue = std::move(queue);
  cursor->subscriber = this;
  cursor->filter = std::move(filter);
  MutexLock lock(&mu_);
  cursors_.push_back(std::move(cursor));
  return cursors_.back().get();
}

void Subscription::DropCursor(Cursor* cursor) {
  std::unique_ptr<Cursor> dropped;
  {
    MutexLock lock(&mu_);
    const auto found = std::find_if(cursors_.begin(), cursors_.end(),
                                    [cursor](const std::unique_ptr<Cursor>& own) { return own.get() == cursor; });
    dropped = std::move(*found);
    cursors_.erase(found);
  }
  dropped->queue->Detach(cursor);
}

void Subscription::ForEachCursor(absl::FunctionRef<void(Cursor*)> visit) const {
  MutexLock lock(&mu_);
  for (const auto& cursor : cursors_) visit(cursor.get());
}

size_t Subscription::cursors() const {
  MutexLock lock(&mu_);
  return cursors_.size();
}

uint64_t Subscription::Lag() const {
  uint64_t lag = 0;
  ForEachCursor([&](Cursor* cursor) { lag += cursor->queue->Lag(*cursor); });
  return lag;
}

absl::Status Subscription::Read(uint64_t bytes_max, Delivery* delivery) {
  if (ended()) return end_status();
  if (place_in_group_ != nullptr) place_in_group_->mailbox->Take(bytes_max, delivery);
  // In turn, so that a busy queue does not keep the others waiting.
  bool more = false;
  std::vector<Cursor*>& ready = ready_cursors();
  while (!ready.empty() && !more) {
    if (turn_ >= ready.size()) turn_ = 0;
    Cursor* cursor = ready[turn_];
    const uint64_t messages = delivery->messages;
    const uint64_t bytes = delivery->bytes;
    more = cursor->queue->Read(cursor, bytes_max, delivery);
    if (delivery->messages > messages) {
      cursor->queue->counters().Delivered(delivery->messages - messages, delivery->bytes - bytes);
    }
    if (more) {
      ++turn_;
    } else {
      cursor->ready = false;
      ready[turn_] = ready.back();
      ready.pop_back();
      if (cursor->done) DropCursor(cursor);
    }
  }
  if (delivery->messages > 0) {
    counters_.Delivered(delivery->messages, delivery->bytes);
    client().counters().Delivered(delivery->messages, delivery->bytes);
    name_space_counters_.Delivered(delivery->messages, delivery->bytes);
  }
  if (delivery->has_gap && WasThere(delivery->gap.reason())) {
    counters_.Dropped(delivery->gap.count());
    client().counters().Dropped(delivery->gap.count());
    name_space_counters_.Dropped(delivery->gap.count());
    const bool slow = delivery->gap.reason() == v1::GAP_REASON_SLOW_SUBSCRIBER;
    if (slow && overflow() == v1::OVERFLOW_DISCONNECT) return SlowStatus(delivery->gap.queue());
  }
  return absl::OkStatus();
}

absl::Status Subscription::CheckOverflow() const {
  if (overflow() != v1::OVERFLOW_DISCONNECT) return absl::OkStatus();
  for (const Cursor* cursor : ready_cursors()) {
    if (cursor->queue->HasLost(*cursor)) return SlowStatus(cursor->queue->name());
  }
  return absl::OkStatus();
}

absl::Status Subscription::SlowStatus(absl::string_view queue) const {
  return ResourceExhausted("SLOW_SUBSCRIBER",
                           absl::StrCat("subscription ", id(), " is too slow: queue ", Quote(queue),
                                        " no longer holds what it has not read, and its overflow policy is disconnect; "
                                        "resume from its last position, read faster, or choose drop-oldest"),
                           kSlowRetry, {{"queue", queue}, {"subscription", id()}});
}

void Subscription::TakeProgress(int count_max, google::protobuf::RepeatedPtrField<v1::QueuePosition>* positions) {
  v1::QueuePosition position;
  ForEachCursor([&](Cursor* cursor) {
    if (positions->size() < count_max && cursor->queue->TakeProgress(cursor, &position)) *positions->Add() = position;
  });
}

void Subscription::Close() {
  StopMarking();
  share_.Release();
  ForEachCursor([](Cursor* cursor) { cursor->queue->Detach(cursor); });
  if (place_in_group_ != nullptr && place_in_group_->leave) place_in_group_->leave();
}

void Subscription::MarkAllReady() {
  ForEachCursor([&](Cursor* cursor) {
    if (cursor->ready) return;
    cursor->ready = true;
    ready_cursors().push_back(cursor);
  });
}

}  // namespace nmq::broker
