#include "server/access/granted_view.h"

#include <algorithm>

namespace nmq {
namespace {

// The tokens before the first wildcard, without the dot that follows; `*` stands only for whole tokens.
absl::string_view PrefixOf(absl::string_view pattern) {
  const size_t wildcard = pattern.find('*');
  return pattern.substr(0, wildcard == 0 ? 0 : wildcard - 1);
}

}  // namespace

void GrantedView::Add(const Granted& granted) {
  const size_t grant = grants_.size();
  grants_.push_back(&granted);
  right_.reset();
  if (granted.bounds == nullptr) return;
  for (const Pattern& pattern : granted.bounds->rooms) {
    if (pattern.IsName()) {
      by_name_[pattern.text()].push_back({&pattern, grant});
    } else if (pattern.text()[0] == '*') {
      rest_.push_back({&pattern, grant});
    } else {
      by_prefix_[PrefixOf(pattern.text())].push_back({&pattern, grant});
    }
  }
}

void GrantedView::FindQueue(Right right, absl::string_view queue) {
  if (right_ == right && queue_ == queue) return;
  right_ = right;
  queue_ = std::string(queue);
  has_queue_.assign(grants_.size(), false);
  in_some_room_ = in_all_rooms_ = false;
  for (size_t i = 0; i < grants_.size(); ++i) {
    const Granted& granted = *grants_[i];
    if ((granted.rights & Granted::BitOf(right)) == 0 || !granted.HasQueue(queue)) continue;
    has_queue_[i] = true;
    in_some_room_ = true;
    if (granted.bounds == nullptr || granted.bounds->rooms.empty()) in_all_rooms_ = true;
  }
}

bool GrantedView::HasRoom(const std::vector<OfRooms>& some, absl::string_view room) const {
  return std::any_of(some.begin(), some.end(),
                     [&](const OfRooms& one) { return has_queue_[one.grant] && one.pattern->Covers(room); });
}

bool GrantedView::Has(Right right, absl::string_view queue, absl::string_view room) {
  FindQueue(right, queue);
  if (room.empty()) return in_some_room_;
  if (in_all_rooms_) return true;
  if (!in_some_room_) return false;
  const auto in = [&](const auto& map, absl::string_view key) {
    const auto found = map.find(key);
    return found != map.end() && HasRoom(found->second, room);
  };
  if (in(by_name_, room) || HasRoom(rest_, room)) return true;
  // Also of a room that is a pattern: what covers it begins with the same tokens, or with a wildcard.
  for (size_t dot = room.find('.'); !by_prefix_.empty() && dot != absl::string_view::npos;
       dot = room.find('.', dot + 1)) {
    if (in(by_prefix_, room.substr(0, dot))) return true;
  }
  return false;
}

}  // namespace nmq
