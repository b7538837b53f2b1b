#ifndef NMQ_SERVER_QUEUE_READY_H_
#define NMQ_SERVER_QUEUE_READY_H_

#include <vector>

#include "server/queue/lane.h"
#include "server/queue/subscriber.h"

namespace nmq::broker {

// Takes what was posted to the lane, and adds the subscriptions that have something to do for it. Only for the thread
// that serves the lane; they live until that thread ends them.
void TakeReady(Lane* lane, std::vector<Subscriber*>* ready);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_READY_H_
