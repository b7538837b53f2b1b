#include "server/queue/match_counter.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "server/queue/cursor.h"
#include "server/queue/subscriber.h"

namespace nmq::broker {
namespace {

bool PassesChannel(const Cursor& cursor, const Channel& channel, const Hearing& message, Members members) {
  return Passes(cursor.filter, cursor.subscriber->memberships(), channel, message, members);
}

}  // namespace

uint64_t MatchCounter::Count(const Hearing& message, absl::string_view event) {
  Kind kind;
  Channels& channels = kind.first;
  channels_.ForEach(message.audience, event, [&](const Channel* channel) { channels.push_back(channel); });
  if (channels.empty()) return 0;
  const uint64_t picking = CountPicking(channels, message);
  if (message.audience != nullptr) kind.second = message.audience->excepts;
  const auto [known, is_new] = plain_.try_emplace(std::move(kind), 0);
  if (is_new) known->second = CountPlain(known->first.first, message);
  return known->second + picking;
}

// The listeners whose filter lets all of a channel through.
uint64_t MatchCounter::CountPlain(const Channels& channels, const Hearing& message) const {
  if (channels.size() == 1 && (message.audience == nullptr || message.audience->excepts.empty())) {
    return channels[0]->ListenerCount() - channels[0]->pickers.size();
  }
  absl::flat_hash_set<const Cursor*> heard;
  for (const Channel* channel : channels) {
    for (const auto& listeners : channel->listeners) {
      for (const Cursor* cursor : listeners) {
        if (!cursor->filter.picks(*channel) && PassesChannel(*cursor, *channel, message, members_)) {
          heard.insert(cursor);
        }
      }
    }
  }
  return heard.size();
}

// The others.
uint64_t MatchCounter::CountPicking(const Channels& channels, const Hearing& message) const {
  absl::flat_hash_set<const Cursor*> heard;
  const auto hears_all_of_one = [&](Cursor* cursor) {
    return std::any_of(channels.begin(), channels.end(), [&](const Channel* channel) {
      return !cursor->filter.picks(*channel) && channel->HasListener(cursor);
    });
  };
  for (const Channel* channel : channels) {
    for (Cursor* cursor : channel->pickers) {
      if (PassesChannel(*cursor, *channel, message, members_) && !hears_all_of_one(cursor)) heard.insert(cursor);
    }
  }
  return heard.size();
}

}  // namespace nmq::broker
