// Many threads at once: publishers, clients that come and go, lanes, the registry. Meant for the thread sanitizer, and
// true without it: everybody hears in order, nothing twice, all that is theirs, and nothing that is not.
#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "gtest/gtest.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

constexpr int kLanes = 2;
constexpr int kPublishers = 3;
constexpr int kMovers = 4;       // clients that join and leave
constexpr int kMessages = 1500;  // of each publisher
const char* const kRooms[] = {"a", "b"};
const char* const kQueues[] = {"q1", "q2"};

// A time span in ticks: of a publish, or in which a client was surely or possibly in a room.
struct Span {
  uint64_t begin;
  uint64_t end;
};

struct Published {
  std::string queue;
  uint64_t sequence;
  std::string payload;
  int room;  // -1: everyone
  Span span;
};

// Stays of a mover in a room: from before Join was called to after Leave returned, and what is surely inside.
struct Stay {
  Span possible;
  Span sure;
};

// One thread that serves the listeners of a lane when it is woken.
class LaneServer {
 public:
  explicit LaneServer(Lane* lane) : lane_(lane) {
    lane->set_wake([this] {
      MutexLock lock(&mu_);
      woken_ = true;
      changed_.SignalAll();
    });
    thread_ = std::thread([this] { Run(); });
  }

  struct Record {
    std::vector<v1::Message> messages;
    std::vector<v1::Gap> gaps;
    v1::Ready ready;
  };

  // Runs `task` on the lane's thread and waits for it.
  void Do(const std::function<void()>& task) {
    MutexLock lock(&mu_);
    tasks_.push_back(&task);
    const uint64_t number = ++tasks_posted_;
    changed_.SignalAll();
    while (tasks_done_ < number) changed_.Wait(&mu_);
  }
  // For the lane's thread.
  void Serve(Listener* listener, Record* record) { served_.push_back({listener, record}); }
  void Forget(Listener* listener) {
    ReadAll();
    served_.erase(
        std::remove_if(served_.begin(), served_.end(), [&](const auto& served) { return served.first == listener; }),
        served_.end());
  }

  void Stop() {
    {
      MutexLock lock(&mu_);
      stop_ = true;
      changed_.SignalAll();
    }
    thread_.join();
  }

 private:
  void Run() {
    while (true) {
      std::vector<const std::function<void()>*> tasks;
      {
        MutexLock lock(&mu_);
        while (!woken_ && !stop_ && tasks_.empty()) changed_.Wait(&mu_);
        if (stop_) return;
        woken_ = false;
        tasks.swap(tasks_);
      }
      for (const auto* task : tasks) (*task)();
      ReadAll();
      MutexLock lock(&mu_);
      tasks_done_ += tasks.size();
      changed_.SignalAll();
    }
  }

  void ReadAll() {
    TakeTurn(lane_);
    for (const auto& [listener, record] : served_) {
      Heard heard = listener->HearAll(2000);
      std::move(heard.messages.begin(), heard.messages.end(), std::back_inserter(record->messages));
      std::move(heard.gaps.begin(), heard.gaps.end(), std::back_inserter(record->gaps));
    }
  }

  Lane* const lane_;
  Mutex mu_;
  CondVar changed_;
  bool woken_ = false;
  bool stop_ = false;
  std::vector<const std::function<void()>*> tasks_;
  uint64_t tasks_posted_ = 0;
  uint64_t tasks_done_ = 0;
  std::vector<std::pair<Listener*, Record*>> served_;
  std::thread thread_;
};

class Stress : public ::testing::TestWithParam<int> {
 protected:
  Stress() : world_(absl::StrCat("limits { queue_messages: ", GetParam(), " rooms_per_client: 100000 }"), kLanes) {
    for (int i = 0; i < kLanes; ++i) servers_.push_back(std::make_unique<LaneServer>(world_.lane(i)));
    published_.resize(kPublishers);
    stays_.resize(kMovers);
    for (int i = 0; i < kMovers; ++i) movers_.push_back(world_.Connect());
    // So that both queues are there from the start.
    for (const char* queue : kQueues) EXPECT_TRUE(world_.Publish({.queue = queue}).ok());
  }
  ~Stress() override {
    for (auto& server : servers_) server->Stop();
  }

