// A transport that carries nothing: tests play the caller, and look at what the method does.
#ifndef NMQ_TESTS_UNIT_RPC_FAKE_TRANSPORT_H_
#define NMQ_TESTS_UNIT_RPC_FAKE_TRANSPORT_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "server/limits/memory_budget.h"
#include "server/metrics/metrics.h"
#include "server/queue/lane.h"
#include "server/rpc/exchange.h"
#include "server/rpc/loop.h"

namespace nmq::rpc {

// What a FakeLoop needs.
struct LoopParts {
  broker::Lane own_lane{0};
  Metrics own_metrics;
  MemoryBudget own_memory{64 << 20};
};

// A loop that never runs, and always sleeps: calls are finished on the thread that answers them.
class FakeLoop final : private LoopParts, public Loop {
 public:
  explicit FakeLoop(const Clock* clock = &RealClock())
      : Loop(&own_lane, clock, &own_metrics, {&own_memory, &own_memory}) {}

  const MemoryBudget& memory() const { return own_memory; }

  void Shutdown() override {}
  bool HoldAsleep() override { return true; }

 private:
  bool TakeEvents() override { return false; }
  void Interrupt() override {}
  void EndTurn() override {}
};

// A call that has come to it. It must outlive its handler's last event, which the test causes.
class FakeExchange final : public Exchange {
 public:
  explicit FakeExchange(Loop* loop, bool tells_sizes = false) : loop_(loop), tells_sizes_(tells_sizes) {}

  // What the method has asked for.
  int reads() const { return reads_; }
  const std::optional<absl::Status>& status() const { return status_; }
  // The messages that it has written, as bytes.
  const std::vector<std::string>& written() const { return written_; }

  Loop* loop() const override { return loop_; }
  Call CallWith(Right right) const override { return Call(right, Transport::kGrpc, "test"); }
  std::optional<absl::string_view> Metadata(absl::string_view) const override { return std::nullopt; }
  bool tells_sizes() const override { return tells_sizes_; }
  void Read() override { ++reads_; }
  void Write(Frame frame) override {
    std::string& bytes = written_.emplace_back();
    frame.Encode(
        [&](size_t size) {
          bytes.resize(bytes.size() + size);
          return bytes.data() + bytes.size() - size;
        },
        [&](log::ByteRange&& range) { bytes.append(range.data(), range.length); });
  }
  void Finish(const absl::Status& status) override { status_ = status; }
  void FinishWith(Frame) override { status_ = absl::OkStatus(); }
  void Cancel() override {}

 private:
  Loop* const loop_;
  const bool tells_sizes_;
  int reads_ = 0;
  std::optional<absl::Status> status_;
  std::vector<std::string> written_;
};

}  // namespace nmq::rpc

#endif  // NMQ_TESTS_UNIT_RPC_FAKE_TRANSPORT_H_
