// A server on a real socket whose streams a test holds in its hands: it sees each call, and says what is answered when.
#ifndef NMQ_TESTS_UNIT_CLIENT_CPP_FAKE_SERVER_H_
#define NMQ_TESTS_UNIT_CLIENT_CPP_FAKE_SERVER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/deadline.h"
#include "base/mutex.h"
#include "grpcpp/server.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "nmq/v1/message_queue.grpc.pb.h"

namespace nmq {
namespace fake {

// How long a test waits for what must happen.
inline constexpr absl::Duration kPatience = absl::Seconds(30);

// A grpc status with google.rpc.ErrorInfo of nmq's domain.
grpc::Status Refusal(grpc::StatusCode code, absl::string_view reason, absl::string_view message);

v1::QueuePosition At(absl::string_view queue, uint64_t epoch, uint64_t sequence);
v1::SubscribeResponse ReadyFrame(const std::vector<v1::QueuePosition>& positions = {},
                                 absl::Duration heartbeat = absl::Seconds(15));
// Messages `first` to `last`; each payload is its sequence.
v1::SubscribeResponse MessagesFrame(absl::string_view queue, uint64_t epoch, uint64_t first, uint64_t last);
v1::SubscribeResponse GapFrame(absl::string_view queue, uint64_t epoch, uint64_t first, uint64_t last,
                               v1::GapReason reason);
v1::SubscribeResponse HeartbeatFrame(const std::vector<v1::QueuePosition>& positions);
v1::SubscribeResponse DrainFrame(absl::Duration jitter);

// Things in the order in which they came. Thread-safe.
template <typename T>
class Inbox {
 public:
  void Put(T item) {
    MutexLock lock(&mu_);
    items_.push_back(std::move(item));
    ++total_;
    came_.Signal();
  }

  // Waits for the next one; a default one if none comes.
  T Next(absl::Duration patience = kPatience) {
    const Deadline deadline = Deadline::In(patience);
    MutexLock lock(&mu_);
    while (items_.empty()) {
      if (deadline.IsOver()) return T();
      came_.WaitWithTimeout(&mu_, deadline.Left());
    }
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

  // How many came, taken ones included.
  size_t total() const {
    MutexLock lock(&mu_);
    return total_;
  }

 private:
  mutable Mutex mu_;
  CondVar came_;
  std::deque<T> items_ ABSL_GUARDED_BY(mu_);
  size_t total_ ABSL_GUARDED_BY(mu_) = 0;
};

// A Subscribe call. Thread-safe.
class FakeSubscribe final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  explicit FakeSubscribe(const v1::SubscribeRequest& request) : request_(request) {}

  const v1::SubscribeRequest& request() const { return request_; }
  void Send(const v1::SubscribeResponse& frame);
  // Sends what may be no frame, in these pieces.
  void SendBytes(const std::vector<std::string>& pieces);
  // Ends the stream after what was sent.
  void End(const grpc::Status& status);
  // Waits until the client has cancelled the call or the connection is gone.
  bool AwaitCancelled();

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // Keeps this alive as long as gRPC uses it.
  std::shared_ptr<FakeSubscribe> self;

 private:
  void Step() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const v1::SubscribeRequest request_;
  Mutex mu_;
  CondVar over_;
  std::deque<grpc::ByteBuffer> frames_ ABSL_GUARDED_BY(mu_);
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  grpc::Status end_ ABSL_GUARDED_BY(mu_);
};

// A PublishStream call. Thread-safe.
class FakePublishStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // Each batch, in order.
  Inbox<v1::PublishStreamRequest> requests;

  void Accept(const v1::PublishStreamRequest& request);
  void Refuse(const v1::PublishStreamRequest& request, const grpc::Status& status);
  void Send(const v1::PublishStreamResponse& response);
  // Sends what may be no answer.
  void SendBytes(const std::string& bytes);
  void End(const grpc::Status& status);

