#ifndef NMQ_SERVER_RPC_LOOPS_H_
#define NMQ_SERVER_RPC_LOOPS_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/broker/broker.h"
#include "server/limits/memory_budget.h"
#include "server/limits/memory_shares.h"
#include "server/rpc/loop.h"

namespace nmq::rpc {

// The loops of a transport, with the memory that they share, and what is done with the calls of all of them. Add comes
// first, from the thread that starts them; any thread may call the rest.
class Loops {
 public:
  // The broker must outlive this.
  explicit Loops(broker::Broker* broker);

  Loop::Memory memory() { return {&incoming_, &outgoing_}; }
  void Add(std::shared_ptr<Loop> loop) { loops_.push_back(std::move(loop)); }

  // Streams that are open.
  size_t streams() const;
  // The broker drains: health says so, and nobody new is let in. Asks each stream to leave within `grace`, at a time of
  // its own (DrainPlan).
  void Drain(absl::Duration grace);
  // What callers may do has changed: ends the streams of those who may not have them any more, soon.
  void CheckAccess();
  // Ends all streams with UNAVAILABLE, soon.
  void EndStreams();
  // Until they are gone, or `time` is over.
  void WaitForStreams(absl::Duration time) const;
  // To be called all the time, a hundred times a second where there is little memory. Lets requests in for which there
  // is room though others that might come have it; where memory is short, ends some that are being received, and where
  // that is critical, subscribers that do not read. From one thread.
  void RelieveMemory(MemoryUse use);

  void Shutdown();
  void Join();

 private:
  broker::Broker* const broker_;
  MemoryBudget incoming_;  // requests
  MemoryBudget outgoing_;  // messages on their way to subscribers
  std::vector<std::shared_ptr<Loop>> loops_;
  bool critical_ = false;  // memory was, when it was looked at last; for the thread that calls RelieveMemory
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_LOOPS_H_
