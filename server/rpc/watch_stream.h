#ifndef NMQ_SERVER_RPC_WATCH_STREAM_H_
#define NMQ_SERVER_RPC_WATCH_STREAM_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "nmq/v1/registry.pb.h"
#include "server/broker/broker.h"
#include "server/rpc/exchange.h"
#include "server/rpc/loop.h"
#include "server/rpc/stream_call.h"

namespace nmq::rpc {

// One Registry.Watch call: a place in the changes, and one response on its way at a time.
class WatchStream final : public StreamCall {
 public:
  // The broker must outlive the call.
  WatchStream(broker::Broker* broker, Exchange* exchange);

  void OnMessage(const RequestBytes& bytes) override;
  void OnNoMore() override;
  void OnWritten(bool ok) override;
  void OnPulse() override;
  void Drain(const DrainPlan& plan) override;
  void CheckAccess() override;

 private:
  // What the changes call, from any thread; outlives the stream as long as that goes on.
  struct Bell;

  ~WatchStream() override = default;

  absl::Status Open(const RequestBytes& bytes);
  absl::Status Admit(const Call& call) const;
  void Pump();
  // Adds those changes that the caller may see.
  void AddSeen(std::vector<v1::Change>* changes, v1::WatchResponse* response) const;
  void OnHeartbeat();
  void WriteHeartbeat();
  void OnEnd(const absl::Status& status) override;

  broker::Broker* const broker_;
  v1::WatchRequest request_;  // what was received
  std::shared_ptr<Bell> bell_;
  broker::Changes::Listener listener_;
  Loop::Timer heartbeat_;
  Loop::Timer age_;
  Loop::Timer drain_;
  uint64_t revision_ = 0;  // up to which everything was sent
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_WATCH_STREAM_H_
