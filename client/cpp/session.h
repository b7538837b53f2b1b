// A client's standing with the server: one channel, one session that is kept, renewed and brought back.
#ifndef NMQ_CLIENT_CPP_SESSION_H_
#define NMQ_CLIENT_CPP_SESSION_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/deadline.h"
#include "base/mutex.h"
#include "client/cpp/options.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "nmq/v1/limits.pb.h"
#include "nmq/v1/message_queue.grpc.pb.h"

namespace nmq {
inline namespace client {
namespace internal {

// What a caller may ask to give up waiting. Set it, then call Session::Wake().
using CancelFlag = std::atomic<bool>;

// A publisher or subscription: ends with its session.
class Attachment {
 public:
  virtual ~Attachment() = default;
  // Asks for the end, without waiting. Thread-safe.
  virtual void Stop() = 0;
  // The program says what became of messages of a group: what is asked of the server may be corrected. Thread-safe.
  virtual void BeforeAcknowledging(v1::AcknowledgeRequest* /*request*/) {}
};

// Thread-safe. Connecting happens on one thread of its own, so that many who lost the same connection cause one
// Connect, and none of them waits longer than it wants. That thread also renews the lease while no subscription does.
class Session {
 public:
  // What calls carry. The generation grows with each Connect that somebody waited for or that made a new client.
  struct Handle {
    std::string session;
    uint64_t generation = 0;
  };

  explicit Session(ClientOptions options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const ClientOptions& options() const { return options_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  v1::MessageQueue::Stub* stub() const { return stub_.get(); }

  // The present session; connects first if there was none, and keeps trying for options().wait_for_server.
  absl::StatusOr<Handle> Ensure(Deadline deadline, const CancelFlag* cancelled = nullptr);

  // Connects again, with the old session, unless somebody has done so since `seen`. One attempt. A client that the
  // server had forgotten is in its rooms again afterwards.
  absl::StatusOr<Handle> Renew(uint64_t seen, Deadline deadline, const CancelFlag* cancelled = nullptr);

  // The same without waiting: calls `done` when Renew() would return, on any thread, never under a lock.
  using Renewal = std::function<void(absl::StatusOr<Handle>)>;
  void RenewThen(uint64_t seen, Renewal done) ABSL_LOCKS_EXCLUDED(mu_);

  // Calls `rpc` with a session. Repeats it once with a new session if the old one is lost, and, while the server drains
  // or cannot be reached, for options().wait_for_server. `rpc` must be safe to repeat, and bounded by the context.
  using SessionRpc = absl::FunctionRef<grpc::Status(grpc::ClientContext*, const std::string& session)>;
  absl::Status CallWithSession(Deadline deadline, SessionRpc rpc);

  // The same for calls that must not be made twice: waits for a connection first, and repeats only what the server
  // itself refused; or all that CallWithSession repeats, if the server knows the second for the first (`known`). With
  // an empty session if options().publish_with_session is false.
  absl::Status CallOnce(Deadline deadline, SessionRpc rpc, bool known = false);

  // For services that ask for no session: waits for a connection first, and repeats what the server itself refused for
  // now, and what failed of a lost connection if `repeatable`; for options().wait_for_server.
  absl::Status Call(Deadline deadline, absl::FunctionRef<grpc::Status(grpc::ClientContext*)> rpc, bool repeatable);

  // Lets the channel connect now, not when its own backoff is over, and waits for the outcome.
  void TryConnection(const CancelFlag* cancelled = nullptr) ABSL_LOCKS_EXCLUDED(mu_);

  // Remembers rooms, to join them again.
  void AddRooms(const google::protobuf::RepeatedPtrField<std::string>& rooms);
  void RemoveRooms(const google::protobuf::RepeatedPtrField<std::string>& rooms);

  // While a stream of a subscription is live, the server keeps the lease.
  void AddLiveStream() { ++live_streams_; }
  void RemoveLiveStream() { --live_streams_; }

  // Ends with this session; at once if it is over.
  void Attach(const std::shared_ptr<Attachment>& attachment);
  void BeforeAcknowledging(v1::AcknowledgeRequest* request) ABSL_LOCKS_EXCLUDED(mu_);

  // Waits, but not longer than until `cancelled` is set or the session stopped: false then.
  bool Sleep(absl::Duration duration, const CancelFlag* cancelled);
  // Lets waiting calls look at their flag.
  void Wake();

  // Ends everything and leaves the namespace.
  absl::Status Disconnect();

  std::string client_id() const;
  std::string session() const;
  v1::Limits limits() const;
  std::vector<std::string> rooms() const;

 private:
  // What a call is bound to, so that it ends when the session stops.
  absl::Status Run(Deadline deadline, absl::FunctionRef<grpc::Status(grpc::ClientContext*)> rpc)
      ABSL_LOCKS_EXCLUDED(mu_);
  void StartThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void KeepConnected() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status ConnectNow() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status JoinAgain() ABSL_LOCKS_EXCLUDED(mu_);
  v1::ConnectRequest MakeConnectRequest() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Adopt(const v1::ConnectResponse& response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WaitForConnection(Deadline until) ABSL_LOCKS_EXCLUDED(mu_);
  bool stopped() const ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Stop(std::string* session) ABSL_LOCKS_EXCLUDED(mu_);

  const ClientOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::MessageQueue::Stub> stub_;
  std::atomic<int> live_streams_ = 0;

  mutable Mutex mu_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  // Somebody waits for the thread to connect.
  bool wanted_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t generation_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t attempts_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status last_attempt_ ABSL_GUARDED_BY(mu_);
  // The last Connect made a new client; its generation is to come.
  bool fresh_ ABSL_GUARDED_BY(mu_) = false;
  // The server had forgotten the client, and its rooms are not joined yet.
  bool rejoin_ ABSL_GUARDED_BY(mu_) = false;
  // Who is to be told of the attempt that comes, or goes on.
  std::vector<Renewal> renewals_ ABSL_GUARDED_BY(mu_);
  v1::ConnectResponse connected_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> rooms_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<grpc::ClientContext*> running_ ABSL_GUARDED_BY(mu_);
  std::vector<std::weak_ptr<Attachment>> attachments_ ABSL_GUARDED_BY(mu_);
  std::thread thread_ ABSL_GUARDED_BY(mu_);
};

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_SESSION_H_
