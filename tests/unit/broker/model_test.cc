// The broker against a naive model of it, at random.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

constexpr int kClients = 5;
constexpr int kStepsPerRun = 1500;
constexpr int kRuns = 12;
constexpr uint64_t kHeld = 25;
const char* const kRooms[] = {"a", "b", "c", "d"};
const char* const kQueues[] = {"q1", "q2"};
const char* const kEvents[] = {"x", "y", "z.1", "z.2"};

// A message, and who was in which room when it was published. Clients are numbered here.
struct ModelMessage {
  std::string payload;
  std::string event;
  bool everyone = false;
  std::set<int> targets;  // clients, exceptions not yet taken out
  std::set<int> hearers;  // clients, when all is said about the audience
};

struct ModelQueue {
  std::vector<ModelMessage> messages;  // sequence - 1
  uint64_t end() const { return messages.size() + 1; }
  uint64_t first() const { return end() > kHeld ? end() - kHeld : 1; }
};

// What a subscription hears of a queue.
struct ModelCursor {
  std::string queue;
  uint64_t next = 1;
  std::optional<std::pair<uint64_t, uint64_t>> start_gap;  // first and last, to be told first
};

struct Hearing {
  int client;
  Wants wants;
  std::vector<ModelCursor> cursors;
  std::unique_ptr<Listener> listener;
  bool live = false;  // has heard all that there was, once
};

bool WantsEvent(const Wants& wants, const std::string& queue, const std::string& event) {
  for (const auto& [queue_pattern, event_pattern] : wants) {
    if (queue_pattern != "**" && queue_pattern != queue) continue;
    if (event_pattern.empty() || event_pattern == event) return true;
    if (event_pattern == "z.*" && event.substr(0, 2) == "z.") return true;
  }
  return false;
}

// Whether the broker may look at the event at all: single events it tells apart before that, patterns not.
bool MayWant(const Wants& wants, const std::string& queue, const std::string& event) {
  const bool names = std::all_of(wants.begin(), wants.end(), [&](const auto& want) {
    return (want.first != "**" && want.first != queue) || (!want.second.empty() && want.second != "z.*");
  });
  return !names || WantsEvent(wants, queue, event);
}

class Comparison {
 public:
  explicit Comparison(uint64_t seed) : random_(seed) {
    for (int i = 0; i < kClients; ++i) members_.push_back(world_.Connect());
    rooms_.resize(kClients);
  }

  void Step() {
    // The leases shall not run out.
    const int what = Pick(100);
    if (what < 40) {
      Publish();
    } else if (what < 55) {
      Join();
    } else if (what < 67) {
      Leave();
    } else if (what < 85) {
      ReadSome();
    } else if (what < 93) {
      Subscribe();
    } else if (what < 97) {
      Resubscribe();
    } else {
      CheckProgress();
    }
  }

  void Finish() {
    for (auto& hearing : hearings_) ReadAll(&hearing);
  }

 private:
  int Pick(int count) { return std::uniform_int_distribution<int>(0, count - 1)(random_); }
  std::vector<std::string> PickRooms(int percent) {
    std::vector<std::string> rooms;
    for (const char* room : kRooms) {
      if (Pick(100) < percent) rooms.push_back(room);
    }
    return rooms;
  }
  std::vector<int> PickClients(int percent) {
    std::vector<int> clients;
    for (int i = 0; i < kClients; ++i) {
      if (Pick(100) < percent) clients.push_back(i);
    }
    return clients;
  }

