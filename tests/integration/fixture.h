// A server in this process, real connections to it, and callers that see the API as it is on the wire.
#ifndef NMQ_TESTS_INTEGRATION_FIXTURE_H_
#define NMQ_TESTS_INTEGRATION_FIXTURE_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "nmq/v1/admin.grpc.pb.h"
#include "nmq/v1/message_queue.grpc.pb.h"
#include "nmq/v1/registry.grpc.pb.h"
#include "server/call/access.h"

namespace nmq {
class Housekeeper;
class Services;
}  // namespace nmq

namespace nmq::broker {
class Broker;
class Lane;
class Storage;
}  // namespace nmq::broker

namespace nmq::rpc {
class Transport;
}  // namespace nmq::rpc

namespace nmq::integration {

// How long a test waits for what should come at once.
inline constexpr absl::Duration kPatience = absl::Seconds(30);

// True as soon as `done` is; false if it is not within `patience`.
bool WaitUntil(const std::function<bool()>& done, absl::Duration patience = kPatience);

// The namespace "shop" declares a queue "DB" for CREATE and DELETE and a queue "FS" for any event, and makes no others.
inline constexpr char kShopConfig[] = R"(
    namespace {
      name: "shop"
      queue { name: "DB" event: "CREATE" event: "DELETE" }
      queue { name: "FS" }
    })";

// A server on a port of its own, over the transport that NMQ_TRANSPORT names: http2, if it is not set. Stops at once at
// its end, if it was not stopped before.
class TestServer {
 public:
  struct Options {
    std::string config = {};  // in the text format of nmq.config.v1.Config
    Clock* clock = &RealClock();
    int lanes = 2;        // of gRPC
    int other_lanes = 0;  // of what serves beside it
    std::string listen = "127.0.0.1:0";
    std::string data_dir = {};   // without one, all queues must be live
    std::string transport = {};  // instead of what NMQ_TRANSPORT names
    const Access* access = &OpenAccess();
  };
  explicit TestServer(std::string config = "");
  explicit TestServer(const Options& options);
  ~TestServer();

  // HOST:PORT.
  const std::string& address() const;
  int port() const;
  broker::Broker& broker() { return *broker_; }
  // Only with a data_dir.
  broker::Storage& storage() { return *storage_; }
  rpc::Transport& rpc() { return *server_; }
  // They must be given something to wake before anything is on them.
  const std::vector<broker::Lane*>& other_lanes() const { return other_lanes_; }
  // Does now what is done again and again.
  void Housekeep();
  // Once only.
  void Stop(absl::Duration grace = absl::ZeroDuration());

 private:
  std::unique_ptr<broker::Storage> storage_;
  std::vector<broker::Lane*> other_lanes_;
  std::unique_ptr<broker::Broker> broker_;
  std::unique_ptr<rpc::Transport> server_;
  std::unique_ptr<Housekeeper> housekeeper_;
  std::unique_ptr<Housekeeper> maintenance_;
  std::unique_ptr<Services> services_;
};

// A channel that shares its connection with no other channel.
std::shared_ptr<grpc::Channel> NewChannel(const std::string& address);

// A context whose call ends within `patience`.
std::unique_ptr<grpc::ClientContext> NewContext(absl::Duration patience = kPatience);

// One connection, and the services on it.
class Api {
 public:
  explicit Api(const TestServer& server) : Api(server.address()) {}
  explicit Api(const std::string& address);

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  v1::MessageQueue::Stub& queue() { return *queue_; }
  v1::Registry::Stub& registry() { return *registry_; }

  // api.Call(&v1::MessageQueue::Stub::Join, request, &response)
  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (v1::MessageQueue::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) {
    return (queue_.get()->*method)(NewContext().get(), request, response);
  }
  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (v1::Registry::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) {
    return (registry_.get()->*method)(NewContext().get(), request, response);
  }
  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (v1::Admin::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) {
    return (admin_.get()->*method)(NewContext().get(), request, response);
  }
  // The same for calls that must succeed: fails the test if they do not.
  template <typename Stub, typename Request, typename Response>
  Response Get(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request) {
    Response response;
    Check(Call(method, request, &response));
    return response;
  }
  // And for calls whose answer does not matter.
  template <typename Stub, typename Request, typename Response>
  grpc::Status Try(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                   const Request& request) {
    Response response;
    return Call(method, request, &response);
  }

