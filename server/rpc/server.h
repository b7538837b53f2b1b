#ifndef NMQ_SERVER_RPC_SERVER_H_
#define NMQ_SERVER_RPC_SERVER_H_

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "grpcpp/server.h"
#include "server/broker/broker.h"
#include "server/rpc/loop.h"

namespace nmq::rpc {

struct ServerOptions {
  std::string listen;  // HOST:PORT; port 0 for any
};

// The gRPC side of nmqd: a loop for each of the broker's lanes, the services on them, health and reflection.
// Thread-safe.
class Server {
 public:
  // Starts to serve. `broker` must outlive the server. The error says why the address cannot be had.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options, broker::Broker* broker);
  // Stops at once if Stop was not called.
  ~Server();

  // Where it listens, with the real port.
  const std::string& address() const { return address_; }
  size_t streams() const;

  // Stops in order: health says not serving, nobody new is let in, every stream is asked to leave within `grace`, each
  // at a time of its own (DrainPlan), then ended with UNAVAILABLE, then cut off. Returns when all is done, at most
  // about two seconds after `grace`. Once only.
  void Stop(absl::Duration grace);
  // Makes a Stop that is under way skip what is left of its grace.
  void Hurry();

 private:
  struct Services;

  Server(broker::Broker* broker);
  absl::Status Listen(const ServerOptions& options);
  void ServeCalls();
  void Housekeep();
  void EndStreams();
  void WaitForStreams(absl::Duration time) ABSL_LOCKS_EXCLUDED(mu_);

  broker::Broker* const broker_;
  std::string address_;
  std::unique_ptr<Services> services_;
  std::vector<std::shared_ptr<Loop>> loops_;
  std::unique_ptr<grpc::Server> server_;
  std::thread housekeeper_;
  Mutex mu_;  // a leaf: nothing is locked under it
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool hurry_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_SERVER_H_