  void Publish() {
    Post post{.queue = kQueues[Pick(2)], .event = kEvents[Pick(4)], .payload = std::to_string(++published_)};
    ModelMessage message{.payload = post.payload, .event = post.event, .everyone = false, .targets = {}, .hearers = {}};
    std::vector<int> clients;
    if (Pick(3) > 0) {
      post.rooms = PickRooms(35);
      clients = PickClients(10);
    }
    const std::vector<int> excepted = Pick(3) == 0 ? PickClients(25) : std::vector<int>();
    if (Pick(3) == 0) post.except_rooms = PickRooms(30);
    const int publisher = Pick(kClients + 1) - 1;  // -1: none
    if (publisher >= 0) post.except_publisher = Pick(2) == 0;
    for (int client : clients) post.clients.push_back(members_[client].id);
    for (int client : excepted) post.except_clients.push_back(members_[client].id);

    message.everyone = post.rooms.empty() && post.clients.empty();
    for (int client = 0; client < kClients; ++client) {
      auto in_any = [&](const std::vector<std::string>& rooms) {
        return std::any_of(rooms.begin(), rooms.end(),
                           [&](const auto& room) { return rooms_[client].count(room) > 0; });
      };
      const bool targeted =
          message.everyone || in_any(post.rooms) || std::find(clients.begin(), clients.end(), client) != clients.end();
      const bool out = in_any(post.except_rooms) || (post.except_publisher && client == publisher) ||
                       std::find(excepted.begin(), excepted.end(), client) != excepted.end();
      if (targeted) message.targets.insert(client);
      if (targeted && !out) message.hearers.insert(client);
    }
    v1::PublishRequest request;
    if (publisher >= 0) request.set_session(members_[publisher].session);
    *request.mutable_message() = ToMessage(post);
    request.set_count_matches(true);
    auto answer = PublishTo(&world_.broker(), &request);
    ASSERT_TRUE(answer.ok()) << answer.status();
    const v1::PublishResponse response = *std::move(answer);

    uint64_t matched = 0;
    for (const Hearing& hearing : hearings_) {
      matched += message.hearers.count(hearing.client) > 0 && WantsEvent(hearing.wants, post.queue, post.event);
    }
    EXPECT_EQ(response.matched(), matched);
    const bool made = queues_.count(post.queue) == 0;
    ModelQueue& queue = queues_[post.queue];
    queue.messages.push_back(std::move(message));
    EXPECT_EQ(response.sequence(), queue.messages.size());
    epochs_[post.queue] = response.epoch();
    if (made) {
      for (Hearing& hearing : hearings_) AddCursor(&hearing, post.queue, 1);
    }
  }

  void Join() {
    const int client = Pick(kClients);
    const std::vector<std::string> rooms = PickRooms(30);
    if (rooms.empty()) return;
    ASSERT_TRUE(world_.Join(members_[client], rooms).ok());
    rooms_[client].insert(rooms.begin(), rooms.end());
  }

  void Leave() {
    const int client = Pick(kClients);
    const std::vector<std::string> rooms = PickRooms(50);
    if (rooms.empty()) return;
    ASSERT_TRUE(world_.Leave(members_[client], rooms).ok());
    for (const std::string& room : rooms) rooms_[client].erase(room);
  }

  Wants PickWants() {
    switch (Pick(6)) {
      case 0:
        return {{"**", ""}};
      case 1:
        return {{"q1", "x"}};
      case 2:
        return {{"q1", "x"}, {"**", "y"}, {"q1", "x"}};
      case 3:
        return {{"**", "z.*"}, {"q2", "x"}, {"q2", "z.1"}};
      case 4:
        return {{"q2", ""}, {"**", "x"}};
      default:
        return {{"**", "x"}, {"**", "y"}, {"**", "z.1"}};
    }
  }

  bool WantsQueue(const Wants& wants, const std::string& queue) {
    return std::any_of(wants.begin(), wants.end(),
                       [&](const auto& want) { return want.first == "**" || want.first == queue; });
  }

  void AddCursor(Hearing* hearing, const std::string& queue, uint64_t next) {
    if (!WantsQueue(hearing->wants, queue)) return;
    ModelCursor cursor{.queue = queue, .next = next, .start_gap = {}};
    const uint64_t first = queues_[queue].first();
    if (next < first) {
      cursor.start_gap = {next, first - 1};
      cursor.next = first;
    }
    hearing->cursors.push_back(std::move(cursor));
  }

  bool Hears(const Hearing& hearing, const std::string& queue, const ModelMessage& message) {
    return message.hearers.count(hearing.client) > 0 && WantsEvent(hearing.wants, queue, message.event);
  }

  // Where a subscription to the last `count` starts.
  uint64_t LastOf(const Hearing& hearing, const std::string& name, uint64_t count) {
    const ModelQueue& queue = queues_[name];
    uint64_t next = queue.end();
    while (next > queue.first() && count > 0) {
      --next;
      if (Hears(hearing, name, queue.messages[next - 1])) --count;
    }
    return next;
  }