  uint64_t Tick() { return ticks_.fetch_add(1) + 1; }

  std::unique_ptr<Listener> Listen(int lane, const Member& member, LaneServer::Record* record) {
    std::unique_ptr<Listener> listener;
    servers_[lane]->Do([&] {
      listener = world_.Listen(member, {{"**", ""}}, {}, lane);
      record->ready = listener->ready();
      servers_[lane]->Serve(listener.get(), record);
    });
    return listener;
  }
  void StopListening(int lane, Listener* listener) {
    servers_[lane]->Do([&] {
      servers_[lane]->Forget(listener);
      listener->Close();
    });
  }

  void RunPublisher(int number) {
    std::mt19937 random(number);
    for (int i = 0; i < kMessages; ++i) {
      Published message;
      message.queue = kQueues[random() % 2];
      message.payload = absl::StrCat(number, ".", i);
      message.room = static_cast<int>(random() % 3) - 1;
      Post post{.queue = message.queue, .payload = message.payload};
      if (message.room >= 0) post.rooms = {kRooms[message.room]};
      message.span.begin = Tick();
      auto response = world_.Publish(post);
      message.span.end = Tick();
      ASSERT_TRUE(response.ok()) << response.status();
      message.sequence = response->sequence();
      published_[number].push_back(std::move(message));
    }
  }

  void RunMover(int number, const std::atomic<bool>* stop) {
    std::mt19937 random(100 + number);
    while (!stop->load()) {
      const int room = static_cast<int>(random() % 2);
      Stay stay;
      stay.possible.begin = Tick();
      EXPECT_TRUE(world_.Join(movers_[number], {kRooms[room]}).ok());
      stay.sure.begin = Tick();
      for (uint32_t i = random() % 3000; i > 0; --i) std::atomic_signal_fence(std::memory_order_seq_cst);
      stay.sure.end = Tick();
      EXPECT_TRUE(world_.Leave(movers_[number], {kRooms[room]}).ok());
      stay.possible.end = Tick();
      stays_[number][room].push_back(stay);
    }
  }

  // Clients that connect, listen a little and disconnect, which ends their subscriptions.
  void RunVisitor(int lane, const std::atomic<bool>* stop) {
    while (!stop->load()) {
      const Member member = world_.Connect("", {kRooms[0]});
      LaneServer::Record record;
      auto listener = Listen(lane, member, &record);
      EXPECT_TRUE(world_.Disconnect(member).ok());
      StopListening(lane, listener.get());
      ExpectOrder(record);
    }
  }

  void RunInspector(const std::atomic<bool>* stop) {
    while (!stop->load()) {
      v1::ListClientsResponse clients;
      EXPECT_TRUE(world_.registry().ListClients(TestCall(), {}, &clients).ok());
      v1::ListSubscriptionsResponse subscriptions;
      EXPECT_TRUE(world_.registry().ListSubscriptions(TestCall(), {}, &subscriptions).ok());
      v1::ListQueuesResponse queues;
      EXPECT_TRUE(world_.registry().ListQueues(TestCall(), {}, &queues).ok());
      world_.Housekeep();
    }
  }

  static void ExpectOrder(const LaneServer::Record& record) {
    std::map<std::string, uint64_t> last;
    for (const v1::Message& message : record.messages) {
      EXPECT_GT(message.sequence(), last[message.queue()]) << message.queue();
      last[message.queue()] = message.sequence();
    }
  }

