#ifndef NMQ_SERVER_QUEUE_LANES_H_
#define NMQ_SERVER_QUEUE_LANES_H_

#include <memory>
#include <utility>
#include <vector>

#include "server/queue/lane.h"

namespace nmq::broker {

// The lanes of a server while it is put together: each part that serves subscriptions, whatever its transport, asks for
// one for each of its threads. The broker then takes them all, and their number is fixed, since each channel has a
// place for each. For one thread.
class Lanes {
 public:
  // `count` further ones. They live as long as this, or the broker that takes them.
  std::vector<Lane*> Add(int count);
  // All that were asked for; their indexes are 0, 1, 2, ...
  std::vector<std::unique_ptr<Lane>> Take() && { return std::move(lanes_); }

 private:
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_LANES_H_
