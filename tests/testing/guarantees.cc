#include "tests/testing/guarantees.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"

namespace nmq {
namespace {

using Violations = std::vector<std::string>;
using Position = std::pair<uint64_t, uint64_t>;  // epoch, sequence

constexpr size_t kNever = SIZE_MAX;

// A publish; times are indices of events.
struct Publish {
  Event event;  // kPublishInvoked
  size_t invoked = 0;
  size_t answered = kNever;
  bool acknowledged = false;
  bool failed = false;
  Position position;
  std::string id;
};

struct Heard {
  size_t at;
  Event event;
};

struct Session {
  Event event;  // kSubscribing
  size_t begin = 0;
  size_t ready = kNever;
  size_t caught_up = kNever;
  std::vector<Heard> deliveries;
  std::vector<Heard> gaps;
  std::set<std::pair<Position, std::string>> heard;  // with the token
  std::map<uint64_t, uint64_t> last;                 // the last sequence heard, by epoch

  bool InGap(Position position) const {
    return std::any_of(gaps.begin(), gaps.end(), [&](const Heard& gap) {
      return gap.event.epoch == position.first && gap.event.sequence <= position.second &&
             position.second <= gap.event.last;
    });
  }
  bool Has(const Publish& publish) const { return heard.contains({publish.position, publish.event.token}); }
  static Position PositionOf(const Event& event) { return {event.epoch, event.sequence}; }
};

// How long a client was in a room: for sure from `joined` to `leaving`, perhaps from `joining` to `left`.
struct Stay {
  size_t joining = 0;
  size_t joined = kNever;
  size_t leaving = kNever;
  size_t left = kNever;
};

bool SameQueue(const Event& a, const Event& b) { return a.name_space == b.name_space && a.queue == b.queue; }

// Namespace, queue, group, position.
using GroupPosition = std::tuple<std::string, std::string, std::string, Position>;
GroupPosition InGroup(const Event& event, Position position) {
  return {event.name_space, event.queue, event.group, position};
}

// The history, put in order.
class Story {
 public:
  explicit Story(const std::vector<Event>& events) {
    for (size_t i = 0; i < events.size(); ++i) {
      AddPublish(i, events[i]);
      AddSession(i, events[i]);
      AddStay(i, events[i]);
      AddServer(i, events[i]);
    }
  }

  std::vector<Publish> publishes;
  std::map<std::string, Session> sessions;
  // What groups have settled, and when first.
  std::map<GroupPosition, size_t> done;
  std::map<GroupPosition, size_t> dead;
  size_t last_restart = 0;

  // Whether the loss of what was published then is within the promise.
  bool MayBeLost(const Publish& publish) const {
    const std::vector<size_t>& losses = publish.event.mode == Mode::kLive ? restarts_ : power_losses_;
    if (publish.event.mode == Mode::kDurable) return false;
    return !losses.empty() && losses.back() > publish.invoked;
  }
  bool MustHear(const Publish& publish, const Session& session) const { return Hears(publish, session, true); }
  bool MayHear(const Publish& publish, const Session& session) const { return Hears(publish, session, false); }
  // The publishes of a token: several if a request was repeated.
  std::vector<const Publish*> Of(const std::string& token) const {
    std::vector<const Publish*> found;
    const auto it = by_token_.find(token);
    if (it == by_token_.end()) return found;
    for (const size_t index : it->second) found.push_back(&publishes[index]);
    return found;
  }

 private:
  void AddPublish(size_t at, const Event& event) {
    if (event.kind == EventKind::kPublishInvoked) {
      by_token_[event.token].push_back(publishes.size());
      Publish publish;
      publish.event = event;
      publish.invoked = at;
      publishes.push_back(publish);
      return;
    }
    const auto it = by_token_.find(event.token);
    if (it == by_token_.end()) return;
    Publish& publish = publishes[it->second.back()];
    if (event.kind == EventKind::kPublishAcknowledged) {
      publish.acknowledged = true;
      publish.answered = at;
      publish.position = {event.epoch, event.sequence};
      publish.id = event.id;
    } else if (event.kind == EventKind::kPublishFailed) {
      publish.failed = true;
    }
  }

