// Registry.Watch: list, then watch, and no change is missed.
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"

namespace nmq::integration {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// One watch; reads only when asked to.
class Watcher {
 public:
  explicit Watcher(Api* api, const v1::WatchRequest& request = {}, absl::Duration patience = kPatience)
      : context_(NewContext(patience)), reader_(api->registry().Watch(context_.get(), request)) {
    v1::WatchResponse response;
    live_ = reader_->Read(&response);
    EXPECT_EQ(response.changes_size(), 0) << "the first response says that the watch is live, no more";
    revision_ = response.revision();
  }
  ~Watcher() {
    if (ended_) return;
    context_->TryCancel();
    End();
  }

  bool live() const { return live_; }
  uint64_t revision() const { return revision_; }

  // False at the end of the stream.
  bool Next(v1::WatchResponse* response) {
    if (!reader_->Read(response)) return false;
    EXPECT_GE(response->revision(), revision_);
    for (const v1::Change& change : response->changes()) {
      EXPECT_GT(change.revision(), revision_);
      EXPECT_GT(change.time().seconds(), 0);
      revision_ = change.revision();
    }
    revision_ = response->revision();
    return true;
  }
  // The next changes, in words such as "ROOM_JOINED a room=A".
  std::vector<std::string> Changes(size_t count) {
    std::vector<std::string> words;
    v1::WatchResponse response;
    while (words.size() < count && Next(&response)) {
      for (const v1::Change& change : response.changes()) words.push_back(InWords(change));
    }
    return words;
  }
  grpc::Status End() {
    ended_ = true;
    v1::WatchResponse response;
    while (reader_->Read(&response)) {
    }
    return reader_->Finish();
  }

