#ifndef NMQ_SERVER_GROUP_BURIAL_H_
#define NMQ_SERVER_GROUP_BURIAL_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "server/group/group_state.h"
#include "server/log/block.h"
#include "server/queue/committer.h"
#include "server/queue/queue.h"

namespace nmq::broker {

// Makes what puts a dead letter into its queue and, in the same write, notes that the group is done with the message:
// it cannot be a dead letter and be delivered again. `queue` is the number of the group's queue; `block` has the
// message. The caller sets `done`.
std::unique_ptr<Committer::Job> NewBurial(uint64_t queue, const std::string& group, const GroupState::Dead& dead,
                                          const log::Block& block, const std::shared_ptr<Queue>& dead_letters,
                                          absl::Time now);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_GROUP_BURIAL_H_
