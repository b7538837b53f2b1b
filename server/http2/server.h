#ifndef NMQ_SERVER_HTTP2_SERVER_H_
#define NMQ_SERVER_HTTP2_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/broker/broker.h"
#include "server/http2/loop.h"
#include "server/http2/tls_context.h"
#include "server/limits/connection_gate.h"
#include "server/limits/memory_shares.h"
#include "server/queue/lane.h"
#include "server/rpc/connection_acceptor.h"
#include "server/rpc/loops.h"
#include "server/rpc/methods.h"
#include "server/rpc/transport.h"

namespace nmq::http2 {

struct ServerOptions {
  std::string listen;  // HOST:PORT; port 0 for any
  TlsFiles tls = {};   // plain text without a certificate
  // Connections have descriptors with lower numbers only.
  uint64_t descriptors_max = std::numeric_limits<uint64_t>::max();
};

// gRPC over HTTP/2 without gRPC's library: loops, and connections dealt out to them.
class Server final : public rpc::Transport {
 public:
  // Serves with a loop for each of `lanes`, of which there is one at least; they are the broker's, which must outlive
  // the server.
  Server(const ServerOptions& options, std::vector<broker::Lane*> lanes, broker::Broker* broker);
  // Stops at once if Stop was not called.
  ~Server() override;

  absl::string_view name() const override { return "HTTP/2"; }
  // Serves when it returns. The error says why the address cannot be had, or which file of TLS is of no use.
  absl::Status Start() override;
  const std::string& address() const override { return acceptor_.address(); }
  size_t streams() const override { return all_.streams(); }
  void Drain(absl::Duration grace) override { all_.Drain(grace); }
  // Ends all streams with UNAVAILABLE, lets the connections drain, and ends those that do not; takes at most about two
  // seconds.
  void Stop() override;

  void RelieveMemory(MemoryUse use) override { all_.RelieveMemory(use); }
  void CheckAccess() override { all_.CheckAccess(); }

 private:
  absl::Status StartTls();
  absl::Status StartLoops();
  void Take(int socket);
  void Refuse(int socket, const std::string& peer, const absl::Status& why);
  void MakeRoom();
  size_t connections() const;

  const ServerOptions options_;
  const std::vector<broker::Lane*> lanes_;
  broker::Broker* const broker_;
  rpc::Methods methods_;
  rpc::Loops all_;
  std::vector<std::shared_ptr<Loop>> loops_;  // the same; empty unless it serves
  // For the acceptor's thread.
  ConnectionGate gate_;
  std::unique_ptr<TlsContext> tls_;  // null for plain text
  size_t next_ = 0;                  // loop that takes a connection
  rpc::ConnectionAcceptor acceptor_;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_SERVER_H_
