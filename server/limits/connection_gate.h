#ifndef NMQ_SERVER_LIMITS_CONNECTION_GATE_H_
#define NMQ_SERVER_LIMITS_CONNECTION_GATE_H_

#include <sys/socket.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/clock.h"
#include "server/limits/limits.h"
#include "server/limits/rate_limit.h"
#include "server/limits/share.h"
#include "server/limits/use_table.h"

namespace nmq {

// Those who have one address are counted together: of IPv6 all of a network of 64 bits, which one peer may have to
// itself. IPv4 in IPv6 is IPv4. Empty for an address of another kind.
std::string AddressKey(const sockaddr_storage& address);

// Which new connections may come in: so many in all and of one address, and so many in a second. Thread-safe, but Admit
// is for one thread.
class ConnectionGate {
 public:
  // Of addresses without a connection; each takes about 300 bytes.
  static constexpr size_t kIdleMax = 20'000;

  // What a connection is counted by, as long as it is there.
  struct Pass {
    Share of_all;
    Share of_address;
  };

  // `limits` and `clock` must outlive it, and each pass what it gave it.
  ConnectionGate(const Limits* limits, const Clock* clock);

  // A connection from this address comes. RESOURCE_EXHAUSTED, with the limit, if it may not: then nothing is counted
  // but that it came.
  absl::Status Admit(const sockaddr_storage& address, Pass* pass);

  uint64_t connections() const { return connections_->load(std::memory_order_relaxed); }
  // Of which something is known.
  size_t addresses() const { return addresses_.size(); }

 private:
  struct AddressUse {
    RateLimit coming{"connections_per_second_per_address", "connections"};
    std::atomic<uint64_t> connections{0};
  };

  const Limits& limits_;
  const Clock& clock_;
  RateLimit coming_{"connections_per_second", "connections"};
  const Share::Count connections_ = std::make_shared<std::atomic<uint64_t>>(0);
  UseTable<AddressUse> addresses_{kIdleMax};
};

}  // namespace nmq

#endif  // NMQ_SERVER_LIMITS_CONNECTION_GATE_H_
