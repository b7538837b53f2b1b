// What the client library can be asked for, and the proto types that it hands out under shorter names.
//
// Plain values: copy them freely, fill them as in `{.server = "..."}`. Everything public is in the inline namespace
// nmq::client, so that `nmq::Client` is enough to say, and code of the server with names of its own can live in the
// same program.
#ifndef NMQ_CLIENT_CPP_OPTIONS_H_
#define NMQ_CLIENT_CPP_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/security/credentials.h"
#include "nmq/v1/message.pb.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq {
inline namespace client {

class SubscriptionThread;

using Message = v1::Message;
using Gap = v1::Gap;
using Answer = v1::Answer;
using RoomCount = v1::RoomCount;

// How long to wait before trying again: a random time below initial * factor^attempts, at most max.
struct BackoffOptions {
  absl::Duration initial = absl::Milliseconds(100);
  absl::Duration max = absl::Seconds(5);
  double factor = 2;
};

// HTTP/2 pings while a call or stream is open. Servers refuse clients that ping more often than every 10 s.
struct KeepaliveOptions {
  absl::Duration time = absl::Seconds(20);
  absl::Duration timeout = absl::Seconds(10);
};

struct ClientOptions {
  // HOST:PORT; the port is 50051 if it is left out. http://HOST:PORT is the same, https://HOST:PORT asks for TLS, too.
  // Or any other target that gRPC knows, such as unix:PATH.
  std::string server = "127.0.0.1:50051";
  // The namespace; "default" if empty.
  std::string namespace_name = {};
  // What to call the client; its id if empty.
  std::string name = {};
  // Facts to find the client by.
  std::map<std::string, std::string> labels = {};
  // How long the client outlives a lost connection; the server's default if zero.
  absl::Duration lease = absl::ZeroDuration();
  // Connects with the first call that needs a session, not at once.
  bool lazy = false;
  // Publishes as this client. If false, messages carry no publisher, and a lazy client that only publishes never
  // enters the namespace.
  bool publish_with_session = true;
  // Bounds one attempt to reach the server.
  absl::Duration connect_timeout = absl::Seconds(3);
  // How long calls keep trying while the server cannot be reached or drains. Zero: one attempt.
  absl::Duration wait_for_server = absl::Seconds(3);
  // Between attempts, of calls, subscriptions and publishers.
  BackoffOptions backoff = {};
  KeepaliveOptions keepalive = {};
  // PEM files for TLS: the CAs that servers are checked against, and this client's certificate with its private key,
  // for servers that ask for one. They are read once. Plain text if none is named.
  std::string tls_ca = {};
  std::string tls_certificate = {};
  std::string tls_key = {};
  // Says who calls, to a server that asks (its administrator's `nmq token` makes it). It goes as it is over a
  // connection without TLS. Empty: none is shown.
  std::string token = {};
  // Instead of that, for tokens that are renewed, one of these: a file whose first line is the token, read again when
  // it changes; or what gives the token for each call, on any thread, at once, and without calling the library. When
  // streams end because their token has expired, they begin again with the new one.
  std::string token_file = {};
  std::function<std::string()> token_provider = {};
  // Instead of the files for TLS; null: as they say.
  std::shared_ptr<grpc::ChannelCredentials> credentials = {};
};

// What the environment says, as nmq and the other clients read it: NMQ_SERVER, NMQ_NAMESPACE, NMQ_TOKEN,
// NMQ_TOKEN_FILE, NMQ_TLS_CA, NMQ_TLS_CERTIFICATE, NMQ_TLS_KEY. What is not set or empty is as in ClientOptions{}. Not
// while another thread changes the environment.
ClientOptions OptionsFromEnvironment();

struct PublishOptions {
  // Publishes only if this is the queue's last sequence, 0 for an empty queue; else FAILED_PRECONDITION, reason
  // SEQUENCE_MISMATCH.
  std::optional<uint64_t> expected_last_sequence = {};
  // Asks how many subscriptions will hear the message.
  bool count_matches = false;
  // Bounds the whole call, attempts included.
  absl::Duration timeout = absl::Seconds(10);
};

// Where a message went.
struct PublishResult {
  // Empty, like the sequence, if the message waits for its time.
  std::string id = {};
  uint64_t epoch = 0;
  uint64_t sequence = 0;
  // Set if asked for.
  std::optional<uint64_t> matched = {};
  // A message with the same request id was there before: this is where that one went.
  bool duplicate = false;
  // Where the message is now: in memory, handed to the operating system, or synced to disk.
  v1::Storage storage = v1::STORAGE_UNSPECIFIED;
};

struct RequestOptions {
  // How long to wait for answers; the server bounds it, too.
  absl::Duration timeout = absl::Seconds(5);
  // How many answers are enough; 0: one from each client that hears the question.
  uint64_t replies_max = 0;
};

// What came of a question.
struct RequestResult {
  // In the order in which they came; `error` is set in those of clients that could not answer.
  std::vector<Answer> answers = {};
  // How many subscriptions heard the question.
  uint64_t matched = 0;
  // False if answers are missing.
  bool complete = false;
  // Where the question went.
  v1::QueuePosition position = {};
};

struct ReplyOptions {
  std::string content_type = {};
  std::map<std::string, std::string> headers = {};
  // Why the question cannot be answered, unless it is OK.
  absl::Status error = {};
};

// What became of a batch of a Publisher.
enum class BatchOutcome {
  // The queues hold all its messages.
  kAccepted,
  // No message of it was taken.
  kRefused,
  // The stream broke before the answer: the messages may be in their queues or not.
  kUnknown,
};

struct BatchResult {
  BatchOutcome outcome = BatchOutcome::kUnknown;
  // Why, unless it was accepted. For a refused batch the message names the index of the message that is to blame.
  absl::Status status = {};
  // The number of its first message: Publisher::Add() counts from 0.
  uint64_t first_message = 0;
  // How many messages it has.
  uint64_t messages = 0;
  // Where the messages went; empty unless accepted.
  v1::AcceptedBatch accepted = {};
};

// What became of a message: where it went, or why it went nowhere, or may have. A publisher is told positions and no
// ids.
using PublishCallback = std::function<void(const absl::StatusOr<PublishResult>&)>;

struct PublisherOptions {
  // A batch is full with so many messages or bytes; the server's limits apply, too. One message larger than
  // max_batch_bytes travels alone.
  size_t max_batch_messages = 500;
  size_t max_batch_bytes = 1 << 20;
  // Batches that wait for their answer at the most.
  size_t window = 4;
  // Asks how many subscriptions will hear the messages.
  bool count_matches = false;
  // How long to try to reach the server again before the messages that were not sent yet are given up as refused.
  absl::Duration give_up_after = absl::Seconds(10);
  // Called once for each batch, in order, on the publisher's thread. Must not call the publisher.
  std::function<void(const BatchResult&)> on_result = {};
};

// Queues and events: names, or patterns where `*` stands for one token and a trailing `**` for the rest. An empty event
// stands for every event.
struct EventPattern {
  std::string queue = {};
  std::string event = {};
};

// A condition on one header of a message: it has it, with this value if that is set.
struct HeaderFilter {
  std::string name = {};
  std::optional<std::string> value = {};
};

// Where a subscription starts.
v1::StartPosition StartNew();
v1::StartPosition StartEarliest();
v1::StartPosition StartLast(uint64_t messages);
v1::StartPosition StartAtSequence(uint64_t sequence);
v1::StartPosition StartAfter(const std::vector<v1::QueuePosition>& positions);

struct SubscribeOptions {
  std::vector<EventPattern> patterns = {};
  // Only messages whose headers pass all of these.
  std::vector<HeaderFilter> headers = {};
  // Rooms to join in the same step. They outlive the subscription.
  std::vector<std::string> rooms = {};
  v1::StartPosition start = StartNew();
  // Unspecified: a live queue drops the oldest, a durable one holds.
  v1::Overflow overflow = v1::OVERFLOW_UNSPECIFIED;
  // With OVERFLOW_DROP_NEWEST: how many messages may wait in each queue; the server's limit if 0.
  uint64_t overflow_messages = 0;
  // How long to wait for the server's `ready`, at first and at each reconnect.
  absl::Duration ready_timeout = absl::Seconds(10);
  // Makes the subscription a member of this group: it shares the messages of one durable queue with the other members,
  // and each message must be acknowledged (Client::Acknowledge). Messages may come again then, and out of order.
  std::optional<v1::GroupOptions> group = {};
  // That on_message returns at once, and waits for nothing. Then it is called by whichever thread receives, instead of
  // on the subscription's own, which saves waking that up for each lone message: for programs with many subscriptions.
  // One that takes long holds up all subscriptions of the program. Client::Subscribe() fails in it
  // (FAILED_PRECONDITION), and a subscription that is destroyed in it may still be calling back afterwards.
  bool brief_callbacks = false;
  // Another thread than the subscription's own, which others have, too; null: its own. Not for members of groups, whose
  // messages have deadlines.
  std::shared_ptr<SubscriptionThread> thread = {};
};

// What became of a message that a group delivered, for Client::Acknowledge(). It names the delivery: once the time is
// over and another member has the message, nothing is noted.
v1::Acknowledgement Done(const Message& message);
// All from the first message to the last, which the subscription was given with the same Message.delivery.
v1::Acknowledgement DoneRange(const Message& first, const Message& last);
// Not done: to be delivered again, after this time at the earliest.
v1::Acknowledgement RetryAfter(const Message& message, absl::Duration time);
// Still at work: the group waits for this long, from now.
v1::Acknowledgement Extend(const Message& message, absl::Duration time);
// Nobody can do it: a dead letter, with this reason.
v1::Acknowledgement Terminate(const Message& message, absl::string_view reason);

struct AcknowledgeResult {
  // Messages for which it was noted.
  uint64_t noted = 0;
  // Others: acknowledged before, dead, never delivered, or delivered again since.
  uint64_t not_pending = 0;
};

enum class SubscriptionState {
  // The subscription is live.
  kConnected,
  // The stream is gone, for the reason given; messages from now on are kept by the server as far as its queues reach.
  kReconnecting,
  // Over, for the reason given; OK if it was cancelled.
  kEnded,
};

// What a subscription calls, one at a time, on its own thread (see also brief_callbacks); some calls may come before
// Subscribe() has returned. All
// may be empty. References are valid during the call: the same Message is filled again for the next one. A callback may
// call anything of the library, also cancel or destroy its own subscription, but never Subscription::Wait().
struct SubscriptionHandler {
  std::function<void(const Message&)> on_message = {};
  // Messages that will not come. `last` and `count` may be unknown.
  std::function<void(const Gap&)> on_gap = {};
  std::function<void(SubscriptionState, const absl::Status&)> on_state = {};
};

// A message for everyone in the namespace.
Message MakeMessage(absl::string_view queue, absl::string_view event, absl::string_view payload);

// At this time, by the server's clock, the message enters its queue; until then it waits in the server.
void DeliverAt(absl::Time time, Message* message);

// From this time on, by the server's clock, the message is not delivered any more.
void ExpireAt(absl::Time time, Message* message);

}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_OPTIONS_H_
