#include "server/group/filter.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "server/log/audience.h"
#include "server/message/entry.h"

namespace nmq::broker {

GroupFilter::GroupFilter(const storage::v1::Group& group, absl::flat_hash_set<uint64_t> rooms)
    : rooms_(std::move(rooms)) {
  for (const std::string& event : group.events()) {
    auto pattern = Pattern::Parse("event", event, event.size());
    if (pattern.ok()) events_.push_back(*std::move(pattern));
  }
}

bool GroupFilter::Hears(const log::Block& block, uint64_t sequence) const {
  if (const absl::string_view bytes = block.audience(sequence); !bytes.empty()) {
    log::Audience audience;
    const auto is_mine = [this](uint64_t number) { return rooms_.contains(number); };
    if (!log::DecodeAudience(bytes, &audience)) return false;
    if (std::any_of(audience.excepts.begin(), audience.excepts.end(), is_mine)) return false;
    if (!audience.everyone && std::none_of(audience.targets.begin(), audience.targets.end(), is_mine)) return false;
  }
  if (events_.empty()) return true;
  const absl::string_view event = EventOf(block.entry(sequence).data());
  return std::any_of(events_.begin(), events_.end(), [&](const Pattern& pattern) { return pattern.Matches(event); });
}

bool IsExpired(const log::Block& block, uint64_t sequence, absl::Time now) {
  const absl::string_view bytes = block.audience(sequence);
  log::Audience audience;
  return !bytes.empty() && log::DecodeAudience(bytes, &audience) && audience.expired(absl::ToUnixMicros(now));
}

}  // namespace nmq::broker
