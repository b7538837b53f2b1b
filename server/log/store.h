// What is kept on disk: the messages of durable queues, and small tables beside them.
#ifndef NMQ_SERVER_LOG_STORE_H_
#define NMQ_SERVER_LOG_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/log/batch.h"
#include "server/log/block.h"
#include "server/log/extent.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace nmq::log {

// A RocksDB database. Each queue is known by a number that the caller chooses and never uses again; the messages of a
// queue have sequences without holes. Thread-safe; every call may block on the disk.
//
// Once a write has failed the store is failed: nothing more is written, since nobody can say what is on disk, and
// reading goes on. A full disk is no such failure, nor is a process without a descriptor for another file: writes are
// refused with RESOURCE_EXHAUSTED until there is room, or a descriptor, again.
class Store {
 public:
  struct Options {
    std::string directory;        // made if it is not there, with mode 0700
    rocksdb::Env* env = nullptr;  // null for the real one; must outlive the store
    // Writing of messages is refused while the disk has less than this. Enough to write out what is in memory, so that
    // a disk that fills up can still be tidied.
    uint64_t reserve_bytes = 64 << 20;
    uint64_t write_buffer_bytes = 16 << 20;  // of messages, gathered in memory before they become a file
    uint64_t table_buffer_bytes = 4 << 20;   // the same for each table
    uint64_t block_cache_bytes = 16 << 20;   // of what was read
    uint64_t log_bytes = 64 << 20;           // of logs; after a crash opening reads them into memory
    int open_files = 256;                    // tables that are kept open
    // Opens although changes are missing that were synced, with what was written before them: see loss().
    bool accept_loss = false;
  };

  // Opens or makes the store; the folder above the directory must be there. FAILED_PRECONDITION if another process has
  // it open or if there is something else than a directory; PERMISSION_DENIED; RESOURCE_EXHAUSTED, reason DISK_FULL;
  // DATA_LOSS if it is damaged, or if changes are missing that were synced (reason STORE_INCOMPLETE): the message says
  // which file and what to do.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const Options& options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // With kYes, the changes and all before them are on disk when this returns OK. With kNo, the operating system has
  // them. RESOURCE_EXHAUSTED, reason DISK_FULL or NO_DESCRIPTORS; UNAVAILABLE, reason STORE_FAILED. An error changes
  // nothing, but after STORE_FAILED the changes may be there when the store is opened again.
  //
  // One thread at a time appends to a queue, the next sequence and a time that is no earlier than the last:
  // INVALID_ARGUMENT or FAILED_PRECONDITION otherwise.
  absl::Status Write(Batch* batch, Sync sync);

  absl::StatusOr<Extent> FindExtent(uint64_t queue) const;

  // Messages from `from` on, those with sequences below `end`, up to `bytes_max` of entries but at least one.
  // OUT_OF_RANGE if `from` is no longer held; DATA_LOSS if it is damaged.
  absl::StatusOr<std::shared_ptr<const Block>> Read(uint64_t queue, uint64_t from, uint64_t end,
                                                    uint64_t bytes_max) const;

  // The first sequence in [first, end) whose time is at least `time_us`; end if none.
  absl::StatusOr<uint64_t> FindTime(uint64_t queue, uint64_t first, uint64_t end, int64_t time_us) const;
  // The first sequence in [first, end) from which on the messages have at most `bytes_max` bytes; end if none.
  absl::StatusOr<uint64_t> FindBytes(uint64_t queue, uint64_t first, uint64_t end, uint64_t bytes_max) const;
  // Bytes of the messages in [first, end).
  absl::StatusOr<uint64_t> BytesOf(uint64_t queue, uint64_t first, uint64_t end) const;

  // For what is left after a loss, which see below: the numbers of all queues that have messages, and the first
  // sequence from which on no message of a queue is missing. The second looks at every message, and may take long.
  absl::StatusOr<std::vector<uint64_t>> Queues() const;
  absl::StatusOr<uint64_t> FindWhole(uint64_t queue) const;

  // Gives up messages before `first`, which may be the end. Survives a restart once this has returned; with kNo, they
  // may be there again after the power was lost. Their disk space comes back later, with kNo after a Housekeep.
  absl::Status Trim(uint64_t queue, uint64_t first, Sync sync = Sync::kYes);
  // Gives up everything of a queue.
  absl::Status DeleteQueue(uint64_t queue);

  // NOT_FOUND if there is no such key.
  absl::StatusOr<std::string> Get(Table table, absl::string_view key) const;
  // Calls `visit` for all keys in [from, to), in order, until it returns false. An empty `to` is no bound. `visit` must
  // not use the store.
  absl::Status Scan(Table table, absl::string_view from, absl::string_view to,
                    absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) const;

  // To be called about once a second: looks how much room the disk has, and whether a full disk has got some again.
  // After a full disk, others may wait up to a second or so while the database is opened anew.
  void Housekeep();
  // What is missing that was synced, as Open would say it; OK if nothing is. Only with Options::accept_loss.
  absl::Status loss() const;
  // What builds on what is missing was put in order: from now on the loss is not told again.
  absl::Status AcceptLoss();
  // Why nothing can be written; OK otherwise.
  absl::Status health() const;

  // Bytes that the store takes now: in memory tables, and in its files without the write-ahead log. Waits while it is
  // opened anew.
  struct Totals {
    uint64_t memory_bytes = 0;
    uint64_t file_bytes = 0;
  };
  Totals totals() const;

 private:
  struct Rep;
  explicit Store(std::unique_ptr<Rep> rep);
  const std::unique_ptr<Rep> rep_;
};

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_STORE_H_