  void Subscribe() {
    if (hearings_.size() >= 12) {
      const size_t gone = Pick(static_cast<int>(hearings_.size()));
      ReadAll(&hearings_[gone]);
      hearings_.erase(hearings_.begin() + gone);
    }
    Hearing hearing{.client = Pick(kClients), .wants = PickWants(), .cursors = {}, .listener = nullptr, .live = false};
    v1::SubscribeRequest request = SubscribeTo(members_[hearing.client], hearing.wants);
    for (const std::string& room : PickRooms(10)) {
      request.add_rooms(room);
      rooms_[hearing.client].insert(room);
    }
    const int start = Pick(3);
    hearing.live = start == 0;
    const uint64_t last = 1 + Pick(10);
    if (start == 1) *request.mutable_start() = Earliest();
    if (start == 2) *request.mutable_start() = Last(last);
    for (const auto& [name, queue] : queues_) {
      const uint64_t next = start == 0 ? queue.end() : start == 1 ? queue.first() : LastOf(hearing, name, last);
      AddCursor(&hearing, name, next);
    }
    auto listener = world_.TryListen(request);
    ASSERT_TRUE(listener.ok()) << listener.status();
    hearing.listener = *std::move(listener);
    hearings_.push_back(std::move(hearing));
  }

  // A stream breaks, and comes back after a while where it was, as what it has been given says.
  void Resubscribe() {
    if (hearings_.empty()) return;
    Hearing& hearing = hearings_[Pick(static_cast<int>(hearings_.size()))];
    ReadSomeOf(&hearing);
    const v1::Resume resume = hearing.listener->Positions();
    hearing.listener->Close();
    hearing.listener = nullptr;
    std::swap(hearing, hearings_.back());
    Hearing away = std::move(hearings_.back());
    hearings_.pop_back();
    for (int i = Pick(30); i > 0; --i) {
      if (Pick(3) > 0) Publish();
      if (Pick(8) == 0) Join();
      if (Pick(8) == 0) Leave();
    }
    std::map<std::string, uint64_t> known;
    for (const v1::QueuePosition& position : resume.positions()) known[position.queue()] = position.sequence();
    away.cursors.clear();
    away.live = false;
    for (const auto& [name, queue] : queues_) AddCursor(&away, name, known.count(name) > 0 ? known[name] + 1 : 1);
    away.listener = world_.Listen(members_[away.client], away.wants, ResumeFrom(resume));
    hearings_.push_back(std::move(away));
  }

  void ReadSome() {
    if (!hearings_.empty()) ReadSomeOf(&hearings_[Pick(static_cast<int>(hearings_.size()))]);
  }
  void ReadSomeOf(Hearing* hearing) {
    for (int i = Pick(4); i >= 0; --i) {
      const Heard heard = hearing->listener->HearOnce(1 + Pick(400));
      Check(hearing, heard);
      if (heard.order.empty()) hearing->live = true;
    }
  }
  void ReadAll(Hearing* hearing) {
    Check(hearing, hearing->listener->HearAll());
    for (ModelCursor& cursor : hearing->cursors) {
      EXPECT_FALSE(cursor.start_gap.has_value());
      std::optional<uint64_t> missing = NextFor(*hearing, cursor);
      EXPECT_FALSE(missing.has_value()) << "not heard: " << cursor.queue << " " << *missing;
    }
  }

  // The sequence of the next message for a cursor, whether it is still held or not.
  std::optional<uint64_t> NextFor(const Hearing& hearing, const ModelCursor& cursor) {
    const ModelQueue& queue = queues_[cursor.queue];
    for (uint64_t sequence = cursor.next; sequence < queue.end(); ++sequence) {
      if (Hears(hearing, cursor.queue, queue.messages[sequence - 1])) return sequence;
    }
    return std::nullopt;
  }

  ModelCursor* CursorOf(Hearing* hearing, const std::string& queue) {
    for (ModelCursor& cursor : hearing->cursors) {
      if (cursor.queue == queue) return &cursor;
    }
    return nullptr;
  }

