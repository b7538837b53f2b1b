// What the objects of a namespace are made with, without a namespace, a broker or a disk.
#ifndef NMQ_TESTS_UNIT_NAMESPACE_PARTS_H_
#define NMQ_TESTS_UNIT_NAMESPACE_PARTS_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "server/namespace/addressed.h"
#include "server/namespace/delays.h"
#include "server/namespace/queue_factory.h"
#include "server/namespace/queue_table.h"
#include "tests/testing/simulated_clock.h"

namespace nmq::broker {

struct Parts {
  Parts() {
    lanes.push_back(std::make_unique<Lane>(0));
    lanes[0]->set_wake([this] { ++wakes; });
  }

  QueueFactory NewFactory() {
    return QueueFactory({"N",
                         {limits.queue_bytes, limits.queue_messages, limits.queue_age},
                         &limits,
                         &clock,
                         &epochs,
                         &rings,
                         delays.total(),
                         &stamps,
                         lanes});
  }
  // A live queue, which is in the table.
  std::shared_ptr<Queue> AddQueue(const std::string& name, std::vector<std::string> events = {}) {
    const QueueFactory factory = NewFactory();
    QueueConfig config = factory.Automatic(name);
    config.events = std::move(events);
    auto queue = factory.Make(config, QueueOrigin::kDeclared, std::nullopt);
    queues.Add(queue);
    return queue;
  }
  std::shared_ptr<Client> AddClient(const std::string& id) {
    auto client = std::make_shared<Client>(numbers.OfClient(id), id, "session", clock.Now());
    EXPECT_TRUE(roster.Add(client, {}).ok());
    return client;
  }
  absl::StatusOr<Addressed> Address(const std::vector<Incoming>& messages, bool automatic = false,
                                    const Client* publisher = nullptr) {
    Addressed addressed;
    absl::Status status = broker::Address(roster, queues, clock, automatic, publisher, messages, &addressed);
    if (!status.ok()) return status;
    return addressed;
  }

  Limits limits;
  SimulatedClock clock;
  Numbers numbers{"key"};
  Changes changes{1000, &clock};
  Epochs epochs{&clock};
  std::atomic<uint64_t> stamps{0};
  log::RingTotal rings{1 << 30};
  std::atomic<uint64_t> memory{0};
  Counters counters;
  int wakes = 0;
  std::vector<std::unique_ptr<Lane>> lanes;
  Delays delays{{"N", &limits, &clock, &memory, /*committer=*/nullptr, &counters}};
  Roster roster{{"N", &limits, &clock, &numbers, &stamps, &changes}};
  QueueTable queues{"N", &limits, &changes};
};

// A message, whose body is `message` encoded. `message` must outlive it, and `arena`, too.
inline Incoming ToIncoming(v1::Message* message, google::protobuf::Arena* arena) {
  Incoming incoming = FromMessage(message);
  EncodeBody(arena, &incoming);
  return incoming;
}

inline v1::Message NewMessage(const std::string& queue, const std::string& event = "CREATE") {
  v1::Message message;
  message.set_queue(queue);
  message.set_event(event);
  message.set_payload("x");
  return message;
}

}  // namespace nmq::broker

#endif  // NMQ_TESTS_UNIT_NAMESPACE_PARTS_H_