 private:
  static void Check(const grpc::Status& status);

  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::MessageQueue::Stub> queue_;
  std::unique_ptr<v1::Registry::Stub> registry_;
  std::unique_ptr<v1::Admin::Stub> admin_;
};

// An error in one line, such as `NOT_FOUND QUEUE_NOT_FOUND namespace=shop queue=X retry=1s`: the code, and what the
// google.rpc.ErrorInfo and RetryInfo in its details say. Says so if the details contradict the status.
std::string Summary(const grpc::Status& status);

// One subscription: what it hears, in order. Reads only when asked to.
class Listener {
 public:
  // Reads the first frame. The stream ends with DEADLINE_EXCEEDED after `patience`: many things are waited for on it.
  Listener(Api* api, const v1::SubscribeRequest& request, absl::Duration patience = 4 * kPatience);
  // Cancels.
  ~Listener();

  // False if the first frame did not come: see End.
  bool live() const { return live_; }
  const v1::Ready& ready() const { return ready_; }

  // The next frame; nothing at the end of the stream.
  std::optional<v1::SubscribeResponse> NextFrame();
  // The next message, or gap, passing over heartbeats. Fails the test if something else comes.
  v1::Message NextMessage();
  v1::Gap NextGap();
  // The next messages' payloads.
  std::vector<std::string> Payloads(size_t count);
  // Those up to and with the first that is `last`.
  std::vector<std::string> PayloadsUpTo(const std::string& last);
  // Reads what is left and returns how the stream ended.
  grpc::Status End();
  void Cancel() { context_->TryCancel(); }

  // Where to go on: from all that was read so far.
  v1::StartPosition Resume() const;

 private:
  void Track(const v1::SubscribeResponse& frame);

  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<v1::SubscribeResponse>> reader_;
  bool live_ = false;
  bool ended_ = false;
  v1::Ready ready_;
  std::deque<v1::Message> messages_;  // of the last batch, not yet handed out
  std::map<std::string, v1::QueuePosition> positions_;
};

// The frame that says that the stream is about to end; other frames before it are passed over.
v1::Drain NextDrain(Listener* listener);

v1::Message MakeMessage(const std::string& queue, const std::string& event, const std::string& payload);
v1::Message ForRooms(v1::Message message, const std::vector<std::string>& rooms);

// A connected client. Its calls fail the test if they are refused.
class TestClient {
 public:
  // Connects.
  explicit TestClient(Api* api, const std::string& name_space = "");
  TestClient(Api* api, const v1::ConnectRequest& request);

  Api& api() const { return *api_; }
  const std::string& id() const { return connected_.client_id(); }
  const std::string& session() const { return connected_.session(); }
  const v1::ConnectResponse& connected() const { return connected_; }

  v1::JoinResponse Join(const std::vector<std::string>& rooms) const;
  v1::LeaveResponse Leave(const std::vector<std::string>& rooms) const;
  v1::PublishResponse Publish(const v1::Message& message) const;
  v1::PublishResponse Publish(const std::string& queue, const std::string& event, const std::string& payload) const {
    return Publish(MakeMessage(queue, event, payload));
  }
  // How many subscriptions the message matched.
  uint64_t PublishAndCount(const v1::Message& message) const;
  void Disconnect() const;
  // Connects with the same session, over a connection that has just been broken.
  v1::ConnectResponse Reconnect() const;

  // A request for everything of `queue`, or for one event.
  v1::SubscribeRequest SubscribeRequest(const std::string& queue, const std::string& event = "") const;
  std::unique_ptr<Listener> Subscribe(const std::string& queue, const std::string& event = "") const;
  std::unique_ptr<Listener> Subscribe(const v1::SubscribeRequest& request) const;

 private:
  Api* const api_;
  v1::ConnectResponse connected_;
};

// What the Registry says of a namespace.
v1::NamespaceInfo InfoOf(Api* api, const std::string& name_space = "default");

// Connections that the machine has open to a local TCP port, at that port's end.
int ConnectionsTo(int port);

}  // namespace nmq::integration

#endif  // NMQ_TESTS_INTEGRATION_FIXTURE_H_
