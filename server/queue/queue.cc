#include "server/queue/queue.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_time.h"
#include "glog/logging.h"
#include "server/queue/cursor_loss.h"
#include "server/queue/cursor_start.h"
#include "server/queue/disk_search.h"
#include "server/queue/last_search.h"

namespace nmq::broker {
namespace {

// Channels trimmed in a round of housekeeping.
constexpr size_t kTrimmedChannels = 4096;

// Messages looked at in one go.
constexpr int kSearchLooksMax = 8192;

MessageLog::Options LogOptions(const Queue::Options& options) {
  MessageLog::Options log;
  log.queue = options.config.name;
  log.epoch = options.epoch;
  log.retention = options.config.retention;
  log.ring_bounds = options.ring_bounds;
  log.total = options.total;
  log.clock = options.clock;
  log.disk = options.disk;
  return log;
}

}  // namespace

absl::Status NobodyListens(absl::string_view name_space, absl::string_view queue, absl::string_view event) {
  return Unavailable("NOBODY_LISTENS",
                     absl::StrCat("nobody whom it is for hears event ", Quote(event), " of queue ", Quote(queue),
                                  " of namespace ", Quote(name_space)),
                     absl::ZeroDuration(), {{"queue", queue}, {"event", event}});
}

Queue::Queue(Options options)
    : options_(std::move(options)),
      schedule_(options_.scheduled, options_.total, durable() ? options_.disk->log : nullptr,
                durable() ? options_.disk->number : 0),
      log_(LogOptions(options_)),
      fanout_(&log_, options_.lanes, this),
      requests_(options_.request_id_window, options_.request_ids, durable() ? options_.disk->number : 0),
      appender_(&log_, &fanout_, &requests_, &counters_, options_.stamps) {
  any_event_.store(options_.config.events.empty());
  if (durable()) preparer_.emplace(options_.epoch, *options_.disk, options_.stamps);
  MutexLock lock(&mu_);
  events_ = options_.config.events;
}

bool Queue::Accepts(absl::string_view event) const {
  if (any_event_.load(std::memory_order_acquire)) return true;
  MutexLock lock(&mu_);
  return events_.empty() || std::binary_search(events_.begin(), events_.end(), event);
}

v1::Storage Queue::storage() const {
  if (!durable()) return v1::STORAGE_MEMORY;
  return synced() ? v1::STORAGE_SYNCED : v1::STORAGE_BUFFERED;
}

void Queue::Post(const Fanout::Touched& touched) {
  fanout_.Post(touched, [this] { return shared_from_this(); });
}

absl::Status Queue::CheckTakes() const {
  if (taking_.load(std::memory_order_acquire)) return absl::OkStatus();
  return NotFound("QUEUE_DELETED", absl::StrCat("queue ", Quote(name()), " was deleted"), {{"queue", name()}});
}

absl::StatusOr<Appended> Queue::Append(absl::Span<const Outgoing> messages, absl::Time time, int64_t now_us,
                                       absl::string_view publisher, bool count_matches,
                                       std::optional<uint64_t> expected_last) {
  EntrySuffix suffix(options_.epoch, time, publisher);
  Fanout::Touched touched;
  MutexLock lock(&mu_);
  if (!taking_.load(std::memory_order_relaxed)) return CheckTakes();
  auto appended = appender_.Append(messages, &suffix, now_us, count_matches, expected_last, &touched);
  Post(touched);
  return appended;
}

Appended Queue::AppendChecked(absl::Span<const Outgoing> messages, absl::Time time, int64_t now_us,
                              absl::string_view publisher, bool count_matches) {
  EntrySuffix suffix(options_.epoch, time, publisher);
  Fanout::Touched touched;
  MutexLock lock(&mu_);
  // Without an expected sequence it takes all.
  auto appended = appender_.Append(messages, &suffix, now_us, count_matches, /*expected_last=*/std::nullopt, &touched);
  Post(touched);
  return *std::move(appended);
}

absl::StatusOr<uint64_t> Queue::AppendQuestion(const Outgoing& question, absl::Time time, int64_t now_us,
                                               absl::string_view publisher, absl::string_view reply_to, Heard* heard) {
  EntrySuffix suffix(options_.epoch, time, publisher, reply_to);
  Fanout::Touched touched;
  MutexLock lock(&mu_);
  if (!taking_.load(std::memory_order_relaxed)) return CheckTakes();
  const auto sequence = appender_.AppendQuestion(question, &suffix, now_us, heard, &touched);
  if (!sequence.has_value()) return NobodyListens(options_.name_space, name(), question.event);
  Post(touched);
  return *sequence;
}

absl::Status Queue::CheckHeard(const Outgoing& question) const {
  EntrySuffix suffix(options_.epoch, absl::UnixEpoch(), "");
  suffix.SetSequence(1);
  std::string entry(suffix.EntrySize(question.body.size()), '\0');
  suffix.WriteEntry(question.body, entry.data());
  MutexLock lock(&mu_);
  if (appender_.IsHeard(question, entry.data())) return absl::OkStatus();
  return NobodyListens(options_.name_space, name(), question.event);
}

void Queue::Trim(int64_t now_us) {
  MutexLock lock(&mu_);
  requests_.Trim(now_us);
  fanout_.Trim(now_us, kTrimmedChannels);
}

QueueConfig Queue::config() const {
  QueueConfig config = options_.config;
  MutexLock lock(&mu_);
  config.events = events_;
  config.retention = log_.retention();
  return config;
}

void Queue::Change(std::vector<std::string> events, const RetentionConfig& retention) {
  MutexLock lock(&mu_);
  any_event_.store(events.empty(), std::memory_order_release);
  events_ = std::move(events);
  log_.set_retention(retention);
}

bool Queue::WasPurged(uint64_t first) const {
  MutexLock lock(&mu_);
  return log_.WasPurged(first);
}

absl::StatusOr<uint64_t> Queue::Purge(uint64_t last) {
  uint64_t held;
  uint64_t end;
  uint64_t first;
  {
    MutexLock lock(&mu_);
    held = log_.first();
    end = log_.end();
    first = last == 0 ? end : last + 1;
    if (last < end && first > held) log_.BeginPurge(first);
  }
  if (last >= end) {
    return OutOfRange("POSITION_NOT_REACHED",
                      absl::StrCat("up_to_sequence: queue ", Quote(name()), " has not reached sequence ", last,
                                   "; its last one is ", end - 1),
                      {{"queue", name()}, {"value", absl::StrCat(last)}, {"bound", absl::StrCat(end - 1)}});
  }
  if (first <= held) return 0;
  const Left left =
      durable() ? TrimStore(disk(), {held, end}, first, log::Sync::kYes) : Left{absl::OkStatus(), first, std::nullopt};
  MutexLock lock(&mu_);
  const uint64_t count = left.first - std::min(left.first, std::max(held, log_.first()));
  log_.Purge(left.first);
  fanout_.Forget();
  // What was published meanwhile is counted at the next look.
  if (left.bytes.has_value()) log_.set_disk_bytes(*left.bytes);
  if (!left.status.ok()) return left.status;
  return count;
}

void Queue::StopTaking() {
  MutexLock lock(&mu_);
  taking_.store(false, std::memory_order_release);
}

uint64_t Queue::Close() {
  MutexLock lock(&mu_);
  DCHECK(!taking_.load(std::memory_order_relaxed));
  closed_.store(true, std::memory_order_release);
  const uint64_t count = log_.end() - log_.first();
  log_.Purge(log_.end());
  fanout_.Forget();
  fanout_.PostCursors([this] { return shared_from_this(); });
  return count;
}

absl::Status Queue::CheckStart(const Start& start) const {
  MutexLock lock(&mu_);
  return broker::CheckStart(log_, start);
}

void Queue::FindStart(const Start& start, EventFilter filter, SearchFor who, FoundSequence done) const {
  DCHECK(durable());
  const log::Extent held = Held();
  if (start.kind == Start::Kind::kTime) {
    return disk().log->FindTime(disk().number, held.first, held.end, start.time_us, std::move(done));
  }
  FindLast(disk(), {held.first, held.end}, start.number, std::move(filter), std::move(who), options_.clock,
           std::move(done));
}

absl::StatusOr<uint64_t> Queue::FindLastInMemory(uint64_t count, const EventFilter& filter,
                                                 const Memberships& memberships, const std::atomic<bool>* stop) const {
  LastSearch search(count, filter, memberships);
  while (true) {
    {
      MutexLock lock(&mu_);
      if (search.Step(log_, kSearchLooksMax)) return search.sequence();
    }
    if (stop != nullptr && stop->load(std::memory_order_relaxed)) return absl::CancelledError("nobody waits");
    // A thread that waits for the mutex gets it.
    std::this_thread::yield();
  }
}

void Queue::Attach(Cursor* cursor, const Start& start, absl::Span<const uint64_t> targets,
                   v1::QueuePosition* position) {
  MutexLock lock(&mu_);
  fanout_.Attach(cursor, start, targets, position);
}

void Queue::Detach(Cursor* cursor) {
  MutexLock lock(&mu_);
  fanout_.Detach(cursor);
}

void Queue::AddTarget(Cursor* cursor, uint64_t target) {
  MutexLock lock(&mu_);
  fanout_.AddTarget(cursor, target);
}

void Queue::DropTarget(Cursor* cursor, uint64_t target) {
  MutexLock lock(&mu_);
  fanout_.DropTarget(cursor, target);
}

bool Queue::Read(Cursor* cursor, uint64_t bytes_max, Delivery* delivery) {
  MutexLock lock(&mu_);
  const bool more = fanout_.reader().Read(cursor, bytes_max, delivery);
  if (!more && closed_.load(std::memory_order_relaxed) && !cursor->pending()) cursor->done = true;
  return more;
}

bool Queue::HasLost(const Cursor& cursor) const {
  MutexLock lock(&mu_);
  return broker::HasLost(log_, cursor);
}

bool Queue::TakeProgress(Cursor* cursor, v1::QueuePosition* position) {
  MutexLock lock(&mu_);
  return fanout_.reader().TakeProgress(cursor, position);
}

uint64_t Queue::Lag(const Cursor& cursor) const {
  MutexLock lock(&mu_);
  return fanout_.reader().Lag(cursor);
}

void Queue::MarkCursor(Cursor* cursor, int lane, std::vector<Subscriber*>* ready) {
  MutexLock lock(&mu_);
  fanout_.MarkCursor(cursor, lane, ready);
}

void Queue::MarkListeners(Channel* channel, int lane, std::vector<Subscriber*>* ready) {
  MutexLock lock(&mu_);
  fanout_.MarkListeners(channel, lane, ready);
}

void Queue::Describe(v1::QueueInfo* info) const {
  info->set_namespace_(options_.name_space);
  info->set_name(name());
  info->set_durability(options_.config.durability);
  const QueueConfig now = config();
  for (const std::string& event : now.events) info->add_events(event);
  const RetentionConfig& retention = now.retention;
  info->mutable_retention()->set_bytes(retention.bytes);
  info->mutable_retention()->set_messages(retention.messages);
  SetDuration(retention.age, info->mutable_retention()->mutable_age());
  info->set_automatic(options_.origin == QueueOrigin::kAutomatic);
  info->set_epoch(options_.epoch);
  counters_.ToProto(info->mutable_counters());
  info->set_scheduled(schedule_.size());
  info->set_groups(followers_.size());
  MutexLock lock(&mu_);
  info->set_first_sequence(log_.first());
  info->set_last_sequence(log_.end() - 1);
  info->set_bytes(log_.bytes());
  info->set_subscriptions(fanout_.cursors());
}

}  // namespace nmq::broker