  // What was heard must be what the model has next.
  void Check(Hearing* hearing, const Heard& heard) {
    ASSERT_TRUE(heard.status.ok()) << heard.status;
    for (const v1::Gap& gap : heard.gaps) CheckGap(hearing, gap);
    for (const v1::Message& message : heard.messages) {
      ModelCursor* cursor = CursorOf(hearing, message.queue());
      ASSERT_NE(cursor, nullptr);
      ASSERT_FALSE(cursor->start_gap.has_value());
      const std::optional<uint64_t> next = NextFor(*hearing, *cursor);
      ASSERT_TRUE(next.has_value()) << "not for client " << hearing->client << ": " << message.ShortDebugString();
      ASSERT_EQ(message.sequence(), *next) << "client " << hearing->client << " of " << message.queue();
      ASSERT_EQ(message.payload(), queues_[message.queue()].messages[*next - 1].payload);
      ASSERT_EQ(message.epoch(), epochs_[message.queue()]);
      cursor->next = *next + 1;
    }
  }

  void CheckGap(Hearing* hearing, const v1::Gap& gap) {
    ModelCursor* cursor = CursorOf(hearing, gap.queue());
    ASSERT_NE(cursor, nullptr);
    const ModelQueue& queue = queues_[gap.queue()];
    if (cursor->start_gap.has_value()) {
      EXPECT_EQ(gap.reason(), v1::GAP_REASON_NOT_HELD);
      EXPECT_EQ(gap.first(), cursor->start_gap->first);
      EXPECT_EQ(gap.last(), cursor->start_gap->second);
      EXPECT_EQ(gap.count(), gap.last() - gap.first() + 1);
      cursor->start_gap.reset();
      return;
    }
    EXPECT_EQ(gap.reason(), v1::GAP_REASON_SLOW_SUBSCRIBER);
    EXPECT_LT(gap.last(), queue.first());
    // Something between what was heard last and the gap's end is missing; never more than the gap says, and everything
    // that is missing is in it.
    uint64_t missing = 0;
    uint64_t possible = 0;
    for (uint64_t sequence = cursor->next; sequence <= gap.last(); ++sequence) {
      const ModelMessage& message = queue.messages[sequence - 1];
      missing += Hears(*hearing, gap.queue(), message) ? 1 : 0;
      possible += message.targets.count(hearing->client) > 0 && MayWant(hearing->wants, gap.queue(), message.event);
    }
    if (hearing->live) {
      EXPECT_GT(possible, 0u) << "a false gap";
    }
    const std::optional<uint64_t> next = NextFor(*hearing, *cursor);
    if (next.has_value()) {
      EXPECT_LE(gap.first(), *next);
    }
    EXPECT_GE(gap.count(), missing);
    EXPECT_GE(gap.count(), 1u);
    cursor->next = gap.last() + 1;
  }

  void CheckProgress() {
    if (hearings_.empty()) return;
    Hearing& hearing = hearings_[Pick(static_cast<int>(hearings_.size()))];
    for (const v1::QueuePosition& position : hearing.listener->Progress()) {
      const ModelCursor* cursor = CursorOf(&hearing, position.queue());
      ASSERT_NE(cursor, nullptr);
      const std::optional<uint64_t> next = NextFor(hearing, *cursor);
      EXPECT_FALSE(next.has_value()) << "position " << position.sequence() << " passes over " << *next;
      EXPECT_EQ(position.sequence(), queues_[position.queue()].end() - 1);
    }
  }

  std::mt19937_64 random_;
  World world_{absl::StrCat("limits { queue_messages: ", kHeld, " rooms_per_client: 100000 }")};
  std::vector<Member> members_;
  std::vector<std::set<std::string>> rooms_;  // by client
  std::map<std::string, ModelQueue> queues_;
  std::map<std::string, uint64_t> epochs_;
  std::vector<Hearing> hearings_;
  uint64_t published_ = 0;
};

TEST(Model, AgreesWithTheBroker) {
  // NMQ_MODEL_SEED repeats one run.
  const char* const wanted = std::getenv("NMQ_MODEL_SEED");
  std::random_device device;
  for (int run = 0; run < (wanted == nullptr ? kRuns : 1); ++run) {
    const uint64_t seed = wanted == nullptr ? device() : std::strtoull(wanted, nullptr, 10);
    SCOPED_TRACE(absl::StrCat("NMQ_MODEL_SEED=", seed));
    std::cout << "seed " << seed << std::endl;
    Comparison model(seed);
    for (int step = 0; step < kStepsPerRun; ++step) {
      SCOPED_TRACE(absl::StrCat("step ", step));
      model.Step();
      if (::testing::Test::HasFailure()) return;
    }
    model.Finish();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace nmq::broker
