#ifndef NMQ_SERVER_RPC_CONNECTION_ACCEPTOR_H_
#define NMQ_SERVER_RPC_CONNECTION_ACCEPTOR_H_

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "server/metrics/metrics.h"

namespace nmq::rpc {

// Listens, and hands a transport the connections, on a thread of its own. gRPC's own listener (1.51) takes connections
// until no descriptor is left, for files neither, and never accepts again after that. This one takes no descriptor with
// a number of `descriptors_max` or above: whatever else the process opens has those. Listen, Start and Stop are for one
// thread.
class ConnectionAcceptor {
 public:
  // Takes over a socket that was accepted from `listener` and does not block. On the acceptor's thread.
  using Receiver = std::function<void(int listener, int socket)>;
  // Asks for a descriptor: ends a connection that nobody needs, soon. On the acceptor's thread.
  using MakeRoom = std::function<void()>;

  // `metrics` must outlive it.
  ConnectionAcceptor(uint64_t descriptors_max, Metrics* metrics);
  ~ConnectionAcceptor() { Stop(); }
  ConnectionAcceptor(const ConnectionAcceptor&) = delete;
  ConnectionAcceptor& operator=(const ConnectionAcceptor&) = delete;

  // Clients that connect wait for Start. INVALID_ARGUMENT if `address` is not HOST:PORT; UNAVAILABLE, reason
  // CANNOT_LISTEN, says why it cannot be had.
  absl::Status Listen(const std::string& address);
  // Where it listens, with the real port. After Listen.
  const std::string& address() const { return address_; }
  void Start(Receiver receiver, MakeRoom make_room = nullptr);
  // Nobody can connect any more.
  void Stop();

 private:
  void Run();
  void AcceptFrom(int listener);
  void Take(int listener, int fd);
  void Refuse(int fd);

  const uint64_t descriptors_max_;
  Metrics* const metrics_;
  std::vector<int> listeners_;
  std::string address_;
  int stop_ = -1;  // readable when the thread is to end
  Receiver receiver_;
  MakeRoom make_room_;  // or null
  bool pause_ = false;  // for the thread only: what it would accept with is missing
  std::thread thread_;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_CONNECTION_ACCEPTOR_H_