  void StartReading() { StartRead(&incoming_); }
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  std::shared_ptr<FakePublishStream> self;
  // Answers each batch at once.
  bool accept_all = false;

 private:
  void Step() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  grpc::ByteBuffer incoming_;
  Mutex mu_;
  std::deque<grpc::ByteBuffer> responses_ ABSL_GUARDED_BY(mu_);
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  grpc::Status end_ ABSL_GUARDED_BY(mu_);
};

using FakeServiceBase = v1::MessageQueue::WithRawCallbackMethod_Subscribe<
    v1::MessageQueue::WithRawCallbackMethod_PublishStream<v1::MessageQueue::Service>>;

class FakeServer final : public FakeServiceBase {
 public:
  // Serves `other`, which it does not own, too, if it is not null.
  explicit FakeServer(grpc::Service* other = nullptr);
  ~FakeServer() override;

  std::string address() const;
  // Goes away with all its connections; comes back at the same address, knowing no session if it forgets.
  void Stop();
  void Start();
  void ForgetSessions();

  // All calls that came.
  Inbox<v1::ConnectRequest> connects;
  Inbox<v1::DisconnectRequest> disconnects;
  Inbox<v1::JoinRequest> joins;
  Inbox<v1::LeaveRequest> leaves;
  Inbox<v1::PublishRequest> publishes;
  Inbox<v1::RequestRequest> requests;
  Inbox<v1::ReplyRequest> replies;
  Inbox<std::shared_ptr<FakeSubscribe>> subscribes;
  Inbox<std::shared_ptr<FakePublishStream>> publish_streams;

  // What is done instead of the usual. To be set before calls come.
  std::function<grpc::Status(const v1::ConnectRequest&, v1::ConnectResponse*)> on_connect;
  std::function<grpc::Status(const v1::JoinRequest&)> on_join;
  std::function<grpc::Status(grpc::ServerContext*, const v1::PublishRequest&, v1::PublishResponse*)> on_publish;
  std::function<grpc::Status(const v1::RequestRequest&, v1::RequestResponse*)> on_request;
  std::function<grpc::Status(const v1::ReplyRequest&)> on_reply;
  // Without it, `ready` is sent at once.
  std::function<void(FakeSubscribe*)> on_subscribe;
  bool accept_all_batches = false;
  absl::Duration lease = absl::Seconds(30);
  v1::Limits limits;

  grpc::Status Connect(grpc::ServerContext*, const v1::ConnectRequest* request, v1::ConnectResponse* response) override;
  grpc::Status Disconnect(grpc::ServerContext*, const v1::DisconnectRequest* request, v1::DisconnectResponse*) override;
  grpc::Status Join(grpc::ServerContext*, const v1::JoinRequest* request, v1::JoinResponse* response) override;
  grpc::Status Leave(grpc::ServerContext*, const v1::LeaveRequest* request, v1::LeaveResponse* response) override;
  grpc::Status Publish(grpc::ServerContext* context, const v1::PublishRequest* request,
                       v1::PublishResponse* response) override;
  grpc::Status Request(grpc::ServerContext*, const v1::RequestRequest* request, v1::RequestResponse* response) override;
  grpc::Status Reply(grpc::ServerContext*, const v1::ReplyRequest* request, v1::ReplyResponse*) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* PublishStream(grpc::CallbackServerContext*) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Subscribe(grpc::CallbackServerContext*,
                                                        const grpc::ByteBuffer* request) override;

 private:
  grpc::Status CheckSession(const std::string& session) const;

  grpc::Service* const other_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  mutable Mutex mu_;
  int clients_ ABSL_GUARDED_BY(mu_) = 0;
  // By session.
  std::map<std::string, std::set<std::string>> rooms_ ABSL_GUARDED_BY(mu_);
  // Sessions made before this one are unknown.
  int first_known_ ABSL_GUARDED_BY(mu_) = 1;
};

}  // namespace fake
}  // namespace nmq

#endif  // NMQ_TESTS_UNIT_CLIENT_CPP_FAKE_SERVER_H_
