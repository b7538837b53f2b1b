#ifndef NMQ_SERVER_GRPC_CONNECTIONS_H_
#define NMQ_SERVER_GRPC_CONNECTIONS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace nmq::rpc {

// The TCP connections that a loop's streams came by. gRPC sends each stream's frame at once. Where several frames go by
// one connection in the same turn, the kernel holds back (TCP_CORK) those after the first, or all that were expected,
// until the turn is over: so they go out together, and whoever receives them is woken once. A lone frame is not held
// back.
//
// gRPC does not tell its sockets, so they are found among the process's by their peer's address. A connection whose
// socket is not found works as it does without this; a wrong one does no harm: what is held back is let go in the same
// turn. For the loop's thread only.
class Connections {
 public:
  // `clock` must outlive this.
  explicit Connections(const Clock* clock) : clock_(clock) {}
  ~Connections() { EndTurn(); }
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  class Connection {
   private:
    friend class Connections;

    std::string peer_;
    size_t streams_ = 0;
    int socket_ = -1;    // -1 if not known
    uint64_t turn_ = 0;  // the last one in which a write was expected or made
    size_t expected_ = 0;
    size_t written_ = 0;
    bool held_back_ = false;
  };
  // A stream of the connection with `peer`, as gRPC writes it, begins; Leave must follow.
  Connection* Enter(absl::string_view peer);
  void Leave(Connection* connection);

  // A write is to come in this turn: if there are several, none is sent before the others.
  void Expect(Connection* connection);
  // To be called right before a write.
  void BeforeWrite(Connection* connection);
  // Lets go of what was held back.
  void EndTurn();

 private:
  void StartTurn(Connection* connection);
  int FindSocket(const std::string& peer);
  void LookAtSockets();

  const Clock* const clock_;
  absl::flat_hash_map<std::string, std::unique_ptr<Connection>> connections_;  // by peer
  std::vector<int> held_back_;                                                 // sockets
  uint64_t turn_ = 1;
  absl::flat_hash_map<std::string, int> sockets_;  // by peer, at the last look
  absl::Duration next_look_;
};

// "ipv4:ADDRESS:PORT" or "ipv6:[ADDRESS]:PORT" of a socket's peer; empty if it has none.
std::string PeerOf(int socket);

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_GRPC_CONNECTIONS_H_