 private:
  static std::string InWords(const v1::Change& change) {
    std::string words = v1::ChangeKind_Name(change.kind()).substr(sizeof("CHANGE_KIND_") - 1);
    if (!change.client_name().empty()) absl::StrAppend(&words, " ", change.client_name());
    if (!change.room().empty()) absl::StrAppend(&words, " room=", change.room());
    if (!change.queue().empty()) absl::StrAppend(&words, " queue=", change.queue());
    if (!change.reason().empty()) absl::StrAppend(&words, " because ", change.reason());
    return words;
  }

  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchResponse>> reader_;
  bool live_ = false;
  bool ended_ = false;
  uint64_t revision_ = 0;
};

v1::ConnectRequest Named(const std::string& name) {
  v1::ConnectRequest request;
  request.set_name(name);
  return request;
}

v1::WatchRequest After(uint64_t revision) {
  v1::WatchRequest request;
  request.set_after_revision(revision);
  return request;
}

TEST(Watch, TellsEveryKindOfChangeInOrder) {
  TestServer server;
  Api api(server);
  Watcher watcher(&api);
  const TestClient client(&api, Named("a"));
  client.Join({"A"});
  auto listener = client.Subscribe("DB");
  client.Publish("DB", "E", "");
  client.Leave({"A"});
  client.Join({"B"});
  client.Disconnect();
  EXPECT_THAT(watcher.Changes(13),
              ElementsAre("CLIENT_CONNECTED a", "ROOM_CREATED room=A", "ROOM_JOINED a room=A", "SUBSCRIPTION_STARTED a",
                          "QUEUE_CREATED queue=DB", "ROOM_LEFT a room=A", "ROOM_DELETED room=A", "ROOM_CREATED room=B",
                          "ROOM_JOINED a room=B", "SUBSCRIPTION_ENDED a because DISCONNECTED", "ROOM_LEFT a room=B",
                          "ROOM_DELETED room=B", "CLIENT_DISCONNECTED a because DISCONNECTED"));
}

uint64_t Revision(Api* api) { return api->Get(&v1::Registry::Stub::ListClients, v1::ListClientsRequest()).revision(); }

TEST(Watch, StartsAfterTheRevisionThatItIsGiven) {
  TestServer server;
  Api api(server);
  const uint64_t start = Revision(&api);
  const TestClient a(&api, Named("a"));
  const uint64_t revision = Revision(&api);
  const TestClient b(&api, Named("b"));
  const TestClient c(&api, Named("c"));
  Watcher watcher(&api, After(revision));
  EXPECT_THAT(watcher.Changes(2), ElementsAre("CLIENT_CONNECTED b", "CLIENT_CONNECTED c"));
  Watcher from_the_start(&api, After(start));
  EXPECT_THAT(from_the_start.Changes(3), ElementsAre("CLIENT_CONNECTED a", "CLIENT_CONNECTED b", "CLIENT_CONNECTED c"));
  Watcher from_now(&api);
  EXPECT_EQ(from_now.revision(), watcher.revision());
  const TestClient d(&api, Named("d"));
  EXPECT_THAT(from_now.Changes(1), ElementsAre("CLIENT_CONNECTED d"));
}

TEST(Watch, ARevisionThatIsNoLongerHeldIsOutOfRange) {
  TestServer server("limits { watch_changes: 5 }");
  Api api(server);
  const uint64_t start = Revision(&api);
  std::vector<TestClient> clients;
  for (int i = 0; i < 20; ++i) clients.emplace_back(&api);
  Watcher too_old(&api, After(start + 14));
  EXPECT_FALSE(too_old.live());
  const grpc::Status status = too_old.End();
  EXPECT_EQ(Summary(status), "OUT_OF_RANGE REVISION_NOT_HELD");
  EXPECT_THAT(status.error_message(), HasSubstr("list again"));
  Watcher just_held(&api, After(start + 15));
  EXPECT_EQ(just_held.Changes(5).size(), 5);
  Watcher not_reached(&api, After(start + 21));
  EXPECT_EQ(Summary(not_reached.End()), "OUT_OF_RANGE REVISION_NOT_REACHED");
}

TEST(Watch, AWatcherThatIsTooSlowIsOutOfRange) {
  TestServer server("limits { watch_changes: 100 }");
  Api api(server);
  Api watching(server);
  Watcher watcher(&watching);
  const TestClient client(&api, Named(std::string(128, 'n')));
  // More than fits into windows and buffers: each change has a name and a room of 128 bytes.
  const std::string room(128, 'r');
  for (int i = 0; i < 1500; ++i) {
    client.Join({room});
    client.Leave({room});
  }
  v1::WatchResponse response;
  while (watcher.Next(&response)) {
  }
  EXPECT_EQ(Summary(watcher.End()), "OUT_OF_RANGE REVISION_NOT_HELD");
}

TEST(Watch, ARevisionOfAnEarlierRunIsOutOfRange) {
  auto earlier = std::make_unique<TestServer>();
  uint64_t revision;
  {
    Api api(*earlier);
    const TestClient client(&api);
    revision = Revision(&api);
  }
  earlier = nullptr;
  TestServer server;
  Api api(server);
  Watcher watcher(&api, After(revision));
  EXPECT_EQ(Summary(watcher.End()), "OUT_OF_RANGE REVISION_NOT_HELD");
}

TEST(Watch, IsToldThatItIsAliveWhenNothingHappens) {
  TestServer server("limits { heartbeat { seconds: 1 } }");
  Api api(server);
  const TestClient client(&api);
  const uint64_t revision = Revision(&api);
  Watcher watcher(&api);
  v1::WatchResponse response;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(watcher.Next(&response));
    EXPECT_EQ(response.changes_size(), 0);
    EXPECT_EQ(response.revision(), revision);
  }
}

TEST(Watch, OfOneNamespaceMovesOnWithTheOthers) {
  TestServer server(absl::StrCat("limits { heartbeat { seconds: 1 } }", kShopConfig));
  Api api(server);
  v1::WatchRequest request;
  request.set_namespace_("shop");
  Watcher watcher(&api, request);
  for (int i = 0; i < 10; ++i) TestClient client(&api);
  v1::WatchResponse response;
  const uint64_t wanted = watcher.revision() + 10;
  while (watcher.revision() < wanted) ASSERT_TRUE(watcher.Next(&response));
  EXPECT_EQ(response.changes_size(), 0);
}

// Who is there, and who is in which room: as lists say, or as changes tell.
struct State {
  std::set<std::string> clients;
  std::set<std::pair<std::string, std::string>> members;  // room and client
  std::set<std::string> rooms;
  std::set<std::string> subscriptions;

