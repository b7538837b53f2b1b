#ifndef NMQ_SERVER_HTTP2_LOOP_H_
#define NMQ_SERVER_HTTP2_LOOP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "server/http2/age_list.h"
#include "server/http2/byte_stream.h"
#include "server/http2/call.h"
#include "server/http2/connection.h"
#include "server/http2/gather.h"
#include "server/http2/poller.h"
#include "server/http2/rotation.h"
#include "server/http2/timers.h"
#include "server/http2/window_pool.h"
#include "server/limits/connection_gate.h"
#include "server/metrics/metrics.h"
#include "server/queue/lane.h"
#include "server/rpc/loop.h"
#include "server/rpc/method_table.h"

namespace nmq::http2 {

// A loop with its connections. What peers have time for goes by the machine's clock, whatever the loop's is.
// At the end of a turn it writes once to each connection that has something to send. Threads as rpc::Loop; Adopt,
// connections and MakeRoom are for any.
class Loop final : public rpc::Loop, private ConnectionHost, private CallHost {
 public:
  struct Options {
    ConnectionLimits limits;
    uint64_t message_bytes_max;
    // Connections that have not sent the preface and the first settings: with more, the oldest ends.
    size_t greeting_max = 1'000;
    // Of requests that nobody has asked for yet, in all connections: with more, the one that has most ends.
    int64_t held_bytes_max;
    // Calls under way: further ones are refused.
    size_t calls_max = 100'000;
    // By so much windows may be wider, in all connections.
    int64_t wide_bytes;
  };
  Loop(const Options& options, broker::Lane* lane, const Clock* clock, Metrics* metrics, const Memory& memory);
  ~Loop() override;

  // False if the system has not what the loop needs.
  bool ok() const { return poller_.ok(); }

  // Ends the connections that are left, and the loop when their calls are over; after a second in any case.
  void Shutdown() override;

  // Serves a connection that was accepted. Waits while the loop has yet to take many: not on its thread.
  void Adopt(std::unique_ptr<ByteStream> bytes, std::string peer, ConnectionGate::Pass pass = {});
  size_t connections() const { return connection_count_.load(std::memory_order_relaxed); }

  // Each connection takes no more requests (Connection::Drain). None may be adopted after that.
  void DrainConnections();
  // Another connection needs a descriptor: the one that is needed least is to leave, if one is not needed
  // (Connection::IsSpare). Any thread.
  void MakeRoom();

 private:
  // Of rpc::Loop.
  bool TakeEvents() override;
  void Interrupt() override { poller_.Interrupt(); }
  void EndTurn() override;

  // Of ConnectionHost and CallHost.
  absl::Duration now() const override { return now_; }
  absl::Duration exact_now() const override { return RealClock().Monotonic(); }
  absl::Duration clock_shift() const override { return clock().Monotonic() - RealClock().Monotonic(); }
  Gather& gather() override { return gather_; }
  char* read_buffer() override { return read_buffer_.get(); }
  Stream* OnRequest(Connection* connection, int32_t stream, HeaderList headers) override;
  WindowPool& windows() override { return windows_; }
  ByteShare& inflating() override { return inflating_; }
  void OnHeld(int64_t bytes) override;
  void OnUnsent(int64_t bytes) override;
  void Mark(Connection* connection) override { marked_.push_back(connection); }
  void MayReadMore(Connection* connection) override { more_.push_back(connection); }
  void GoOnLater(Connection* connection) override { rotation_.AddLeft(connection->place()); }
  void OnOver(Connection* connection) override { over_.push_back(connection); }
  void Await(Connection* connection, bool readable, bool writable) override;
  AgeList<Connection>& greeting() override { return greeting_; }
  void OnAbuse(const Connection& connection, absl::string_view what) override;
  Timers& timers() override { return deadlines_; }
  OutgoingPool& outgoings() override { return outgoings_; }
  rpc::Loop* rpc_loop() override { return this; }
  const rpc::MethodTable& table() override { return methods(); }
  uint64_t message_bytes_max() const override { return options_.message_bytes_max; }
  AgeList<Call>& stalling() override { return stalling_; }
  void OnRefused(const absl::Status& status) override { metrics_->CountRefusal(status); }
  absl::Status CheckRoomForCall() const override;
  void OnCallBegun() override { ++calls_; }
  void OnCallOver() override { --calls_; }
  void SettleSoon(Call* call) override { settling_.push_back(call); }

  // A connection with its watch, which ends before the descriptor is closed.
  struct Served final : Connection {
    Served(Loop* loop, std::unique_ptr<ByteStream> bytes, std::string peer)
        : Connection(loop, &loop->options_.limits, std::move(bytes), std::move(peer)),
          watch(&loop->poller_, descriptor(), static_cast<Connection*>(this)) {}
    Poller::Watch watch;
  };

  void Add(std::unique_ptr<ByteStream> bytes, const std::string& peer, ConnectionGate::Pass pass);
  int PatienceMs() const;
  void Sort(absl::Span<const Poller::Event> events);
  void TakeTurns(absl::Duration end);
  void WorkOn();
  void ShakeHands();
  static void TellEvents(Rotation<Connection>::Entry* entry);
  // As far as there is time in this turn.
  void SettleCalls();
  void TakeMore();
  void Flush();
  void Bury();
  void OnTick();
  void TickConnections();
  void EndStalledCalls();
  void OnDeadlines() { deadlines_.Run(now_); }
  void RelieveHeld();
  void DismissOne();
  void EndConnections();

  const Options options_;
  Metrics* const metrics_;
  Poller poller_;
  std::atomic<size_t> connection_count_{0};
  Mutex adopting_mu_;
  CondVar adopted_;
  int adopting_ ABSL_GUARDED_BY(adopting_mu_) = 0;
  std::atomic<bool> room_wanted_{false};

  // For the loop's thread only.
  bool running_ = true;
  bool draining_ = false;
  absl::Duration ticked_;       // the connections, last
  absl::Duration next_search_;  // for one that can be spared
  absl::Duration end_by_;       // unless running_
  absl::Duration now_;
  Gather gather_;
  const std::unique_ptr<char[]> read_buffer_;
  AgeList<Connection> greeting_;
  WindowPool windows_;  // these outlive the connections
  ByteShare inflating_;
  OutgoingPool outgoings_;
  AgeList<Call> stalling_;
  absl::flat_hash_map<Connection*, std::unique_ptr<Served>> connections_;
  std::vector<Connection*> marked_;
  std::vector<Connection*> more_;  // that have probably more to read at once
  absl::Duration flush_time_;      // of the last turn
  Rotation<Connection> rotation_;
  std::vector<Connection*> over_;
  std::deque<Call*> settling_;
  size_t calls_ = 0;
  int64_t held_ = 0;  // bytes of requests that nobody has asked for yet
  Timers deadlines_;  // of calls
  Timer tick_{[this] { OnTick(); }};
  Timer due_{[this] { OnDeadlines(); }};  // the first of deadlines_
  absl::Duration due_time_;               // if it is set
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_LOOP_H_