  void AddSession(size_t at, const Event& event) {
    if (event.kind == EventKind::kSubscribing) {
      sessions[event.name].event = event;
      sessions[event.name].begin = at;
      return;
    }
    if (event.kind == EventKind::kAcknowledged) done.try_emplace(InGroup(event, Session::PositionOf(event)), at);
    if (event.kind == EventKind::kDeadLetter) dead.try_emplace(InGroup(event, Session::PositionOf(event)), at);
    const auto it = sessions.find(event.name);
    if (it == sessions.end()) return;
    if (event.kind == EventKind::kSubscribed) it->second.ready = at;
    if (event.kind == EventKind::kCaughtUp) it->second.caught_up = at;
    if (event.kind == EventKind::kDelivered) {
      Session& session = it->second;
      session.deliveries.push_back({at, event});
      session.heard.insert({Session::PositionOf(event), event.token});
      session.last[event.epoch] = std::max(session.last[event.epoch], event.sequence);
    }
    if (event.kind == EventKind::kGap) it->second.gaps.push_back({at, event});
  }

  void AddStay(size_t at, const Event& event) {
    for (const std::string& room : event.rooms) {
      std::vector<Stay>& stays = stays_[{event.name_space, event.client, room}];
      if (event.kind == EventKind::kJoining) stays.push_back({at, kNever, kNever, kNever});
      if (stays.empty()) continue;
      Stay& stay = stays.back();
      if (event.kind == EventKind::kJoined && stay.leaving == kNever) stay.joined = at;
      if (event.kind == EventKind::kLeaving) stay.leaving = std::min(stay.leaving, at);
      if (event.kind == EventKind::kLeft) stay.left = std::min(stay.left, at);
    }
  }

  void AddServer(size_t at, const Event& event) {
    const bool power = event.kind == EventKind::kPowerLost;
    const bool back = power || event.kind == EventKind::kRestarted;
    if (!back && event.kind != EventKind::kKilling) return;
    if (power) power_losses_.push_back(at);
    if (back) {
      restarts_.push_back(at);
      last_restart = at;
    }
    for (auto& [key, stays] : stays_) {
      for (Stay& stay : stays) {
        stay.leaving = std::min(stay.leaving, at);
        if (back) stay.left = std::min(stay.left, at);
      }
    }
  }

  // Whether the client was in the room all the time, or, if not `surely`, perhaps at some time.
  bool Was(const Session& session, const std::string& room, size_t from, size_t to, bool surely) const {
    const auto it = stays_.find({session.event.name_space, session.event.client, room});
    if (it == stays_.end()) return false;
    return std::any_of(it->second.begin(), it->second.end(), [&](const Stay& stay) {
      if (surely) return stay.joined != kNever && stay.joined < from && to < stay.leaving;
      return stay.joining < to && from < stay.left;
    });
  }

  bool Hears(const Publish& publish, const Session& session, bool surely) const {
    if (!SameQueue(publish.event, session.event)) return false;
    if (publish.event.rooms.empty()) return true;
    const size_t read_by = surely ? session.caught_up : kNever;
    for (const std::string& room : publish.event.rooms) {
      if (!session.event.group.empty()) {
        const std::vector<std::string>& rooms = session.event.rooms;
        if (std::find(rooms.begin(), rooms.end(), room) != rooms.end()) return true;
        continue;
      }
      if (Was(session, room, publish.invoked, publish.answered, surely)) return true;
      if (publish.event.mode == Mode::kLive || (surely && read_by == kNever)) continue;
      if (Was(session, room, session.begin, read_by, surely)) return true;
    }
    return false;
  }

