#include "absl/strings/str_cat.h"
#include "tests/bench/workloads/cases.h"

namespace nmq::bench {
namespace {

constexpr int kMembers = 10;
constexpr int kRoomsOfClient = 3;
constexpr int kPublishers = 100;
constexpr int kBatch = 10;
constexpr int kWindow = 4;
constexpr uint64_t kLag = 4000;
constexpr int kPerSecond = 2000;

std::string RoomName(int room) { return absl::StrCat("room-", room); }

// The rooms of a client: each room has kMembers members, and nobody is in one twice.
Interest RoomsOf(int client, int rooms) {
  Interest interest;
  for (int place = client * kRoomsOfClient; place < (client + 1) * kRoomsOfClient && place < rooms * kMembers;
       ++place) {
    interest.rooms.push_back(RoomName(place % rooms));
  }
  return interest;
}

struct Chat {
  int rooms;
  // Each has a connection of its own.
  int publishers = kPublishers;
  bool paced = false;
  // Each client has a connection of its own, too; else they share as many as there are publishers.
  bool own_connections = false;

  int clients() const { return (rooms * kMembers + kRoomsOfClient - 1) / kRoomsOfClient; }
  int connections() const { return own_connections ? clients() : publishers; }
};

Load ChatLoad(const Chat& chat) {
  std::vector<Destination> destinations;
  for (int room = 0; room < chat.rooms; ++room) destinations.push_back({"said", RoomName(room)});
  Load load = {.subscribers = {.queue = "chat",
                               .subscribers = chat.clients(),
                               .connections = chat.connections(),
                               .clients = chat.clients(),
                               .interest = [rooms = chat.rooms](int client) { return RoomsOf(client, rooms); },
                               .every_latency = chat.paced},
               .fan_out = kMembers,
               .lag = kLag};
  if (chat.paced) {
    load.paced = PaceSpec{
        .queue = "chat", .destinations = destinations, .connections = chat.publishers, .per_second = kPerSecond};
  } else {
    load.eager = PublisherSpec{.queue = "chat",
                               .destinations = destinations,
                               .connections = chat.publishers,
                               .batch = kBatch,
                               .window = kWindow};
  }
  return load;
}

Case ChatCase(const std::string& name, const Chat& chat) {
  return {.name = name,
          .connections = chat.connections() + chat.publishers,
          .run = [chat](const Extent& extent, const Subject& subject, const Record& record) {
            const absl::StatusOr<Sample> sample = Measure(extent, subject, ChatLoad(chat));
            if (!sample.ok()) return sample.status();
            AddDeliveries(*sample, record);
            if (chat.paced) AddLatency(sample->latency, "latency", record);
            return absl::OkStatus();
          }};
}

}  // namespace

void AddRooms(Scale scale, std::vector<Case>* cases) {
  const bool full = scale == Scale::kFull;
  const int rooms = full ? 1000 : 30;
  const int publishers = full ? kPublishers : 10;
  const Chat chat = {.rooms = rooms, .publishers = publishers};
  Chat apart = chat;
  apart.own_connections = true;
  Chat paced = chat;
  paced.paced = true;
  cases->push_back(ChatCase(absl::StrCat("W3/", rooms), chat));
  cases->push_back(ChatCase(absl::StrCat("W3/", rooms, "/own"), apart));
  cases->push_back(ChatCase("W3/paced", paced));
  for (const int more : full ? std::vector<int>{250, 500, 1000, 2000} : std::vector<int>{10, 20}) {
    cases->push_back(ChatCase(absl::StrCat("W8/rooms/", more), {.rooms = more, .publishers = publishers}));
    cases->back().only_nmq = true;
  }
}

}  // namespace nmq::bench
