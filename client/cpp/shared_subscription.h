// A Subscription on a SubscriptionThread.
#ifndef NMQ_CLIENT_CPP_SHARED_SUBSCRIPTION_H_
#define NMQ_CLIENT_CPP_SHARED_SUBSCRIPTION_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cpp/event_thread.h"
#include "client/cpp/subscription_core.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"

namespace nmq {
inline namespace client {
namespace internal {

// Owned by the thread, too, from Start() to its end. What is not public is for that thread.
class SharedSubscription final : public SubscriptionCore {
 public:
  // options.thread must be set.
  SharedSubscription(std::shared_ptr<Session> session, SubscribeOptions options, SubscriptionHandler handler);

  absl::Status Start() override;
  void Stop() override;
  void Join() override;

 private:
  enum class Stage {
    // It waits for a session, or until it is time to ask for one.
    kWaiting,
    kStreaming,
    // The stream is being ended.
    kFinishing,
    kOver,
  };

  std::shared_ptr<SharedSubscription> self() {
    return std::static_pointer_cast<SharedSubscription>(shared_from_this());
  }

  // `turn` is that of who asked for the session.
  void OnSession(uint64_t turn, absl::StatusOr<Session::Handle> handle);
  void AskForSession();
  void StartStream(const std::string& session);
  void OnStart(bool ok);
  void OnRead(bool ok);
  void OnFinish();
  void ReadOn();
  void FinishStream();
  // Lets the stream end for this reason.
  void Abandon(absl::Status why);
  // When the stream has been silent for too long, or is to be left.
  void SetStreamTimer();
  void OnStreamTimer();
  void OnStop();
  void TryAgain(bool had_session, const absl::Status& status);
  void EndHere(absl::Status status);

  const std::shared_ptr<EventThread> events_;
  // Start() has handed it to the thread.
  bool started_ = false;
  Stage stage_ = Stage::kWaiting;
  // Counts what this waits for, so that what comes late is known.
  uint64_t turn_ = 0;
  EventThread::TimerId timer_ = 0;

  // Of the present stream, and the last one.
  Attempt attempt_;
  absl::Duration started_at_;
  absl::Duration last_frame_at_;
  // Why this side ends it; OK if it does not.
  absl::Status abandoned_;
  std::optional<grpc::ClientContext> context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::ByteBuffer frame_;
  grpc::Status status_;
  // Of the operations, of which one at a time is under way.
  EventThread::Tag on_start_ = [this](bool ok) { OnStart(ok); };
  EventThread::Tag on_read_ = [this](bool ok) { OnRead(ok); };
  EventThread::Tag on_finish_ = [this](bool) { OnFinish(); };

  // While the thread owns this.
  std::shared_ptr<SharedSubscription> owned_;
};

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_SHARED_SUBSCRIPTION_H_
