#ifndef NMQ_SERVER_QUEUE_STORAGE_RECORDS_H_
#define NMQ_SERVER_QUEUE_STORAGE_RECORDS_H_

// What the data directory says of queues and namespaces: their records in the store's table of meta data. Nothing here
// has a state.

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nmq/storage/v1/storage.pb.h"
#include "server/config/config.h"
#include "server/log/batch.h"
#include "server/log/store.h"

namespace nmq::broker {

// Tables whose keys begin with their queue's number.
inline constexpr log::Table kTablesByQueue[] = {log::Table::kGroups, log::Table::kRequests, log::Table::kSchedule};

using QueueRecords = absl::flat_hash_map<std::string, storage::v1::Queue>;          // by path
using NamespaceRecords = absl::flat_hash_map<std::string, storage::v1::Namespace>;  // by name

// A queue's path, "namespace/name"; without a name, what those of a namespace begin with.
std::string QueuePath(absl::string_view name_space, absl::string_view name);

// What Admin says of a queue, into its record and back.
void SetPolicy(const QueueConfig& config, storage::v1::Queue* queue);
QueueConfig PolicyOf(absl::string_view name, const storage::v1::Queue& queue);

// All that there are. DATA_LOSS if one cannot be read.
absl::StatusOr<QueueRecords> ReadQueues(const log::Store& store);
absl::StatusOr<NamespaceRecords> ReadNamespaces(const log::Store& store);
// The number that was given when a queue was last deleted; 0 if none was. DATA_LOSS likewise.
absl::StatusOr<uint64_t> ReadLastNumber(const log::Store& store);

// These add to `batch` that a record is as it says here, or goes.
void AddQueue(absl::string_view path, const storage::v1::Queue& queue, log::Batch* batch);
void AddNamespace(absl::string_view name, const storage::v1::Namespace& name_space, log::Batch* batch);
void AddLastNumber(uint64_t number, log::Batch* batch);
void RemoveQueue(absl::string_view path, log::Batch* batch);
void RemoveNamespace(absl::string_view name, log::Batch* batch);

// Deleting what is stored of a queue takes two steps, so that it is done if the server is killed in between. First this
// adds to `batch` that the queue's groups and the like go, and a mark that its messages are to go.
void AddDeletion(uint64_t number, log::Batch* batch);
// Then this deletes the messages of each queue that is marked, and the mark.
absl::Status DeleteMarked(log::Store* store);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_STORAGE_RECORDS_H_
