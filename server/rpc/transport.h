#ifndef NMQ_SERVER_RPC_TRANSPORT_H_
#define NMQ_SERVER_RPC_TRANSPORT_H_

#include <algorithm>
#include <cstdint>
#include <string>

#include "server/limits/limits.h"
#include "server/limits/memory_shares.h"
#include "server/service/service.h"

namespace nmq::rpc {

// So many bytes a message that is received may have: those of a batch, and names, headers and the like.
inline uint64_t MessageBytesMax(const Limits& limits) {
  constexpr uint64_t kSlackBytes = 1 << 20;
  return std::max(limits.batch_bytes, limits.payload_bytes) + kSlackBytes;
}

// What carries calls: a server for one protocol. Threads as Service.
class Transport : public Service {
 public:
  // Where it listens, with the real port. After Start.
  virtual const std::string& address() const = 0;
  // Loops::RelieveMemory. Any thread, from Start to Stop.
  virtual void RelieveMemory(MemoryUse use) = 0;
  // Loops::CheckAccess. The same.
  virtual void CheckAccess() = 0;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_TRANSPORT_H_
