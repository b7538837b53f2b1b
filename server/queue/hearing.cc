#include "server/queue/hearing.h"

#include <algorithm>

#include "server/message/entry.h"

namespace nmq::broker {
namespace {

bool Matches(const EventFilter& filter, absl::string_view event) {
  return std::any_of(filter.patterns.begin(), filter.patterns.end(),
                     [&](const Pattern* pattern) { return pattern->Matches(event); });
}

bool HasHeaders(const EventFilter& filter, const char* entry) {
  return filter.headers == nullptr ||
         std::all_of(filter.headers->begin(), filter.headers->end(), [&](const HeaderFilter& wanted) {
           return HasHeader(entry, wanted.name, wanted.value.has_value() ? &*wanted.value : nullptr);
         });
}

}  // namespace

Hearing HearingOf(const log::Block& block, uint64_t sequence, uint64_t run_begin, log::Audience* audience) {
  Hearing hearing;
  hearing.stamp = sequence < run_begin ? 0 : block.item(sequence).stamp;
  hearing.entry = block.entry(sequence).data();
  hearing.audience = nullptr;
  if (block.audience(sequence).empty()) return hearing;
  // An audience that cannot be read is nobody.
  if (!log::DecodeAudience(block.audience(sequence), audience)) *audience = log::Audience();
  hearing.audience = audience;
  return hearing;
}

bool IsMemberOfAny(const Memberships& memberships, const std::vector<uint64_t>& ids, uint64_t stamp, Members members) {
  return std::any_of(ids.begin(), ids.end(), [&](uint64_t id) {
    return memberships.Contains(id, stamp) || (members == Members::kThenOrNow && memberships.JoinStamp(id) != 0);
  });
}

bool Hears(const EventFilter& filter, const Memberships& memberships, const Hearing& message, Members members) {
  if (message.audience != nullptr) {
    if (!message.audience->everyone && !IsMemberOfAny(memberships, message.audience->targets, message.stamp, members)) {
      return false;
    }
    if (IsMemberOfAny(memberships, message.audience->excepts, message.stamp, members)) return false;
  }
  return (filter.all || Matches(filter, EventOf(message.entry))) && HasHeaders(filter, message.entry);
}

bool PicksFromChannel(const EventFilter& filter, const Channel& channel, const char* entry) {
  return (!filter.picks_events(channel) || Matches(filter, EventOf(entry))) && HasHeaders(filter, entry);
}

}  // namespace nmq::broker
