#ifndef NMQ_SERVER_RPC_PUBLISH_CALL_H_
#define NMQ_SERVER_RPC_PUBLISH_CALL_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/arena.h"
#include "server/broker/broker.h"
#include "server/broker/publish_stream.h"
#include "server/frame/frame.h"
#include "server/rpc/exchange.h"
#include "server/rpc/loop.h"
#include "server/rpc/stream_call.h"

namespace nmq::rpc {

// One PublishStream call: reads batches as long as not too many answers wait to be written, and the intake has room for
// the next one. A batch that comes faster than its publisher or namespace may publish is kept, and nothing is read
// meanwhile; if it would have to wait for long, or too much is kept, it is refused.
class PublishCall final : public StreamCall {
 public:
  // The broker must outlive the call.
  PublishCall(broker::Broker* broker, Exchange* exchange);

  void OnSize(uint64_t bytes) override;
  void OnMessage(const RequestBytes& bytes) override;
  void OnNoMore() override;
  void OnWritten(bool ok) override;
  void Drain(const DrainPlan& plan) override;
  void CheckAccess() override;

 private:
  ~PublishCall() override = default;

  // Publishes a batch, or keeps it.
  void Take(absl::string_view batch);
  absl::Status PublishBatch(absl::string_view batch);
  bool Keep(absl::string_view batch, absl::Duration wait);
  void PublishKept();
  // What was kept is nothing of the call's any more; it is returned.
  std::string LetGo();
  // Answers wait until their batch is on disk, and those of later batches behind them.
  struct Answer {
    std::optional<Frame> frame;
    bool ready = false;  // the frame is there; for the loop's thread
  };
  void Answered(Answer* answer);
  // Asks the intake for the next read, unless too many answers wait.
  void WantRead();
  // Writes the next answer, if it is there and nothing is being written.
  void WriteNext();
  void OnEnd(const absl::Status&) override;
  bool HasUnwritten() const override { return !answers_.empty(); }

  broker::Broker* const broker_;
  broker::PublishStream publish_;
  google::protobuf::Arena arena_;
  std::deque<std::shared_ptr<Answer>> answers_;  // not yet written, the oldest first
  uint64_t expected_;  // bytes of the next batch, at a guess, where the exchange does not tell
  std::string kept_;   // a batch; empty if none is
  Loop::Timer again_{[this] { PublishKept(); }};  // for that
  bool reading_ = false;                          // or waiting for the intake
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_PUBLISH_CALL_H_
