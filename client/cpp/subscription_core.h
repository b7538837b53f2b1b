// What a subscription does with the frames of its streams, on whichever thread.
#ifndef NMQ_CLIENT_CPP_SUBSCRIPTION_CORE_H_
#define NMQ_CLIENT_CPP_SUBSCRIPTION_CORE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
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
#include "client/cpp/session.h"
#include "client/cpp/subscription.h"
#include "grpcpp/support/byte_buffer.h"

namespace nmq {
inline namespace client {
namespace internal {

// The public part is thread-safe. Always owned by a shared_ptr: what runs it owns it, too.
class SubscriptionCore : public Attachment, public std::enable_shared_from_this<SubscriptionCore> {
 public:
  SubscriptionCore(std::shared_ptr<Session> session, SubscribeOptions options, SubscriptionHandler handler);

  // Begins, and waits until the subscription is live or refused.
  virtual absl::Status Start() = 0;

  // Waits until no callback runs or will, unless called in one that the wait would hold up. After Stop().
  virtual void Join() = 0;

  absl::Status Wait(absl::Duration timeout);
  std::string id() const;
  std::vector<v1::QueuePosition> positions() const;
  SubscriptionCounts counts() const;

 protected:
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

  // Until the first `ready`, or the end: then why there is none.
  absl::Status WaitUntilLive() ABSL_LOCKS_EXCLUDED(mu_);
  void WaitUntilOver() ABSL_LOCKS_EXCLUDED(mu_);

  // The following are for one thread at a time: the one that reads.

  v1::SubscribeRequest MakeRequest(const std::string& session) const;
  // How long the stream may be silent.
  absl::Duration SilenceOf(const Attempt& attempt) const;
  // Why a stream ends that was silent for so long.
  static absl::Status Silent(const Attempt& attempt, absl::Duration silence);
  static absl::Status Left();
  // An error if what came is no frame.
  absl::Status OnFrame(grpc::ByteBuffer* bytes, Attempt* attempt);
  absl::Status OnBatch(BatchReader* batch);
  // How long to wait before another attempt, after a stream that ended with `status`, or after a session that was not
  // to be had; none if the subscription is over.
  std::optional<absl::Duration> NextAttempt(bool had_session, const absl::Status& status, const Attempt& attempt);
  // Tells that it is over, and why.
  void End(absl::Status status) ABSL_LOCKS_EXCLUDED(mu_);

  const std::shared_ptr<Session> session_;
  const SubscribeOptions options_;
  CancelFlag stopped_ = false;
  std::string scratch_;
  Deadline give_up_first_at_ = Deadline::Never();
  // The last session that was used.
  uint64_t generation_ = 0;

  mutable Mutex mu_;
  // was_live_ or ended_ changed.
  CondVar changed_;

 private:
  absl::Status OnOtherFrame(grpc::ByteBuffer* bytes, Attempt* attempt);
  void OnReady(const v1::Ready& ready, Attempt* attempt);
  void OnMessage(const Message& message);
  void OnGap(const Gap& gap);
  void OnHeartbeat(const v1::Heartbeat& heartbeat);
  void ReportGap(const Gap& gap);
  // Once for each time that the stream is lost.
  void ReportReconnecting(const absl::Status& status);
  bool WasLive() const ABSL_LOCKS_EXCLUDED(mu_);
  void ReportState(SubscriptionState state, const absl::Status& status);

  const SubscriptionHandler handler_;
  std::atomic<uint64_t> messages_ = 0;
  std::atomic<uint64_t> gaps_ = 0;
  std::atomic<uint64_t> missed_ = 0;
  std::atomic<uint64_t> reconnects_ = 0;

  Positions positions_;
  MessageDecoder decoder_;
  Gap lost_;
  Backoff backoff_;
  // The session was lost, and no stream was live since.
  bool renewed_ = false;
  // The last thing said to the handler was "reconnecting".
  bool reconnecting_ = false;

  std::string id_ ABSL_GUARDED_BY(mu_);
  // The first `ready` came.
  bool was_live_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status end_ ABSL_GUARDED_BY(mu_);
};

// Calls back on the thread that receives for others, too, as long as it lives: Subscribe() would wait for itself.
class InSharedCallback {
 public:
  InSharedCallback();
  ~InSharedCallback();
  InSharedCallback(const InSharedCallback&) = delete;
  InSharedCallback& operator=(const InSharedCallback&) = delete;

  // Whether this thread is in one.
  static bool Now();
  // FAILED_PRECONDITION if it is.
  static absl::Status CheckMayWait();

 private:
  const bool before_;
};

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_SUBSCRIPTION_CORE_H_
