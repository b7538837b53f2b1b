#include "server/queue/queue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/message/entry.h"

namespace nmq::broker {
namespace {

// Channels trimmed in a round of housekeeping.
constexpr size_t kTrimmedChannels = 4096;

// Channels of left rooms that a cursor may keep unlooked at.
constexpr size_t kClosedEars = 16;

// Ears of a cursor up to which each of its patterns has one of its own, and nothing is looked at in vain. Beyond that,
// a target has one ear for all events: every read looks at all ears, and channels take memory.
constexpr size_t kPatternEarsMax = 256;

bool IsWild(absl::string_view pattern) { return absl::StrContains(pattern, '*'); }

// What the ring holds: of a queue on disk, no more than a live queue may.
log::RingBounds Bounds(const RetentionConfig& retention, const Queue::Options& options) {
  const RetentionConfig& bounds = options.disk.has_value() ? options.ring_bounds : retention;
  return {bounds.bytes, bounds.messages, absl::ToInt64Microseconds(bounds.age)};
}

}  // namespace

Queue::Queue(Options options)
    : options_(std::move(options)),
      schedule_(options_.scheduled, options_.total, durable() ? options_.disk->store : nullptr,
                durable() ? options_.disk->number : 0),
      ring_(Bounds(options_.config.retention, options_), options_.total, durable() ? options_.disk->extent.end : 1),
      request_ids_(absl::ToInt64Microseconds(options_.request_id_window), options_.request_ids) {
  any_event_.store(options_.config.events.empty());
  MutexLock lock(&mu_);
  events_ = options_.config.events;
  retention_ = options_.config.retention;
  if (!durable()) return;
  const log::Store::Extent& extent = options_.disk->extent;
  next_sequence_ = extent.end;
  last_time_us_ = extent.last_time_us;
  disk_first_ = extent.first;
  disk_bytes_ = extent.bytes;
}

bool Queue::Accepts(absl::string_view event) const {
  if (any_event_.load(std::memory_order_acquire)) return true;
  MutexLock lock(&mu_);
  return events_.empty() || std::binary_search(events_.begin(), events_.end(), event);
}

absl::Status SequenceMismatch(absl::string_view queue, uint64_t expected_last, uint64_t last) {
  return FailedPrecondition("SEQUENCE_MISMATCH",
                            absl::StrCat("expected_last_sequence: the last sequence of queue ", Quote(queue), " is ",
                                         last, ", not ", expected_last),
                            {{"queue", queue}, {"value", absl::StrCat(expected_last)}, {"bound", absl::StrCat(last)}});
}

absl::StatusOr<Queue::Appended> Queue::Append(absl::Span<const Outgoing> messages, absl::Time time, int64_t now_us,
                                              absl::string_view publisher, bool count_matches,
                                              std::optional<uint64_t> expected_last) {
  EntrySuffix suffix(options_.epoch, time, publisher);
  Touched touched;
  Appended appended;
  uint64_t bytes = 0;
  MutexLock lock(&mu_);
  const uint64_t stamp = options_.stamps->fetch_add(1, std::memory_order_acq_rel) + 1;
  appended.first = ring_.end();
  for (const Outgoing& message : messages) {
    const uint64_t sequence = ring_.end();
    if (!message.request_id.empty()) {
      if (const auto earlier = request_ids_.Find(message.request_id, now_us)) {
        appended.duplicates.push_back({message.index, *earlier});
        continue;
      }
    }
    if (expected_last.has_value() && *expected_last != sequence - 1) {
      return SequenceMismatch(name(), *expected_last, sequence - 1);
    }
    if (!message.request_id.empty()) request_ids_.Add(message.request_id, sequence, now_us);
    suffix.SetSequence(sequence);
    const size_t size = suffix.EntrySize(message.body.size());
    suffix.WriteEntry(message.body, ring_.Append(size, stamp, now_us, message.audience));
    AppendToChannels(message.audience.get(), message.event, sequence, &touched);
    bytes += size;
    if (count_matches) appended.matched += CountMatchesLocked(sequence);
  }
  appended.last = ring_.end() - 1;
  TrimLocked(now_us, messages.size());
  counters_.Published(messages.size() - appended.duplicates.size(), bytes);
  PostLocked(touched);
  return appended;
}

void Queue::AppendToChannels(const log::Audience* audience, absl::string_view event, uint64_t sequence,
                             Touched* touched) {
  if (channels_.empty()) return;
  Matching matching;
  if (pattern_channels_ > 0) {
    patterns_.Match(event, [&](absl::string_view pattern) { matching.push_back(pattern); });
  }
  if (audience == nullptr || audience->everyone) {
    AppendToTarget(kEveryone, event, matching, sequence, touched);
    return;
  }
  for (uint64_t target : audience->targets) AppendToTarget(target, event, matching, sequence, touched);
}

void Queue::AppendToTarget(uint64_t target, absl::string_view event, const Matching& matching, uint64_t sequence,
                           Touched* touched) {
  auto append_to = [&](Channel* channel) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    channel->Append(sequence, ring_.first());
    if (!channel->watchers.empty()) TellWatchers(*channel, sequence);
    if (touched->empty() || touched->back() != channel) touched->push_back(channel);
  };
  auto append = [&](absl::string_view channel_event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    auto it = channels_.find(std::make_pair(target, channel_event));
    if (it != channels_.end()) append_to(it->second.get());
  };
  if (target == kEveryone && everyone_ != nullptr) append_to(everyone_);
  if (target != kEveryone && channels_.size() > name_channels_ + pattern_channels_) append("");
  if (name_channels_ > 0) append(event);
  for (absl::string_view pattern : matching) append(pattern);
}