  // What a change says again that the list had already is no contradiction.
  void Apply(const v1::Change& change) {
    const auto member = std::make_pair(change.room(), change.client_id());
    switch (change.kind()) {
      case v1::CHANGE_KIND_CLIENT_CONNECTED:
        clients.insert(change.client_id());
        break;
      case v1::CHANGE_KIND_CLIENT_DISCONNECTED:
        clients.erase(change.client_id());
        break;
      case v1::CHANGE_KIND_ROOM_CREATED:
        rooms.insert(change.room());
        break;
      case v1::CHANGE_KIND_ROOM_DELETED:
        rooms.erase(change.room());
        break;
      case v1::CHANGE_KIND_ROOM_JOINED:
        members.insert(member);
        break;
      case v1::CHANGE_KIND_ROOM_LEFT:
        members.erase(member);
        break;
      case v1::CHANGE_KIND_SUBSCRIPTION_STARTED:
        subscriptions.insert(change.subscription_id());
        break;
      case v1::CHANGE_KIND_SUBSCRIPTION_ENDED:
        subscriptions.erase(change.subscription_id());
        break;
      default:
        break;
    }
  }
  friend bool operator==(const State& a, const State& b) {
    return a.clients == b.clients && a.members == b.members && a.rooms == b.rooms && a.subscriptions == b.subscriptions;
  }
};

// Lists everything in small pages. `*revision` is that of the first page of all.
State List(Api* api, uint64_t* revision) {
  State state;
  *revision = 0;
  v1::ListClientsRequest clients;
  clients.set_page_size(3);
  do {
    const auto page = api->Get(&v1::Registry::Stub::ListClients, clients);
    if (*revision == 0) *revision = page.revision();
    for (const v1::ClientInfo& client : page.clients()) {
      state.clients.insert(client.id());
      for (const std::string& room : client.rooms()) state.members.emplace(room, client.id());
      for (const std::string& id : client.subscriptions()) state.subscriptions.insert(id);
    }
    clients.set_page_token(page.next_page_token());
  } while (!clients.page_token().empty());
  const auto rooms = api->Get(&v1::Registry::Stub::ListRooms, v1::ListRoomsRequest());
  for (const v1::RoomInfo& room : rooms.rooms()) state.rooms.insert(room.name());
  return state;
}

// Comes, joins, leaves, subscribes, goes; ends connected or not.
void LiveAtRandom(const TestServer& server, unsigned seed) {
  std::mt19937 random(seed);
  Api api(server);
  for (int life = 0; life < 12; ++life) {
    const TestClient client(&api);
    std::vector<std::unique_ptr<Listener>> listeners;
    for (int i = 0; i < 6; ++i) {
      const std::string room = absl::StrCat("room", random() % 4);
      switch (random() % 4) {
        case 0:
          client.Leave({room});
          break;
        case 1:
          listeners.push_back(client.Subscribe("DB"));
          break;
        default:
          client.Join({room});
      }
    }
    if (random() % 2 == 0) client.Disconnect();
  }
}

TEST(Watch, AListAndTheChangesSinceGiveWhatTheLastListGives) {
  TestServer server;
  Api api(server);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) threads.emplace_back([&server, i] { LiveAtRandom(server, i); });

  // Lists while everything moves, again and again.
  std::vector<std::pair<State, std::unique_ptr<Watcher>>> watchers;
  for (int i = 0; i < 5; ++i) {
    uint64_t revision;
    State state = List(&api, &revision);
    watchers.emplace_back(std::move(state), std::make_unique<Watcher>(&api, After(revision)));
    EXPECT_TRUE(watchers.back().second->live());
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(WaitUntil([&] { return InfoOf(&api).subscriptions() == 0; }));

  uint64_t last;
  const State expected = List(&api, &last);
  EXPECT_FALSE(expected.clients.empty());
  for (auto& [state, watcher] : watchers) {
    v1::WatchResponse response;
    while (watcher->revision() < last) {
      ASSERT_TRUE(watcher->Next(&response));
      for (const v1::Change& change : response.changes()) state.Apply(change);
    }
    EXPECT_EQ(state, expected);
  }
}

}  // namespace
}  // namespace nmq::integration