  std::map<std::string, std::vector<size_t>> by_token_;  // the last one is under way
  std::map<std::tuple<std::string, std::string, std::string>, std::vector<Stay>> stays_;
  std::vector<size_t> restarts_;
  std::vector<size_t> power_losses_;
};

std::string Name(const Publish& publish) {
  return absl::StrCat("message ", publish.event.token, " (", publish.event.queue, " ", publish.position.first, "/",
                      publish.position.second, ")");
}

std::string Name(const Event& event) {
  return absl::StrCat(event.token, " at ", event.epoch, "/", event.sequence, " in ", event.name);
}

// Whether the subscription should have heard the message, going by where it started and how far it has come.
bool InReach(const Publish& publish, const Session& session) {
  const auto last = session.last.find(publish.position.first);
  const bool passed = last != session.last.end() && publish.position.second <= last->second;
  const bool caught_up = session.caught_up != kNever && publish.answered < session.begin;
  if (!passed && !caught_up) return false;
  if (session.event.resume) {
    return publish.position.first == session.event.epoch && publish.position.second > session.event.sequence;
  }
  return session.event.replay || (session.ready != kNever && publish.invoked > session.ready);
}

void CheckMissing(const Story& story, const Session& session, Violations* violations) {
  for (const Publish& publish : story.publishes) {
    if (!publish.acknowledged || story.MayBeLost(publish) || !story.MustHear(publish, session)) continue;
    if (!InReach(publish, session) || session.Has(publish) || session.InGap(publish.position)) continue;
    violations->push_back(absl::StrCat(Name(publish), " is missing in ", session.event.name, ", without a gap"));
  }
}

// Nothing that a group has noted as done comes again to those who come later.
void CheckDoneStaysDone(const Story& story, Violations* violations) {
  for (const auto& [name, session] : story.sessions) {
    for (const Heard& delivery : session.deliveries) {
      const auto done = story.done.find(InGroup(session.event, Session::PositionOf(delivery.event)));
      if (done == story.done.end() || session.begin < done->second) continue;
      const std::vector<const Publish*> publishes = story.Of(delivery.event.token);
      const auto lost = [&](const Publish* publish) { return story.MayBeLost(*publish); };
      if (std::any_of(publishes.begin(), publishes.end(), lost)) continue;
      violations->push_back(absl::StrCat(Name(delivery.event), " comes again after it was done"));
    }
  }
}

}  // namespace

std::vector<std::string> Durable(const std::vector<Event>& events) {
  const Story story(events);
  Violations violations;
  std::set<std::string> unread;
  for (const Publish& publish : story.publishes) {
    if (!publish.acknowledged || publish.event.mode == Mode::kLive || story.MayBeLost(publish)) continue;
    bool read = false;
    for (const auto& [name, session] : story.sessions) {
      if (!session.event.replay || session.caught_up == kNever || !session.event.group.empty()) continue;
      if (session.begin < std::max(story.last_restart, publish.answered)) continue;
      if (!SameQueue(session.event, publish.event)) continue;
      read = true;
      if (!story.MustHear(publish, session) || session.InGap(publish.position)) continue;
      if (!session.Has(publish)) violations.push_back(absl::StrCat(Name(publish), " is lost: not in ", name));
    }
    if (!read) unread.insert(publish.event.queue);
  }
  for (const std::string& queue : unread) {
    violations.push_back(absl::StrCat("void: nobody has read ", queue, " from its beginning at the end"));
  }
  CheckDoneStaysDone(story, &violations);
  return violations;
}

std::vector<std::string> Honest(const std::vector<Event>& events) {
  const Story story(events);
  Violations violations;
  std::map<std::string, std::vector<const Publish*>> batches;
  for (const Publish& publish : story.publishes) {
    if (!publish.event.batch.empty()) batches[publish.event.batch].push_back(&publish);
  }
  for (const auto& [name, session] : story.sessions) {
    for (const Heard& delivery : session.deliveries) {
      const std::vector<const Publish*> publishes = story.Of(delivery.event.token);
      if (publishes.empty()) {
        violations.push_back(absl::StrCat(Name(delivery.event), " was published by nobody"));
        continue;
      }
      if (std::all_of(publishes.begin(), publishes.end(), [](const Publish* publish) { return publish->failed; })) {
        violations.push_back(absl::StrCat(Name(delivery.event), " was refused"));
      }
      for (const Publish* publish : publishes) {
        if (!publish->acknowledged || delivery.event.epoch != publish->position.first) continue;
        if (publish->position == Session::PositionOf(delivery.event) && publish->id == delivery.event.id) continue;
        violations.push_back(absl::StrCat(Name(delivery.event), " was acknowledged as ", Name(*publish)));
      }
    }
    if (session.caught_up == kNever || !session.event.replay || !session.gaps.empty()) continue;
    std::set<std::string> tokens;
    for (const Heard& delivery : session.deliveries) tokens.insert(delivery.event.token);
    for (const auto& [batch, publishes] : batches) {
      size_t expected = 0;
      size_t there = 0;
      for (const Publish* publish : publishes) {
        if (!story.MustHear(*publish, session) || publish->invoked > session.begin) continue;
        ++expected;
        there += tokens.contains(publish->event.token) ? 1 : 0;
      }
      if (there == 0 || there == expected) continue;
      violations.push_back(
          absl::StrCat("of the ", expected, " messages of batch ", batch, " ", there, " are in ", name));
    }
  }
  return violations;
}

std::vector<std::string> Ordered(const std::vector<Event>& events) {
  const Story story(events);
  Violations violations;
  for (const auto& [name, session] : story.sessions) {
    std::optional<Position> last;
    for (const Heard& delivery : session.deliveries) {
      if (delivery.event.attempt > 1) continue;
      const Position position = Session::PositionOf(delivery.event);
      if (last.has_value() && last->first == position.first && position.second < last->second) {
        violations.push_back(absl::StrCat(Name(delivery.event), " comes after ", last->second));
      }
      last = position;
    }
  }
  // What was answered before something else was published is before it.
  std::map<std::tuple<std::string, std::string, uint64_t>, std::map<size_t, uint64_t>> answered;
  std::vector<const Publish*> by_answer;
  std::set<std::string> seen;
  std::map<std::string, size_t> first_invoked;  // by token: of repetitions, any may be the one that was taken
  for (const Publish& publish : story.publishes) {
    if (publish.acknowledged) by_answer.push_back(&publish);
    const auto first = first_invoked.try_emplace(publish.event.token, publish.invoked).first;
    first->second = std::min(first->second, publish.invoked);
  }
  std::sort(by_answer.begin(), by_answer.end(),
            [](const Publish* a, const Publish* b) { return a->answered < b->answered; });
  for (const Publish* publish : by_answer) {
    if (!publish->event.request_id.empty() && !seen.insert(publish->event.token).second) continue;
    auto& before = answered[{publish->event.name_space, publish->event.queue, publish->position.first}];
    const auto it = before.lower_bound(first_invoked[publish->event.token]);
    if (it != before.begin() && std::prev(it)->second > publish->position.second) {
      violations.push_back(absl::StrCat(Name(*publish), " was published after ", std::prev(it)->second));
    }
    const uint64_t highest = before.empty() ? 0 : before.rbegin()->second;
    before[publish->answered] = std::max(highest, publish->position.second);
  }
  return violations;
}

std::vector<std::string> Unique(const std::vector<Event>& events) {
  const Story story(events);
  Violations violations;
  std::map<std::tuple<std::string, std::string, Position>, std::string> tokens;
  std::map<GroupPosition, std::vector<std::pair<size_t, size_t>>> firsts;  // when their session began, and when
  std::vector<size_t> restarts;
  for (size_t i = 0; i < events.size(); ++i) {
    if (events[i].kind == EventKind::kRestarted || events[i].kind == EventKind::kPowerLost) restarts.push_back(i);
  }
  for (const auto& [name, session] : story.sessions) {
    std::set<Position> positions;
    for (const Heard& delivery : session.deliveries) {
      const Position position = Session::PositionOf(delivery.event);
      const auto& place = session.event;
      const auto token = tokens.try_emplace({place.name_space, place.queue, position}, delivery.event.token).first;
      if (token->second != delivery.event.token) {
        violations.push_back(absl::StrCat(Name(delivery.event), " has the position of ", token->second));
      }
      if (place.group.empty()) {
        if (!positions.insert(position).second)
          violations.push_back(absl::StrCat(Name(delivery.event), " comes twice"));
        continue;
      }
      if (delivery.event.attempt > 1) continue;
      // A stream does not outlive the server; what came on one may be recorded after the restart, though.
      auto& earlier = firsts[InGroup(place, position)];
      for (const auto& [begin, at] : earlier) {
        const size_t from = std::min(begin, session.begin);
        const size_t to = std::max(at, delivery.at);
        if (std::any_of(restarts.begin(), restarts.end(), [&](size_t when) { return from < when && when < to; }))
          continue;
        violations.push_back(absl::StrCat(Name(delivery.event), " comes twice as if for the first time"));
        break;
      }
      earlier.push_back({session.begin, delivery.at});
    }
  }
  return violations;
}

std::vector<std::string> Reliable(const std::vector<Event>& events) {
  const Story story(events);
  Violations violations;
  std::map<std::tuple<std::string, std::string, std::string>, std::vector<const Session*>> groups;
  for (const auto& [name, session] : story.sessions) {
    for (const Heard& gap : session.gaps) {
      if (gap.event.last < gap.event.sequence || gap.event.count > gap.event.last - gap.event.sequence + 1) {
        violations.push_back(absl::StrCat("gap ", gap.event.sequence, "-", gap.event.last, " of ", gap.event.count));
      }
    }
    if (session.event.group.empty()) {
      CheckMissing(story, session, &violations);
    } else {
      groups[{session.event.name_space, session.event.queue, session.event.group}].push_back(&session);
    }
  }
  for (const auto& [key, members] : groups) {
    const std::string& group = std::get<2>(key);
    const Session& first = **std::min_element(members.begin(), members.end(),
                                              [](const Session* a, const Session* b) { return a->begin < b->begin; });
    for (const Publish& publish : story.publishes) {
      if (!publish.acknowledged || story.MayBeLost(publish) || !story.MustHear(publish, first)) continue;
      if (!first.event.replay && (first.ready == kNever || publish.invoked < first.ready)) continue;
      const GroupPosition position = InGroup(first.event, publish.position);
      if (story.done.contains(position) || story.dead.contains(position)) continue;
      if (std::any_of(members.begin(), members.end(), [&](const Session* m) { return m->InGap(publish.position); })) {
        continue;
      }
      violations.push_back(absl::StrCat(Name(publish), " is neither done nor dead in group ", group));
    }
  }
  return violations;
}

std::vector<std::string> Resumable(const std::vector<Event>& events) {
  const Story story(events);
  Violations violations;
  for (const auto& [name, session] : story.sessions) {
    if (!session.event.resume) continue;
    for (const Heard& delivery : session.deliveries) {
      if (delivery.event.epoch == session.event.epoch) {
        if (delivery.event.sequence > session.event.sequence) continue;
        violations.push_back(absl::StrCat(Name(delivery.event), " comes again after ", session.event.sequence));
      } else if (session.gaps.empty() || session.gaps[0].at > delivery.at) {
        violations.push_back(absl::StrCat(Name(delivery.event), " is of another epoch, and no gap says so"));
      }
    }
    CheckMissing(story, session, &violations);
  }
  return violations;
}

std::vector<std::string> Isolated(const std::vector<Event>& events) {
  const Story story(events);
  Violations violations;
  for (const auto& [name, session] : story.sessions) {
    for (const Heard& delivery : session.deliveries) {
      const std::vector<const Publish*> publishes = story.Of(delivery.event.token);
      const auto may = [&story, &me = session](const Publish* publish) { return story.MayHear(*publish, me); };
      if (publishes.empty() || std::any_of(publishes.begin(), publishes.end(), may)) continue;
      violations.push_back(absl::StrCat(Name(delivery.event), " is not for this subscriber"));
    }
  }
  return violations;
}

std::vector<std::string> Idempotent(const std::vector<Event>& events) {
  const Story story(events);
  Violations violations;
  std::map<std::tuple<std::string, std::string, std::string>, const Publish*> first;
  std::set<std::string> tokens;
  for (const Publish& publish : story.publishes) {
    if (publish.event.request_id.empty()) continue;
    tokens.insert(publish.event.token);
    if (!publish.acknowledged || story.MayBeLost(publish)) continue;
    const auto it =
        first.try_emplace({publish.event.name_space, publish.event.queue, publish.event.request_id}, &publish).first;
    if (it->second->position == publish.position && it->second->id == publish.id) continue;
    violations.push_back(
        absl::StrCat("request ", publish.event.request_id, " is ", Name(*it->second), " and ", Name(publish)));
  }
  for (const auto& [name, session] : story.sessions) {
    std::map<std::string, Position> heard;
    for (const Heard& delivery : session.deliveries) {
      if (!tokens.contains(delivery.event.token)) continue;
      const Position position = Session::PositionOf(delivery.event);
      if (heard.try_emplace(delivery.event.token, position).first->second == position) continue;
      violations.push_back(absl::StrCat(Name(delivery.event), " was taken twice"));
    }
  }
  return violations;
}

std::vector<std::string> Bounded(const std::vector<Event>& events) {
  Violations violations;
  for (const Event& event : events) {
    if (event.kind != EventKind::kMeasured || event.value <= event.bound) continue;
    violations.push_back(absl::StrCat(event.name, " is ", event.value, ", above ", event.bound));
  }
  return violations;
}

std::vector<std::string> Live(const std::vector<Event>& events) {
  std::optional<int64_t> healed;
  bool works = false;
  for (const Event& event : events) {
    if (event.kind == EventKind::kHealed) {
      healed = event.time_us;
      works = false;
    }
    if (event.kind == EventKind::kPublishAcknowledged && healed.has_value()) {
      works = works || event.time_us - *healed <= kLiveWithinUs;
    }
  }
  if (!healed.has_value() || works) return {};
  return {absl::StrCat("no publish was acknowledged within ", kLiveWithinUs / 1'000'000, " s after the last fault")};
}

}  // namespace nmq