void Queue::TellWatchers(const Channel& channel, uint64_t sequence) {
  const log::Record& record = ring_.at(sequence);
  for (Cursor* cursor : channel.watchers) {
    Waiting& waiting = *cursor->waiting;
    // Another channel had it, too.
    if (waiting.Knows(sequence) || !Passes(*cursor, channel, record)) continue;
    waiting.Came(sequence, waiting.by_key() ? KeyOf(ring_.data(record)) : absl::string_view(),
                 std::max(cursor->next, ring_.first()));
  }
}

void Queue::PostLocked(const Touched& touched) {
  for (Channel* channel : touched) {
    for (const auto& lane : options_.lanes) {
      const int index = lane->index();
      if (channel->dirty[index] || channel->listeners[index].empty()) continue;
      channel->dirty[index] = true;
      lane->PostChannel(shared_from_this(), channel->shared_from_this());
    }
  }
}

uint64_t Queue::CountMatchesLocked(uint64_t sequence) const {
  const log::Record& record = ring_.at(sequence);
  uint64_t matches = 0;
  for (const Cursor* cursor : cursors_) matches += Hears(*cursor, record) ? 1 : 0;
  return matches;
}

void Queue::Trim(int64_t now_us) {
  MutexLock lock(&mu_);
  request_ids_.Trim(now_us);
  TrimLocked(now_us, kTrimmedChannels);
}

void Queue::TrimLocked(int64_t now_us, size_t channels) {
  ring_.Trim(now_us);
  TrimChannelsLocked(channels);
  // It must not keep what the ring has given up.
  if (last_read_.first < ring_.first()) last_read_ = LastRead();
}

// Trims up to `count` channels, in turn: one in which nothing happens any more would keep its index for ever.
void Queue::TrimChannelsLocked(size_t count) {
  for (count = std::min(count, channel_list_.size()); count > 0; --count) {
    if (trim_turn_ >= channel_list_.size()) trim_turn_ = 0;
    channel_list_[trim_turn_++]->Trim(ring_.first());
  }
}

v1::Gap Queue::GapLocked(uint64_t first, uint64_t end, uint64_t count, v1::GapReason reason) const {
  v1::Gap gap;
  gap.set_queue(name());
  gap.set_epoch(options_.epoch);
  gap.set_first(first);
  gap.set_last(end - 1);
  gap.set_count(count);
  gap.set_reason(reason);
  return gap;
}

v1::Storage Queue::storage() const {
  if (!durable()) return v1::STORAGE_MEMORY;
  return synced() ? v1::STORAGE_SYNCED : v1::STORAGE_BUFFERED;
}

void Queue::Detach(Cursor* cursor) {
  MutexLock lock(&mu_);
  cursors_.erase(cursor);
  for (Ear& ear : cursor->ears) StopListening(cursor, ear.channel.get());
  cursor->ears.clear();
}

std::shared_ptr<Channel> Queue::ChannelLocked(uint64_t target, absl::string_view event) {
  auto it = channels_.find(std::make_pair(target, event));
  if (it != channels_.end()) return it->second;
  ChannelKey key{target, std::string(event)};
  auto channel = std::make_shared<Channel>(key, static_cast<int>(options_.lanes.size()));
  channels_.emplace(std::move(key), channel);
  channel->place = channel_list_.size();
  channel_list_.push_back(channel.get());
  if (IsWild(event)) {
    ++pattern_channels_;
    patterns_.Add(event);
  } else if (!event.empty()) {
    ++name_channels_;
  }
  if (target == kEveryone && event.empty()) everyone_ = channel.get();
  return channel;
}

void Queue::AddTarget(Cursor* cursor, uint64_t target) {
  MutexLock lock(&mu_);
  AddTargetLocked(cursor, target);
}

