#include "server/call/names_in.h"

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace nmq {
namespace {

using Texts = google::protobuf::RepeatedPtrField<std::string>;

// More than any limit lets through: a request that names more is refused for that.
constexpr int kNamesMax = 100'000;

void AddRooms(absl::string_view queue, const Texts& rooms, std::optional<Right> right, Names* names) {
  const int count = std::min(rooms.size(), kNamesMax);
  for (int i = 0; i < count; ++i) names->push_back({.queue = queue, .room = rooms.Get(i), .right = right});
}

// The rooms that a group hears, and its queue of dead letters. One that is the queue's own, by its name, comes with the
// queue.
void AddGroup(absl::string_view queue, const v1::GroupOptions& group, Names* names) {
  absl::string_view dead_letters = group.dead_letter_queue();
  if (!dead_letters.empty() && !(absl::ConsumePrefix(&dead_letters, queue) && dead_letters == ".dead")) {
    names->push_back({.queue = group.dead_letter_queue()});
  }
}

Names RoomsOnly(const Texts& rooms) {
  Names names;
  AddRooms("", rooms, /*right=*/{}, &names);
  return names;
}

}  // namespace

void AddMessage(absl::string_view queue, const v1::Audience* audience, Names* names) {
  const bool of_rooms = audience != nullptr && audience->clients().empty() && !audience->rooms().empty();
  if (!of_rooms) names->push_back({.queue = queue, .room = kAllOfThem, .hidden = Name::Hidden::kNoQueueMade});
  if (audience == nullptr) return;
  if (of_rooms) names->push_back({.queue = queue, .hidden = Name::Hidden::kNoQueueMade});
  AddRooms(queue, audience->rooms(), /*right=*/{}, names);
  // By how many hear it, the publisher learns who is in them.
  AddRooms(queue, audience->except_rooms(), /*right=*/{}, names);
}

Names NamesIn(const v1::JoinRequest& request) { return RoomsOnly(request.rooms()); }

Names NamesIn(const v1::LeaveRequest& request) { return RoomsOnly(request.rooms()); }

Names NamesIn(const v1::PublishRequest& request) {
  Names names;
  const v1::Message& message = request.message();
  if (!message.queue().empty())
    AddMessage(message.queue(), message.has_audience() ? &message.audience() : nullptr, &names);
  return names;
}

Names NamesIn(const v1::RequestRequest& request) {
  Names names;
  const v1::Message& message = request.message();
  if (!message.queue().empty())
    AddMessage(message.queue(), message.has_audience() ? &message.audience() : nullptr, &names);
  return names;
}

Names NamesIn(const v1::SubscribeRequest& request) {
  Names names;
  const auto hidden = request.has_group() ? Name::Hidden::kNoQueue : Name::Hidden::kNoQueueMade;
  const int patterns = std::min(request.patterns_size(), kNamesMax);
  for (int i = 0; i < patterns; ++i) {
    const std::string& queue = request.patterns(i).queue();
    // Of those that a pattern matches, the subscription hears what it may.
    if (!queue.empty() && !absl::StrContains(queue, '*')) names.push_back({.queue = queue, .hidden = hidden});
  }
  // To hear rooms is to be in them.
  AddRooms("", request.rooms(), Right::kJoin, &names);
  AddRooms("", request.group().rooms(), Right::kJoin, &names);
  if (patterns > 0) AddGroup(request.patterns(0).queue(), request.group(), &names);
  return names;
}

Names NamesIn(const v1::CreateGroupRequest& request) {
  Names names = {{.queue = request.queue()}};
  AddGroup(request.queue(), request.options(), &names);
  AddRooms("", request.options().rooms(), /*right=*/{}, &names);
  return names;
}

Names NamesIn(const v1::MoveClientsRequest& request) {
  const v1::ClientFilter& filter = request.filter();
  Names names;
  // Who is in no room that the caller is asked about may be anybody.
  if (filter.room().empty()) names = WholeNamespace();
  if (!filter.room().empty()) names.push_back({.room = filter.room()});
  if (!filter.queue().empty()) names.push_back({.queue = filter.queue(), .hidden = Name::Hidden::kForbidden});
  if (filter.queue().empty() && !filter.event().empty()) names.push_back({.queue = kAllOfThem});
  AddRooms("", request.join(), /*right=*/{}, &names);
  AddRooms("", request.leave(), /*right=*/{}, &names);
  return names;
}

}  // namespace nmq