  // `may` and `must` say whether a message may, and must, be heard. What must be heard and is not must be in a gap.
  void ExpectHeard(const LaneServer::Record& record, const std::function<bool(const Published&)>& may,
                   const std::function<bool(const Published&)>& must) {
    ExpectOrder(record);
    std::map<std::string, std::set<uint64_t>> heard;
    for (const v1::Message& message : record.messages) heard[message.queue()].insert(message.sequence());
    std::map<std::string, uint64_t> start;
    for (const v1::QueuePosition& position : record.ready.positions()) start[position.queue()] = position.sequence();
    size_t missing = 0;
    for (const auto& messages : published_) {
      for (const Published& message : messages) {
        const bool has = heard[message.queue].count(message.sequence) > 0;
        if (has) {
          EXPECT_TRUE(may(message)) << message.queue << " " << message.sequence << " was not for it";
        } else if (message.sequence > start[message.queue] && must(message)) {
          const bool told = std::any_of(record.gaps.begin(), record.gaps.end(), [&](const v1::Gap& gap) {
            return gap.queue() == message.queue && gap.first() <= message.sequence && message.sequence <= gap.last();
          });
          missing += told ? 0 : 1;
        }
      }
    }
    EXPECT_EQ(missing, 0u);
  }

  World world_;
  std::atomic<uint64_t> ticks_{0};
  std::vector<std::unique_ptr<LaneServer>> servers_;
  std::vector<Member> movers_;
  std::vector<std::vector<Published>> published_;        // by publisher
  std::vector<std::map<int, std::vector<Stay>>> stays_;  // by mover, by room
};

TEST_P(Stress, EverybodyHearsInOrderExactlyWhatIsTheirs) {
  // Who stays for ever, on each lane: in no room, and in the first one.
  std::vector<LaneServer::Record> stayers(kLanes * 2);
  std::vector<std::unique_ptr<Listener>> stayer_listeners;
  for (int i = 0; i < kLanes * 2; ++i) {
    const Member member = i % 2 == 0 ? world_.Connect() : world_.Connect("", {kRooms[0]});
    stayer_listeners.push_back(Listen(i / 2, member, &stayers[i]));
  }
  std::vector<LaneServer::Record> movers(kMovers);
  std::vector<std::unique_ptr<Listener>> mover_listeners;
  for (int i = 0; i < kMovers; ++i) mover_listeners.push_back(Listen(i % kLanes, movers_[i], &movers[i]));

  std::atomic<bool> stop{false};
  std::vector<std::thread> publishers;
  std::vector<std::thread> others;
  for (int i = 0; i < kMovers; ++i) others.emplace_back([&, i] { RunMover(i, &stop); });
  for (int i = 0; i < kLanes; ++i) others.emplace_back([&, i] { RunVisitor(i, &stop); });
  others.emplace_back([&] { RunInspector(&stop); });
  for (int i = 0; i < kPublishers; ++i) publishers.emplace_back([&, i] { RunPublisher(i); });
  for (std::thread& thread : publishers) thread.join();
  stop = true;
  for (std::thread& thread : others) thread.join();
  for (int i = 0; i < kLanes * 2; ++i) StopListening(i / 2, stayer_listeners[i].get());
  for (int i = 0; i < kMovers; ++i) StopListening(i % kLanes, mover_listeners[i].get());

  for (int i = 0; i < kLanes * 2; ++i) {
    auto theirs = [&](const Published& message) { return message.room == -1 || (i % 2 == 1 && message.room == 0); };
    ExpectHeard(stayers[i], theirs, theirs);
  }
  for (int i = 0; i < kMovers; ++i) {
    auto may = [&](const Published& message) {
      const auto& stays = stays_[i][message.room];
      return message.room == -1 || std::any_of(stays.begin(), stays.end(), [&](const Stay& stay) {
               return stay.possible.begin < message.span.end && message.span.begin < stay.possible.end;
             });
    };
    auto must = [&](const Published& message) {
      const auto& stays = stays_[i][message.room];
      return message.room == -1 || std::any_of(stays.begin(), stays.end(), [&](const Stay& stay) {
               return stay.sure.begin < message.span.begin && message.span.end < stay.sure.end;
             });
    };
    ExpectHeard(movers[i], may, must);
  }
}

// A queue that holds everything, and one that is overrun all the time.
INSTANTIATE_TEST_SUITE_P(QueueMessages, Stress, ::testing::Values(1'000'000, 20));

}  // namespace
}  // namespace nmq::broker