void Queue::AddTargetLocked(Cursor* cursor, uint64_t target) {
  auto listen = [&](absl::string_view event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    std::shared_ptr<Channel> channel = ChannelLocked(target, event);
    if (!channel->listeners[cursor->subscriber->lane()->index()].insert(cursor).second) return;
    if (cursor->waiting != nullptr) channel->watchers.push_back(cursor);
    Ear ear;
    ear.target = target;
    ear.next = channel->end();
    ear.channel = std::move(channel);
    cursor->ears.push_back(std::move(ear));
  };
  const auto& patterns = cursor->filter.patterns;
  if (cursor->filter.all || (patterns.size() > 1 && cursor->ears.size() + patterns.size() > kPatternEarsMax)) {
    listen("");
    return;
  }
  for (const Pattern* pattern : patterns) listen(pattern->text());
}

void Queue::DropTarget(Cursor* cursor, uint64_t target) {
  MutexLock lock(&mu_);
  const int lane = cursor->subscriber->lane()->index();
  auto& ears = cursor->ears;
  for (size_t i = 0; i < ears.size();) {
    Ear& ear = ears[i];
    if (ear.target != target || !ear.open()) {
      ++i;
      continue;
    }
    ear.limit = ear.channel->end();
    if (ear.pending() && ear.channel->dirty[lane]) ear.channel->leavers.emplace_back(lane, cursor);
    StopListening(cursor, ear.channel.get());
    if (IsDone(*cursor, ear)) {
      if (&ear != &ears.back()) ear = std::move(ears.back());
      ears.pop_back();
    } else {
      ++cursor->closed_ears;
      ++i;
    }
  }
  // Whoever comes and goes without reading does not gather ears. Not each time: there may be many.
  if (cursor->closed_ears > cursor->closed_ears_max) {
    SkipLostLocked(cursor);
    DropDoneEars(cursor);
    cursor->closed_ears_max = 2 * cursor->closed_ears + kClosedEars;
  }
}

void Queue::StopListening(Cursor* cursor, Channel* channel) {
  channel->listeners[cursor->subscriber->lane()->index()].erase(cursor);
  auto& watchers = channel->watchers;
  watchers.erase(std::remove(watchers.begin(), watchers.end(), cursor), watchers.end());
  if (channel->ListenerCount() > 0) return;
  // Those who left it with something still to hear hold on to it themselves; a new channel may have its key by now.
  auto it = channels_.find(channel->key);
  if (it == channels_.end() || it->second.get() != channel) return;
  if (IsWild(channel->key.event)) {
    --pattern_channels_;
    patterns_.Remove(channel->key.event);
  } else if (!channel->key.event.empty()) {
    --name_channels_;
  }
  if (channel == everyone_) everyone_ = nullptr;
  if (channel == last_read_.channel) last_read_ = LastRead();
  channel_list_.back()->place = channel->place;
  channel_list_[channel->place] = channel_list_.back();
  channel_list_.pop_back();
  channels_.erase(it);
}

void Queue::MarkCursor(Cursor* cursor, int lane, std::vector<Subscriber*>* ready) {
  MutexLock lock(&mu_);
  // Another one may be in its place.
  if (!cursors_.contains(cursor) || cursor->subscriber->lane()->index() != lane) return;
  cursor->subscriber->MarkReady(cursor, ready);
}

void Queue::MarkListeners(Channel* channel, int lane, std::vector<Subscriber*>* ready) {
  MutexLock lock(&mu_);
  channel->dirty[lane] = false;
  for (Cursor* cursor : channel->listeners[lane]) cursor->subscriber->MarkReady(cursor, ready);
  auto others = std::partition(channel->leavers.begin(), channel->leavers.end(),
                               [&](const auto& leaver) { return leaver.first == lane; });
  for (auto it = channel->leavers.begin(); it != others; ++it) {
    Cursor* const cursor = it->second;
    // Another one may be in its place.
    if (!cursors_.contains(cursor) || cursor->subscriber->lane()->index() != lane) continue;
    cursor->subscriber->MarkReady(cursor, ready);
  }
  channel->leavers.erase(channel->leavers.begin(), others);
}

uint64_t Queue::Lag(const Cursor& cursor) const {
  MutexLock lock(&mu_);
  if (cursor.scanning) return ring_.end() - std::max(cursor.next, FirstLocked());
  uint64_t lag = cursor.lost;
  for (const Ear& ear : cursor.ears) lag += ear.end() - ear.next;
  return lag;
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
  const int64_t age_nanos = absl::ToInt64Nanoseconds(retention.age);
  info->mutable_retention()->mutable_age()->set_seconds(age_nanos / 1000000000);
  info->mutable_retention()->mutable_age()->set_nanos(static_cast<int32_t>(age_nanos % 1000000000));
  info->set_automatic(options_.origin == QueueOrigin::kAutomatic);
  info->set_epoch(options_.epoch);
  counters_.ToProto(info->mutable_counters());
  info->set_scheduled(schedule_.size());
  MutexLock lock(&mu_);
  info->set_first_sequence(FirstLocked());
  info->set_last_sequence(ring_.end() - 1);
  info->set_bytes(durable() ? disk_bytes_ : ring_.bytes());
  info->set_subscriptions(cursors_.size());
  info->set_groups(followers_.size());
}

}  // namespace nmq::broker
