#ifndef NMQ_SERVER_QUEUE_STORAGE_H_
#define NMQ_SERVER_QUEUE_STORAGE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "nmq/storage/v1/storage.pb.h"
#include "server/config/config.h"
#include "server/log/batch.h"
#include "server/log/store.h"
#include "server/log/store_log.h"
#include "server/queue/queue_on_disk.h"
#include "server/queue/storage_records.h"

namespace nmq::broker {

// The disk of a server: its store, the threads that read it, and the list of queues in it. Thread-safe. What changes
// the list waits for the disk, and for other such changes; what only reads it waits for neither.
class Storage {
 public:
  // Opens or makes the store. `clock` must outlive the storage. If `options` accept a loss and there is one, every
  // queue begins a new epoch, and what refers to lost messages is put in order.
  static absl::StatusOr<std::unique_ptr<Storage>> Open(const log::Store::Options& options, const Clock* clock,
                                                       Random* random);

  log::Store& store() { return *store_; }
  // The store, for those that do not wait for it.
  log::Log& log() { return log_; }
  // The key of the numbers of rooms and clients (see base/keyed_hash.h), the same in each run.
  const std::string& key() const { return key_; }

  // What Admin made. Each change is on disk when it returns OK. A queue that is not live is opened; otherwise the
  // answer is not set.
  absl::StatusOr<std::optional<QueueOnDisk>> MakeQueue(const std::string& name_space, const QueueConfig& config)
      ABSL_LOCKS_EXCLUDED(changing_mu_, mu_);
  absl::Status ChangeQueue(const std::string& name_space, const QueueConfig& config)
      ABSL_LOCKS_EXCLUDED(changing_mu_, mu_);
  std::vector<QueueConfig> MadeQueues(const std::string& name_space) const ABSL_LOCKS_EXCLUDED(mu_);
  // Makes or changes a namespace: only its name and automatic_queues are kept.
  absl::Status PutNamespace(const NamespaceConfig& config) ABSL_LOCKS_EXCLUDED(changing_mu_, mu_);
  // Those that are not in `declared`.
  std::vector<NamespaceConfig> MadeNamespaces(const std::vector<NamespaceConfig>& declared) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // Forgets the queue, and deletes its messages and groups; nobody may use them any more. NOT_FOUND if there is none.
  absl::Status DeleteQueue(const std::string& name_space, const std::string& name)
      ABSL_LOCKS_EXCLUDED(changing_mu_, mu_);
  // Forgets the namespace and deletes all of its queues likewise. OK if there is none.
  absl::Status DeleteNamespace(const std::string& name) ABSL_LOCKS_EXCLUDED(changing_mu_, mu_);

  // Finds the queue, or makes it. FAILED_PRECONDITION if it was made with another durability.
  absl::StatusOr<QueueOnDisk> OpenQueue(const std::string& name_space, const std::string& name,
                                        nmq::v1::Durability durability) ABSL_LOCKS_EXCLUDED(changing_mu_, mu_);
  // The same for a durable queue that a group makes for its dead letters, if it is not there.
  absl::StatusOr<QueueOnDisk> OpenDeadLetterQueue(const std::string& name_space, const std::string& name)
      ABSL_LOCKS_EXCLUDED(changing_mu_, mu_);
  // The names of such queues that were made in a namespace and are not open.
  std::vector<std::string> UnopenedDeadLetterQueues(const std::string& name_space) const ABSL_LOCKS_EXCLUDED(mu_);

  // Opens every queue of `config`, and every one that Admin made, that is not live. Then Opened finds them.
  absl::Status OpenQueues(const ServerConfig& config) ABSL_LOCKS_EXCLUDED(changing_mu_, mu_);
  // NOT_FOUND if the queue was not opened, or was deleted.
  absl::StatusOr<QueueOnDisk> Opened(const std::string& name_space, const std::string& name) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // Queues that are on disk and were not opened, as "namespace/name".
  std::vector<std::string> UnopenedQueues() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  Storage(std::unique_ptr<log::Store> store, const Clock* clock)
      : store_(std::move(store)), log_(store_.get()), clock_(clock) {}
  absl::Status Load(Random* random) ABSL_LOCKS_EXCLUDED(changing_mu_, mu_);
  absl::Status LoadRecords() ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_mu_) ABSL_LOCKS_EXCLUDED(mu_);
  // What is in storage_loss.cc: begins a new epoch of every queue, and deletes what belongs to no queue any more.
  // `lines` get what is to be said in the log.
  absl::Status SettleLoss() ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_mu_) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status BeginEpoch(const std::string& path, storage::v1::Queue* queue, log::Batch* batch,
                          std::vector<std::string>* lines) ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_mu_);
  // The numbers of queues of which anything is stored.
  absl::StatusOr<std::set<uint64_t>> StoredNumbers() const;
  uint64_t NewEpoch(uint64_t number) const;
  // These write to disk, and change the list when that is done.
  absl::Status DeletePaths(const std::vector<std::string>& paths, log::Batch* batch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_mu_) ABSL_LOCKS_EXCLUDED(mu_);
  void GiveNumber(storage::v1::Queue* queue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_mu_);
  absl::Status PutQueue(const std::string& path, const storage::v1::Queue& queue)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_mu_) ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<QueueOnDisk> OpenNow(const std::string& name_space, const std::string& name,
                                      nmq::v1::Durability durability, bool by_group)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changing_mu_) ABSL_LOCKS_EXCLUDED(mu_);
  std::optional<storage::v1::Queue> Find(const std::string& path) const ABSL_LOCKS_EXCLUDED(mu_);

  const std::unique_ptr<log::Store> store_;
  log::StoreLog log_;
  const Clock* const clock_;
  std::string key_;
  // Held by one change after another, for as long as the disk takes; before mu_.
  Mutex changing_mu_ ABSL_ACQUIRED_BEFORE(mu_);
  uint64_t last_number_ ABSL_GUARDED_BY(changing_mu_) = 0;
  bool lost_ ABSL_GUARDED_BY(changing_mu_) = false;  // all queues began new epochs in this run
  mutable Mutex mu_;                                 // a leaf: nothing is locked under it, and the disk is not touched
  QueueRecords queues_ ABSL_GUARDED_BY(mu_);
  NamespaceRecords namespaces_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, QueueOnDisk> opened_ ABSL_GUARDED_BY(mu_);  // by path
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_STORAGE_H_
