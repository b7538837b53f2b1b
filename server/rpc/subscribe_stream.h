#ifndef NMQ_SERVER_RPC_SUBSCRIBE_STREAM_H_
#define NMQ_SERVER_RPC_SUBSCRIBE_STREAM_H_

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/broker/broker.h"
#include "server/frame/frame.h"
#include "server/rpc/exchange.h"
#include "server/rpc/loop.h"
#include "server/rpc/stream_call.h"

namespace nmq::rpc {

// One Subscribe call: a subscription, and one frame on its way at a time.
class SubscribeStream final : public StreamCall, public broker::Subscription::Owner {
 public:
  // The broker must outlive the call.
  SubscribeStream(broker::Broker* broker, Exchange* exchange);

  void OnMessage(const RequestBytes& bytes) override;
  void OnNoMore() override;
  void OnWritten(bool ok) override;
  void OnPulse() override;

  void OnReady() override;
  void BeforeReady() override { ExpectWrite(); }
  void Drain(const DrainPlan& plan) override;
  void CheckAccess() override;
  void OnMemoryCritical() override;

 private:
  // That it is to leave.
  struct Departure {
    explicit Departure(SubscribeStream* stream) : ask([stream] { stream->AskToLeave(); }) {}

    Loop::Timer ask;        // when it is told
    absl::Duration end;     // when it will be ended, on the monotonic clock
    absl::Duration jitter;  // the span over which such streams are to leave, at the most
  };

  ~SubscribeStream() override = default;

  void Found(const absl::Status& status);
  void Subscribe(broker::Broker::Wish wish);
  // What the next frame may have.
  uint64_t FrameBytes() const;
  // Writes the next frame, if there is one.
  void Pump();
  void PumpAgain();
  void WriteFrame(const v1::SubscribeResponse& frame);
  void WriteDelivery(broker::Delivery* delivery);
  Departure& DepartureAt(absl::Duration end, absl::Duration jitter);
  void AskToLeave();
  // False if it is too late for that.
  bool WriteNotice();
  void OnHeartbeat();
  void WriteHeartbeat();
  void OnStalled();
  void OnAge();
  void OnEnd(const absl::Status& status) override;

  // What is looked for, on another thread, before there is a subscription. It outlives a stream that ends
  // before.
  struct Search {
    v1::SubscribeRequest request;
    broker::Broker::Wish wish;
    std::atomic<bool> stop{false};
    SubscribeStream* stream = nullptr;  // null once nobody waits; only for the loop's thread
  };

  broker::Broker* const broker_;
  std::shared_ptr<Search> search_;                      // null if it is not needed, before and after
  std::shared_ptr<broker::Subscription> subscription_;  // null before and after
  broker::Namespace* name_space_ = nullptr;             // of the subscription
  std::shared_ptr<const broker::Client> client_;        // the same
  Loop::Timer heartbeat_;
  Loop::Timer stalled_;
  Loop::Timer age_;
  std::unique_ptr<Departure> departure_;  // null if it is not to leave
  uint64_t outgoing_bytes_ = 0;           // of the frame that is being written
  bool ask_ = false;                      // the notice is to be written
  bool again_ = false;                    // PumpAgain is posted
  bool aged_ = false;                     // was asked to leave because of its age
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_SUBSCRIBE_STREAM_H_
