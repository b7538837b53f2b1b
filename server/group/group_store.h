#ifndef NMQ_SERVER_GROUP_GROUP_STORE_H_
#define NMQ_SERVER_GROUP_GROUP_STORE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nmq/storage/v1/storage.pb.h"
#include "server/group/group_state.h"
#include "server/log/batch.h"
#include "server/log/log.h"

namespace nmq::broker {

// How the groups of a queue are kept in the log's table of groups: under the queue's number, the group's name and a
// zero byte come "g" (what the group is), "m" (how far it has come), and "i" with a sequence (what became of it).

// Makes sure that no two runs of the server number stints of the group's members alike (see GroupStints), even if the
// clock was set back. Returns the last number that may have been given; `now` is the time in microseconds. The group is
// to be put then.
uint64_t ReserveStints(uint64_t now, storage::v1::Group* group);

// Adds what the group is to `batch`.
void PutGroup(uint64_t queue, const std::string& name, const storage::v1::Group& group, log::Batch* batch);
// Adds what changed to `batch`.
void PutChanges(uint64_t queue, const std::string& name, const GroupState::Changes& changes, log::Batch* batch);

// Deletes what became of a group's messages; all that is known of a group.
void DeleteItems(uint64_t queue, const std::string& name, log::Batch* batch);
void DeleteGroup(uint64_t queue, const std::string& name, log::Batch* batch);

struct StoredGroup {
  std::string name;
  storage::v1::Group group;
  GroupState::Saved saved;
};
// The groups of a queue that ends before `end`. DATA_LOSS if they are damaged. What they know of messages from there on
// is deleted: the disk has lost those, and others will get their sequences. Waits for the disk.
absl::StatusOr<std::vector<StoredGroup>> LoadGroups(log::Log* log, uint64_t queue, uint64_t end);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_GROUP_GROUP_STORE_H_
