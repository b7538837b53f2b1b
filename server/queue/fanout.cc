#include "server/queue/fanout.h"

#include <algorithm>
#include <utility>

#include "server/message/entry.h"
#include "server/queue/cursor_loss.h"
#include "server/queue/cursor_start.h"

namespace nmq::broker {
namespace {

// Channels of left rooms that a cursor may keep unlooked at.
constexpr size_t kClosedEars = 16;

// Ears of a cursor up to which each of its patterns has one of its own, and nothing is looked at in vain. Beyond that,
// a target has one ear for all events: every read looks at all ears, and channels take memory.
constexpr size_t kPatternEarsMax = 256;

}  // namespace

void Fanout::AddToChannels(const Arrival& arrival, Touched* touched) {
  channels_.ForEach(arrival.audience.get(), arrival.event, [&](Channel* channel) {
    channel->Append(arrival.sequence, log_.ring().first());
    if (!channel->watchers.empty()) TellWatchers(*channel, arrival.sequence);
    if (touched->empty() || touched->back() != channel) touched->push_back(channel);
  });
}

void Fanout::TellWatchers(const Channel& channel, uint64_t sequence) {
  const log::Record& record = log_.ring().at(sequence);
  for (Cursor* cursor : channel.watchers) {
    Waiting& waiting = *cursor->waiting;
    // Another channel had it, too.
    if (waiting.Knows(sequence)) continue;
    if (!Passes(cursor->filter, cursor->subscriber->memberships(), channel, HearingOf(record), log_.members())) {
      continue;
    }
    waiting.Came(sequence, waiting.by_key() ? KeyOf(log::Ring::data(record)) : absl::string_view(),
                 std::max(cursor->next, log_.ring().first()));
  }
}

void Fanout::AddHearers(const Hearing& message, absl::string_view event, Hearers* hearers) const {
  absl::flat_hash_set<const Cursor*> heard;
  channels_.ForEach(message.audience, event, [&](const Channel* channel) {
    for (const auto& listeners : channel->listeners) {
      for (const Cursor* cursor : listeners) {
        const Subscriber& subscriber = *cursor->subscriber;
        if (!Passes(cursor->filter, subscriber.memberships(), *channel, message, log_.members())) continue;
        // Another channel had it, too.
        if (heard.insert(cursor).second) hearers->push_back(subscriber.shared_client());
      }
    }
  });
}

void Fanout::Trim(int64_t now_us, size_t channels) {
  log_.Trim(now_us);
  channels_.Trim(channels, log_.ring().first());
  reader_.ForgetTrimmed();
}

void Fanout::Forget() {
  channels_.Trim(channels_.size(), log_.ring().first());
  reader_.ForgetTrimmed();
}

void Fanout::Attach(Cursor* cursor, const Start& start, absl::Span<const uint64_t> targets,
                    v1::QueuePosition* position) {
  cursors_.insert(cursor);
  cursor->hold = log_.durable() && cursor->subscriber->holds();
  cursor->waiting = cursor->subscriber->NewWaiting();
  for (uint64_t target : targets) AddTarget(cursor, target);
  PlaceCursor(log_, start, cursor);
  cursor->scanning = cursor->next < log_.end();
  cursor->reported = cursor->next - 1;
  log_.SetPosition(cursor->reported, position);
  if (cursor->gaps.empty()) return;
  // The stream may break before the gap arrives: a subscriber that goes on from here is told of it again.
  position->set_epoch(cursor->gaps.front().epoch());
  position->set_sequence(cursor->gaps.front().first() - 1);
}

void Fanout::Detach(Cursor* cursor) {
  cursors_.erase(cursor);
  for (Ear& ear : cursor->ears) StopListening(cursor, ear.channel.get());
  cursor->ears.clear();
}

void Fanout::AddTarget(Cursor* cursor, uint64_t target) {
  const auto& patterns = cursor->filter.patterns;
  if (cursor->filter.all || (patterns.size() > 1 && cursor->ears.size() + patterns.size() > kPatternEarsMax)) {
    Listen(cursor, target, "");
    return;
  }
  for (const Pattern* pattern : patterns) Listen(cursor, target, pattern->text());
}

void Fanout::Listen(Cursor* cursor, uint64_t target, absl::string_view event) {
  std::shared_ptr<Channel> channel = channels_.Open(target, event);
  if (!channel->listeners[cursor->subscriber->lane()->index()].insert(cursor).second) return;
  if (cursor->waiting != nullptr) channel->watchers.push_back(cursor);
  if (cursor->filter.picks(*channel)) channel->pickers.insert(cursor);
  Ear ear;
  ear.target = target;
  ear.next = channel->end();
  ear.channel = std::move(channel);
  cursor->ears.push_back(std::move(ear));
}

void Fanout::DropTarget(Cursor* cursor, uint64_t target) {
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
    if (cursor->IsDone(ear)) {
      if (&ear != &ears.back()) ear = std::move(ears.back());
      ears.pop_back();
    } else {
      ++cursor->closed_ears;
      ++i;
    }
  }
  // A client that comes and goes without reading does not gather ears. Not each time: there may be many.
  if (cursor->closed_ears > cursor->closed_ears_max) {
    SkipLost(log_, cursor);
    cursor->DropDoneEars();
    cursor->closed_ears_max = 2 * cursor->closed_ears + kClosedEars;
  }
}

void Fanout::StopListening(Cursor* cursor, Channel* channel) {
  channel->listeners[cursor->subscriber->lane()->index()].erase(cursor);
  channel->pickers.erase(cursor);
  auto& watchers = channel->watchers;
  watchers.erase(std::remove(watchers.begin(), watchers.end(), cursor), watchers.end());
  if (channel->ListenerCount() > 0) return;
  reader_.Forget(channel);
  channels_.Drop(channel);
}

void Fanout::MarkCursor(Cursor* cursor, int lane, std::vector<Subscriber*>* ready) {
  // Another one may be in its place.
  if (!cursors_.contains(cursor) || cursor->subscriber->lane()->index() != lane) return;
  cursor->subscriber->MarkReady(cursor, ready);
}

void Fanout::MarkListeners(Channel* channel, int lane, std::vector<Subscriber*>* ready) {
  channel->dirty[lane] = false;
  for (Cursor* cursor : channel->listeners[lane]) cursor->subscriber->MarkReady(cursor, ready);
  auto others = std::partition(channel->leavers.begin(), channel->leavers.end(),
                               [&](const auto& leaver) { return leaver.first == lane; });
  for (auto it = channel->leavers.begin(); it != others; ++it) MarkCursor(it->second, lane, ready);
  channel->leavers.erase(channel->leavers.begin(), others);
}

}  // namespace nmq::broker
