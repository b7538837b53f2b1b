// The thread behind a Subscription: reads frames, hands them on, and reconnects.
#ifndef NMQ_CLIENT_CPP_SUBSCRIPTION_LOOP_H_
#define NMQ_CLIENT_CPP_SUBSCRIPTION_LOOP_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/deadline.h"
#include "base/mutex.h"
#include "client/cpp/backoff.h"
#include "client/cpp/batch_reader.h"
#include "client/cpp/message_decoder.h"
#include "client/cpp/options.h"
#include "client/cpp/positions.h"
#include "client/cpp/receiver.h"
#include "client/cpp/session.h"
#include "client/cpp/subscribe_stream.h"
#include "client/cpp/subscription.h"
#include "grpcpp/support/byte_buffer.h"

namespace nmq {
inline namespace client {
namespace internal {

// Thread-safe. Always owned by a shared_ptr: its thread owns it, too.
class SubscriptionLoop final : public Attachment, public std::enable_shared_from_this<SubscriptionLoop> {
 public:
  SubscriptionLoop(std::shared_ptr<Session> session, SubscribeOptions options, SubscriptionHandler handler);

  // Starts the thread and waits until the subscription is live or refused.
  absl::Status Start();

  // Ends the subscription, without waiting.
  void Stop() override;

  // Waits until the thread is through, unless called on it.
  void Join();

  absl::Status Wait(absl::Duration timeout);
  std::string id() const;
  std::vector<v1::QueuePosition> positions() const;
  SubscriptionCounts counts() const;

 private:
  // One stream, from its start to its end.
  struct Attempt {
    bool live = false;
    // When to leave, because the server drains.
    Deadline leave_at = Deadline::Never();
    // It left for that reason.
    bool left = false;
    absl::Duration silence;
    absl::Duration lived;
  };

  void Run();
  absl::Status RunUntilEnd();
  absl::Status RunStream(const std::string& session, Attempt* attempt);
  absl::Status ReadFrames(SubscribeStream* stream, Attempt* attempt);
  // Whether to try again after `status`, and if so, waits before.
  bool WaitToRetry(const absl::Status& status, const Attempt& attempt);
  v1::SubscribeRequest MakeRequest(const std::string& session) const;

  // On the thread that polls, while this one waits: false if what came is no batch.
  bool TakeBatch(grpc::ByteBuffer* bytes, SubscribeStream* stream);
  // An error if what came is no frame.
  absl::Status OnFrame(grpc::ByteBuffer* bytes, Attempt* attempt);
  absl::Status OnOtherFrame(grpc::ByteBuffer* bytes, Attempt* attempt);
  void OnReady(const v1::Ready& ready, Attempt* attempt);
  absl::Status OnBatch(BatchReader* batch);
  void OnMessage(const Message& message);
  void OnGap(const Gap& gap);
  void OnHeartbeat(const v1::Heartbeat& heartbeat);
  void ReportGap(const Gap& gap);
  // Once for each time that the stream is lost.
  void ReportReconnecting(const absl::Status& status);
  bool WasLive() const;
  void ReportState(SubscriptionState state, const absl::Status& status);

  const std::shared_ptr<Session> session_;
  const SubscribeOptions options_;
  const SubscriptionHandler handler_;
  const std::shared_ptr<Receiver> receiver_ = Receiver::Shared();
  std::thread thread_;

  CancelFlag stopped_ = false;
  std::atomic<uint64_t> messages_ = 0;
  std::atomic<uint64_t> gaps_ = 0;
  std::atomic<uint64_t> missed_ = 0;
  std::atomic<uint64_t> reconnects_ = 0;

  Positions positions_;

  // Only the thread uses these, or, while that waits, whoever takes a batch for it.
  MessageDecoder decoder_;
  std::string scratch_;
  Gap lost_;
  // What became of the batches that were taken.
  absl::Status taken_;
  Backoff backoff_;
  Deadline give_up_first_at_ = Deadline::Never();
  // The last session that was used.
  uint64_t generation_ = 0;
  // The last thing said to the handler was "reconnecting".
  bool reconnecting_ = false;

  mutable Mutex mu_;
  // was_live_ or ended_ changed.
  CondVar changed_;
  SubscribeStream* stream_ ABSL_GUARDED_BY(mu_) = nullptr;
  std::string id_ ABSL_GUARDED_BY(mu_);
  // The first `ready` came.
  bool was_live_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status end_ ABSL_GUARDED_BY(mu_);
};

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_SUBSCRIPTION_LOOP_H_
