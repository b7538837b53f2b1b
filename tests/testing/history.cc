#include "tests/testing/history.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace nmq {
namespace {

const char* KindName(EventKind kind) {
  switch (kind) {
    case EventKind::kPublishInvoked:
      return "publish-invoked";
    case EventKind::kPublishAcknowledged:
      return "publish-acknowledged";
    case EventKind::kPublishFailed:
      return "publish-failed";
    case EventKind::kPublishUnknown:
      return "publish-unknown";
    case EventKind::kSubscribing:
      return "subscribing";
    case EventKind::kSubscribed:
      return "subscribed";
    case EventKind::kDelivered:
      return "delivered";
    case EventKind::kGap:
      return "gap";
    case EventKind::kCaughtUp:
      return "caught-up";
    case EventKind::kJoining:
      return "joining";
    case EventKind::kJoined:
      return "joined";
    case EventKind::kLeaving:
      return "leaving";
    case EventKind::kLeft:
      return "left";
    case EventKind::kAcknowledged:
      return "acknowledged";
    case EventKind::kDeadLetter:
      return "dead-letter";
    case EventKind::kKilling:
      return "killing";
    case EventKind::kRestarted:
      return "restarted";
    case EventKind::kPowerLost:
      return "power-lost";
    case EventKind::kHealed:
      return "healed";
    case EventKind::kMeasured:
      return "measured";
  }
  return "?";
}

}  // namespace

void History::Record(Event event) {
  MutexLock lock(&mu_);
  events_.push_back(std::move(event));
}

std::vector<Event> History::events() const {
  MutexLock lock(&mu_);
  return events_;
}

std::string History::ToString() const {
  std::string text;
  for (const Event& event : events()) {
    absl::StrAppend(&text, event.time_us, " ", KindName(event.kind), " ns=", event.name_space, " name=", event.name,
                    " client=", event.client, " queue=", event.queue, " epoch=", event.epoch,
                    " sequence=", event.sequence);
    absl::StrAppend(&text, " last=", event.last, " count=", event.count, " id=", event.id, " token=", event.token,
                    " request=", event.request_id, " batch=", event.batch, " group=", event.group);
    absl::StrAppend(&text, " rooms=", absl::StrJoin(event.rooms, ","), " mode=", static_cast<int>(event.mode),
                    " attempt=", event.attempt, " replay=", event.replay, " resume=", event.resume,
                    " value=", event.value, " bound=", event.bound, "\n");
  }
  return text;
}

}  // namespace nmq
