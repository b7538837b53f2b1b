#include "server/access/granted.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq {
namespace {

// Those that are of queues.
constexpr Right kOfQueues[] = {Right::kPublish, Right::kSubscribe, Right::kInspect, Right::kAdmin};
constexpr Right kAllRights[] = {Right::kConnect, Right::kPublish, Right::kSubscribe,
                                Right::kJoin,    Right::kInspect, Right::kAdmin};

Granted::Rights RightsOfQueues() {
  Granted::Rights rights = 0;
  for (const Right right : kOfQueues) rights |= Granted::BitOf(right);
  return rights;
}

bool Cover(const std::vector<Pattern>& patterns, absl::string_view name) {
  return patterns.empty() || name.empty() ||
         std::any_of(patterns.begin(), patterns.end(), [&](const Pattern& pattern) { return pattern.Covers(name); });
}

v1::Right InApi(Right right) {
  switch (right) {
    case Right::kConnect:
      return v1::RIGHT_CONNECT;
    case Right::kPublish:
      return v1::RIGHT_PUBLISH;
    case Right::kSubscribe:
      return v1::RIGHT_SUBSCRIBE;
    case Right::kJoin:
      return v1::RIGHT_JOIN;
    case Right::kInspect:
      return v1::RIGHT_INSPECT;
    case Right::kAdmin:
      return v1::RIGHT_ADMIN;
    case Right::kNone:
      break;
  }
  return v1::RIGHT_UNSPECIFIED;
}

std::string Shown(absl::string_view kind, absl::string_view name) {
  return name == kAllOfThem ? absl::StrCat("all ", kind, "s") : absl::StrCat(kind, " ", Quote(name));
}

// "queue "DB" in all rooms of namespace "shop"", for example.
std::string Where(const Named& what) {
  if (what.name_space.empty()) return "what concerns all namespaces";
  std::string where;
  if (!what.queue.empty() && what.queue != kAllOfThem) where = Shown("queue", what.queue);
  if (!what.room.empty() && (what.room != kAllOfThem || !where.empty())) {
    absl::StrAppend(&where, where.empty() ? "" : " in ", Shown("room", what.room));
  }
  if (where.empty() && what.room == kAllOfThem) where = "all";
  return absl::StrCat(where, where.empty() ? "" : " of ", "namespace ", Quote(what.name_space));
}

}  // namespace

bool Granted::HasQueue(absl::string_view queue) const { return bounds == nullptr || Cover(bounds->queues, queue); }

bool Granted::HasRoom(absl::string_view room) const { return bounds == nullptr || Cover(bounds->rooms, room); }

void Granted::Describe(v1::GrantInfo* info) const {
  info->set_namespace_(name_space.text());
  info->set_line(line);
  for (const Right right : kAllRights) {
    if ((rights & BitOf(right)) != 0) info->add_rights(InApi(right));
  }
  if (bounds == nullptr) return;
  for (const Pattern& queue : bounds->queues) info->add_queues(queue.text());
  for (const Pattern& room : bounds->rooms) info->add_rooms(room.text());
}

void Decision::Add(const Granted& granted) {
  if (!granted.IsIn(what_.name_space)) return;
  in_namespace_ |= granted.rights;
  if (!granted.HasQueue(what_.queue)) return;
  for_queue_ |= granted.rights;
  if (!granted.HasRoom(what_.room) || (granted.rights & Granted::BitOf(right_)) == 0) return;
  if (by_ == nullptr) by_ = &granted;
}

absl::Status Decision::StatusFor(absl::string_view identity) const {
  if (by_ != nullptr) return absl::OkStatus();
  if (in_namespace_ == 0 && !what_.name_space.empty()) return absl::NotFoundError("");
  // What is granted nowhere in the namespace needs no name.
  const bool elsewhere = (in_namespace_ & Granted::BitOf(right_)) != 0;
  const bool of_queue = !what_.queue.empty() && what_.queue != kAllOfThem;
  if (elsewhere && of_queue && (for_queue_ & RightsOfQueues()) == 0) return absl::NotFoundError("");
  return PermissionDenied(
      "FORBIDDEN",
      absl::StrCat("the identity ", Quote(identity), " has not the right ", Quote(NameOf(right_)), " for ",
                   Where(elsewhere ? what_ : Named(what_.name_space)), "; the server's administrator can grant it"),
      {{"identity", identity}, {"right", NameOf(right_)}, {"namespace", what_.name_space}});
}

}  // namespace nmq
