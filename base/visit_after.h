#ifndef NMQ_BASE_VISIT_AFTER_H_
#define NMQ_BASE_VISIT_AFTER_H_

#include <string>

namespace nmq {

// Visits what comes after the key `after` in a sorted container, until `visit` says stop (false), `looks_max` have been
// looked at, or the end. `key_of` gives an item's key. The answer is where it stopped, empty at the end.
template <typename Sorted, typename KeyOf, typename Visit>
std::string VisitAfter(const Sorted& sorted, const std::string& after, int looks_max, KeyOf key_of, Visit visit) {
  auto it = sorted.upper_bound(after);
  std::string last = after;
  for (int looks = 0; it != sorted.end(); ++it, ++looks) {
    if (looks == looks_max || !visit(*it)) return last;
    last = key_of(*it);
  }
  return "";
}

// The same for a map by name. `visit` is given the map's items.
template <typename Map, typename Visit>
std::string VisitMapAfter(const Map& map, const std::string& after, int looks_max, Visit visit) {
  return VisitAfter(
      map, after, looks_max, [](const auto& item) -> const std::string& { return item.first; }, visit);
}

}  // namespace nmq

#endif  // NMQ_BASE_VISIT_AFTER_H_
