// A broker without gRPC: clients, publishers, and listeners that are served as the server's loops serve them.
#ifndef NMQ_TESTS_UNIT_BROKER_HARNESS_H_
#define NMQ_TESTS_UNIT_BROKER_HARNESS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/random.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/broker/broker.h"
#include "server/broker/publish_stream.h"
#include "server/call/access.h"
#include "server/call/call.h"
#include "server/queue/lanes.h"
#include "server/queue/storage.h"
#include "server/registry/registry.h"
#include "tests/testing/simulated_clock.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace nmq::broker {

// Bytes that look random and are the same in each run. Thread-safe.
class TestRandom final : public Random {
 public:
  void Fill(absl::Span<uint8_t> bytes) override;

 private:
  std::atomic<uint64_t> state_{1};
};

// The call of whoever a test is.
const Call& TestCall();

// A connected client.
struct Member {
  std::string id;
  std::string session;
};

// A message to publish.
struct Post {
  std::string queue = "DB";
  std::string event = "CREATE";
  std::string payload = {};
  std::vector<std::string> rooms = {};
  std::vector<std::string> clients = {};
  std::vector<std::string> except_rooms = {};
  std::vector<std::string> except_clients = {};
  bool except_publisher = false;
  std::map<std::string, std::string> headers = {};
  std::string key = {};
  absl::Time deliver_at = absl::InfinitePast();
  absl::Time expire_at = absl::InfiniteFuture();
};
v1::Message ToMessage(const Post& post);

// What a listener was given.
struct Heard {
  std::vector<v1::Message> messages;
  std::vector<v1::Gap> gaps;
  std::vector<std::string> order;  // payloads, and "gap FIRST-LAST" for gaps, as they came
  absl::Status status;

  std::vector<std::string> payloads() const;
};

// A queue pattern and an event pattern.
using Wants = std::vector<std::pair<std::string, std::string>>;

// A subscription and who serves it. It only looks at it when told to, as a stream does.
class Listener final : public Subscription::Owner {
 public:
  ~Listener() override { Close(); }

  const v1::Ready& ready() const { return ready_; }
  Subscription& subscription() { return *subscription_; }

  // Everything that is there now, in batches of up to `bytes_max`.
  Heard HearAll(uint64_t bytes_max = 256 << 10);
  // The next batch or gap, if it was told that there is something.
  Heard HearOnce(uint64_t bytes_max);
  std::vector<std::string> Payloads() { return HearAll().payloads(); }
  // What a heartbeat would say.
  std::vector<v1::QueuePosition> Progress();
  // The last position it knows of, by queue.
  v1::QueuePosition Position(const std::string& queue) const;
  v1::Resume Positions() const;
  void Close(absl::string_view reason = "CLOSED");

  void OnReady() override { told_ = true; }

 private:
  friend class World;
  void Note(const v1::QueuePosition& position);
  absl::Status Read(uint64_t bytes_max, Heard* heard);

  Namespace* name_space_ = nullptr;  // of the subscription
  std::shared_ptr<Subscription> subscription_;
  v1::Ready ready_;
  std::vector<v1::QueuePosition> positions_;
  bool told_ = true;  // as a stream looks when it has said that it is ready
};

// Lets the listeners of a lane know what has been posted to it.
void TakeTurn(Lane* lane);

// Publishes and waits for the answer.
absl::StatusOr<v1::PublishResponse> PublishTo(Broker* broker, v1::PublishRequest* request);

class World {
 public:
  // `config` is a configuration file; `data_dir` is where its durable queues are, if it has any, in `env`, the real one
  // if null. `access` decides what calls may do.
  explicit World(absl::string_view config = "", int lanes = 1, const std::string& data_dir = "",
                 rocksdb::Env* env = nullptr, const Access* access = &OpenAccess());

  SimulatedClock& clock() { return clock_; }
  Broker& broker() { return broker_; }
  Lane* lane(int index) const { return lanes_[index]; }
  Storage& storage() { return *storage_; }
  const Registry& registry() const { return registry_; }
  Namespace& name_space(absl::string_view name = "");

  // The member is in `rooms` when this returns.
  Member Connect(const std::string& name_space = "", const std::vector<std::string>& rooms = {});
  absl::StatusOr<v1::ConnectResponse> TryConnect(const v1::ConnectRequest& request);
  absl::Status Disconnect(const Member& member);
  // A room may be listed several times.
  absl::StatusOr<v1::JoinResponse> Join(const Member& member, const std::vector<std::string>& rooms);
  absl::StatusOr<v1::LeaveResponse> Leave(const Member& member, const std::vector<std::string>& rooms);

  absl::StatusOr<v1::PublishResponse> Publish(const Post& post, const std::string& name_space = "",
                                              bool count_matches = false);
  absl::StatusOr<v1::PublishResponse> PublishAs(const Member& member, const Post& post);
  // Does now what is done again and again.
  void Housekeep();
  // Publishes messages to queue DB until it holds none of those from before.
  void Overrun(const std::string& queue, int messages, const std::string& room = "",
               const std::string& event = "NOISE");

  absl::StatusOr<std::unique_ptr<Listener>> TryListen(v1::SubscribeRequest request, int lane = 0);
  std::unique_ptr<Listener> Listen(const Member& member, const Wants& wants = {{"**", ""}},
                                   const v1::StartPosition& start = {}, int lane = 0);

  uint64_t Refused(absl::string_view name_space = "");

 private:
  SimulatedClock clock_;
  TestRandom random_;
  const ServerConfig config_;
  const std::unique_ptr<Storage> storage_;
  Lanes all_lanes_;  // until the broker takes them
  const std::vector<Lane*> lanes_;
  Broker broker_;
  Registry registry_{&broker_};
};

v1::SubscribeRequest SubscribeTo(const Member& member, const Wants& wants, const v1::StartPosition& start = {});
v1::StartPosition Earliest();
v1::StartPosition Last(uint64_t count);
v1::StartPosition FromSequence(uint64_t sequence);
v1::StartPosition ResumeFrom(const v1::Resume& resume);
v1::StartPosition ResumeFrom(const std::string& queue, uint64_t epoch, uint64_t sequence);

// Publishes one batch as it would come over the wire.
absl::Status PublishOn(PublishStream* stream, const v1::PublishStreamRequest& request,
                       v1::PublishStreamResponse* response);

}  // namespace nmq::broker

#endif  // NMQ_TESTS_UNIT_BROKER_HARNESS_H_
