// The thread behind a Subscription: reads frames, hands them on, and reconnects.
#ifndef NMQ_CLIENT_CPP_SUBSCRIPTION_LOOP_H_
#define NMQ_CLIENT_CPP_SUBSCRIPTION_LOOP_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "client/cpp/receiver.h"
#include "client/cpp/subscribe_stream.h"
#include "client/cpp/subscription_core.h"
#include "grpcpp/support/byte_buffer.h"

namespace nmq {
inline namespace client {
namespace internal {

// Its thread owns it, too.
class SubscriptionLoop final : public SubscriptionCore {
 public:
  using SubscriptionCore::SubscriptionCore;

  absl::Status Start() override;
  void Stop() override;
  void Join() override;

 private:
  absl::Status RunUntilEnd();
  absl::Status RunStream(const std::string& session, Attempt* attempt);
  absl::Status ReadFrames(SubscribeStream* stream, Attempt* attempt);
  // On the thread that polls, while this one waits: false if what came is no batch.
  bool TakeBatch(grpc::ByteBuffer* bytes, SubscribeStream* stream);

  const std::shared_ptr<Receiver> receiver_ = Receiver::Shared();
  std::thread thread_;
  // What became of the batches that were taken.
  absl::Status taken_;
  SubscribeStream* stream_ ABSL_GUARDED_BY(mu_) = nullptr;
};

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_SUBSCRIPTION_LOOP_H_
