#ifndef NMQ_SERVER_HTTP2_LOOP_H_
#define NMQ_SERVER_HTTP2_LOOP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "server/http2/connection.h"
#include "server/http2/gather.h"
#include "server/http2/timers.h"
#include "server/metrics/metrics.h"
#include "server/queue/lane.h"
#include "server/queue/subscriber.h"

namespace nmq::http2 {

// One thread with its connections, on epoll. Each turn it first takes what has arrived, then runs tasks, lets those
// subscriptions write that have something to say, runs timers, and then writes once to each connection that has
// something to send: so what gathers while it is busy goes out together.
//
// Start, Join, Shutdown, Post, Wake, Adopt and the counts may be called from any thread, the others only on the loop's
// own. Who answers calls later keeps the loop alive; what is posted to one that has ended is forgotten.
class Loop final : public std::enable_shared_from_this<Loop>, public ConnectionHost {
 public:
  // Serves a request, as ConnectionHost::OnRequest.
  using Serve = std::function<Stream*(Loop* loop, Connection* connection, int32_t stream, HeaderList headers)>;

  // `lane`, `clock` and `metrics` must outlive the loop.
  Loop(broker::Lane* lane, const Clock* clock, Metrics* metrics, const ConnectionLimits& limits, Serve serve);
  // After Shutdown.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  broker::Lane* lane() const { return lane_; }
  const Clock& clock() const { return *clock_; }
  Metrics& metrics() const { return *metrics_; }

  // False if the system has not what the loop needs.
  bool Start();
  // Ends it, and the connections that are left.
  void Shutdown();
  void Join();
  // Whether this is the loop's thread.
  bool IsCurrent() const;

  // Runs `task` on the loop, soon.
  void Post(std::function<void()> task) ABSL_LOCKS_EXCLUDED(mu_);
  // Makes the loop take a turn.
  void Wake();
  // Serves a connection that was accepted: a socket that does not block.
  void Adopt(int socket, std::string peer);
  size_t connections() const { return connection_count_.load(std::memory_order_relaxed); }

  // Calls `task` in the next turn, after events.
  void Again(std::function<void()> task) { again_.push_back(std::move(task)); }
  Timers& timers() { return timers_; }
  // When the turn began.
  absl::Duration now() const override { return now_; }
  // Each takes no more requests (Connection::Drain).
  void DrainConnections();
  // Ends the connection that has been without a stream for longest, if there is one: another needs its descriptor.
  void EndIdlest();

  // For its connections.
  Gather& gather() override { return gather_; }
  char* read_buffer() override { return read_buffer_.get(); }
  Stream* OnRequest(Connection* connection, int32_t stream, HeaderList headers) override;
  void OnHeld(int64_t bytes) override { held_ += bytes; }
  void Mark(Connection* connection) override { marked_.push_back(connection); }
  void OnOver(Connection* connection) override;
  void Await(Connection* connection, bool readable, bool writable) override;
  void OnAbuse(const Connection& connection, absl::string_view what) override;

 private:
  void Run();
  void TakeEvents();
  int Patience() const;
  void RunTasks() ABSL_LOCKS_EXCLUDED(mu_);
  void ServeReady();
  void Flush();
  void OnTick();
  void Bury();
  void EndAll();

  broker::Lane* const lane_;
  const Clock* const clock_;
  Metrics* const metrics_;
  const ConnectionLimits limits_;
  const Serve serve_;
  std::thread thread_;
  int epoll_ = -1;
  int waker_ = -1;  // readable when the loop is to take a turn
  std::atomic<bool> woken_{false};
  std::atomic<size_t> connection_count_{0};
  Mutex mu_;  // a leaf: nothing is locked under it
  std::vector<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);

  // For the loop's thread only.
  bool running_ = true;
  bool look_again_ = false;  // there may be tasks, or something in the lane, that were not there when this turn looked
  absl::Duration now_;
  int64_t held_ = 0;  // bytes of requests that connections hold
  Gather gather_;
  const std::unique_ptr<char[]> read_buffer_;
  absl::flat_hash_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> marked_;
  std::vector<Connection*> over_;
  Timers timers_;
  Timer tick_{[this] { OnTick(); }};
  std::vector<std::function<void()>> again_;
  std::vector<broker::Subscriber*> ready_;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_LOOP_H_
