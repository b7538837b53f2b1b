// What a broker has to be told again and again.
#ifndef NMQ_SERVER_HOUSEKEEPING_BROKER_TASKS_H_
#define NMQ_SERVER_HOUSEKEEPING_BROKER_TASKS_H_

#include <vector>

#include "server/broker/broker.h"
#include "server/housekeeping/housekeeper.h"

namespace nmq {

// What clients wait for: messages whose time has come, leases, groups. It must not stand behind slow work. `broker`
// must outlive the tasks, here and below.
std::vector<Housekeeper::Task> PromptTasks(broker::Broker* broker);

// What nobody waits for, and what may wait for the disk: messages that are too old, the store's own upkeep.
std::vector<Housekeeper::Task> MaintenanceTasks(broker::Broker* broker);

}  // namespace nmq

#endif  // NMQ_SERVER_HOUSEKEEPING_BROKER_TASKS_H_
