#include "server/namespace/group_table.h"

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/visit_after.h"
#include "server/group/dead_letter_cycle.h"

namespace nmq::broker {
namespace {

std::string PathOf(absl::string_view queue, absl::string_view group) { return absl::StrCat(queue, "/", group); }

}  // namespace

GroupTable::Groups::const_iterator GroupTable::FirstOf(absl::string_view queue) const {
  return groups_.lower_bound(PathOf(queue, ""));
}

// '0' follows '/'.
GroupTable::Groups::const_iterator GroupTable::EndOf(absl::string_view queue) const {
  return groups_.lower_bound(absl::StrCat(queue, "0"));
}

std::shared_ptr<Group> GroupTable::Find(absl::string_view queue, absl::string_view group) const {
  const auto found = groups_.find(PathOf(queue, group));
  return found == groups_.end() ? nullptr : found->second;
}

absl::StatusOr<std::shared_ptr<Group>> GroupTable::Get(absl::string_view queue, absl::string_view group) const {
  std::shared_ptr<Group> found = Find(queue, group);
  if (found != nullptr) return found;
  return NotFound("GROUP_NOT_FOUND",
                  absl::StrCat("group: queue ", Quote(queue), " has no group ", Quote(group),
                               "; a subscription with this group makes it"),
                  {{"group", group}, {"queue", queue}});
}

absl::Status GroupTable::CheckRoom(absl::string_view queue) const {
  const uint64_t count = std::distance(FirstOf(queue), EndOf(queue)) + 1;
  if (count <= limits_->groups_per_queue) return absl::OkStatus();
  return LimitExceeded("groups_per_queue", count, limits_->groups_per_queue);
}

absl::Status GroupTable::CheckNoDeadLetters(absl::string_view queue, Told told) const {
  for (const auto& [path, group] : groups_) {
    if (group->group().options().dead_letter_queue() != queue || group->queue_name() == queue) continue;
    if (told != nullptr && !(*told)(group->queue_name())) {
      return FailedPrecondition("QUEUE_IN_USE",
                                absl::StrCat("name: queue ", Quote(queue),
                                             " holds the dead letters of a group of a queue that is not yours; it can "
                                             "be deleted when that group is"),
                                {{"queue", queue}});
    }
    return FailedPrecondition(
        "QUEUE_IN_USE",
        absl::StrCat("name: queue ", Quote(queue), " holds the dead letters of group ", Quote(group->name()),
                     " of queue ", Quote(group->queue_name()), "; delete the group first"),
        {{"queue", queue}, {"group", group->name()}});
  }
  return absl::OkStatus();
}

absl::Status GroupTable::CheckNoCycle(absl::string_view queue, absl::string_view dead_letter_queue, Told told) const {
  std::vector<DeadLetterRoute> routes;
  routes.reserve(groups_.size());
  for (const auto& [path, group] : groups_) {
    routes.push_back({group->queue_name(), group->group().options().dead_letter_queue()});
  }
  return CheckDeadLetterCycle(routes, {queue, dead_letter_queue}, told);
}

void GroupTable::Add(std::shared_ptr<Group> group) {
  std::string path = PathOf(group->queue_name(), group->name());
  groups_.emplace(std::move(path), std::move(group));
}

void GroupTable::Remove(absl::string_view queue, absl::string_view group) { groups_.erase(PathOf(queue, group)); }

std::vector<std::shared_ptr<Group>> GroupTable::TakeOf(absl::string_view queue) {
  std::vector<std::shared_ptr<Group>> taken;
  const auto first = FirstOf(queue);
  const auto end = EndOf(queue);
  for (auto it = first; it != end; ++it) taken.push_back(it->second);
  groups_.erase(first, end);
  return taken;
}

std::string GroupTable::Visit(const std::string& after, int looks_max,
                              absl::FunctionRef<bool(const Group&)> visit) const {
  return VisitMapAfter(groups_, after, looks_max, [&](const auto& item) { return visit(*item.second); });
}

}  // namespace nmq::broker
