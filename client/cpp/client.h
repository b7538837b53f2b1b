// nmq's client for C++: enter a namespace, join rooms, publish, and hear what others publish.
//
//     absl::StatusOr<std::unique_ptr<nmq::Client>> client = nmq::Client::Connect({.server = "127.0.0.1:50051"});
//     (*client)->Publish(nmq::MakeMessage("DB", "CREATE", "record 17"));
//     auto subscription = (*client)->Subscribe(
//         {.patterns = {{"DB", "*"}}}, {.on_message = [](const nmq::Message& message) { ... }});
//
// Errors are absl::Status with the server's code and message; the google.rpc.ErrorInfo it sent is kept as a payload.
#ifndef NMQ_CLIENT_CPP_CLIENT_H_
#define NMQ_CLIENT_CPP_CLIENT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cpp/admin.h"
#include "client/cpp/options.h"
#include "client/cpp/publisher.h"
#include "client/cpp/registry.h"
#include "client/cpp/subscription.h"
#include "client/cpp/subscription_thread.h"
#include "grpcpp/channel.h"
#include "nmq/v1/limits.pb.h"

namespace nmq {
inline namespace client {

namespace internal {
class Session;
}  // namespace internal

// A client in one namespace, over one connection that all its calls, publishers and subscriptions share.
//
// The server forgets a client whose lease ran out, and all clients when it restarts. The library notices, connects
// anew, joins the rooms again and repeats the call; client_id() is another one then.
//
// Thread-safe, except that the destructor must be the last call. Subscriptions and publishers may outlive the client;
// they end with it.
class Client {
 public:
  // With options.lazy, no error but a bad option. Else also what the server answered, or UNAVAILABLE if it could not be
  // reached for options.wait_for_server.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(ClientOptions options);

  // As Disconnect().
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Enters rooms, all or none, and returns how many clients are in each. What is published afterwards is heard.
  absl::StatusOr<std::vector<RoomCount>> Join(const std::vector<std::string>& rooms);

  // Leaves rooms and returns how many clients remain in each.
  absl::StatusOr<std::vector<RoomCount>> Leave(const std::vector<std::string>& rooms);

  // Publishes one message. OK means that the queue holds it; the result says how safely.
  //
  // Repeats itself, within options.timeout and the client's wait_for_server, only when the message cannot have been
  // taken: while there is no connection, or after the server's own refusal (draining, session forgotten). With a
  // `request_id`, by which the queue knows a message that comes again, also when the answer was lost. UNAVAILABLE,
  // CANCELLED or DEADLINE_EXCEEDED in the end may mean that the message was taken and the answer was lost.
  absl::StatusOr<PublishResult> Publish(const Message& message, const PublishOptions& options = {});

  // Asks whoever hears the message, and waits for the answers. UNAVAILABLE, reason NOBODY_LISTENS, if nobody hears it;
  // OK, but not complete, if answers are missing. Repeats itself as Publish does; a question that was heard is not
  // asked again.
  absl::StatusOr<RequestResult> Request(const Message& question, const RequestOptions& options = {});

  // Answers a message that has `reply_to`. NOT_FOUND if nobody waits for the answer any more. Each client answers once,
  // also with an error.
  absl::Status Reply(const Message& question, absl::string_view payload, const ReplyOptions& options = {});

  // Says what became of messages that a group of a queue delivered. OK means that the server has noted it. Repeats
  // itself as Join does: to say it twice does no harm.
  absl::StatusOr<AcknowledgeResult> Acknowledge(const std::string& queue, const std::string& group,
                                                const std::vector<v1::Acknowledgement>& acknowledgements);

  // Makes a publisher for many messages. Opens its stream with the first one.
  std::unique_ptr<Publisher> NewPublisher(PublisherOptions options = {});

  // Starts to hear messages. Returns when the subscription is live, or with the server's refusal.
  absl::StatusOr<std::unique_ptr<Subscription>> Subscribe(SubscribeOptions options, SubscriptionHandler handler);

  // Who and what is there. Needs no connection yet.
  std::unique_ptr<Registry> NewRegistry();

  // Changes of what the server keeps. Needs no connection yet.
  std::unique_ptr<Admin> NewAdmin();

  // Ends all subscriptions and publishers and leaves the namespace; the client is of no more use. Returns within a
  // second or so even if the server is gone. The second call does nothing.
  absl::Status Disconnect();

  // What the server calls this client; empty while it is not connected.
  std::string client_id() const;
  // The secret handle of this client, for calls over channel().
  std::string session() const;
  // What the server bounds; empty while it is not connected.
  v1::Limits limits() const;
  // The rooms the client is in, in order.
  std::vector<std::string> rooms() const;
  // The connection, to call other services over it.
  std::shared_ptr<grpc::Channel> channel() const;

 private:
  explicit Client(std::shared_ptr<internal::Session> session);

  std::shared_ptr<internal::Session> session_;
};

}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_CLIENT_H_
