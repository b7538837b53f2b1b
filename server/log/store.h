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
#include "server/log/chunk.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace nmq::log {

// The tables beside the messages. Values are in the order of their keys' bytes.
enum class Table {
  kMeta,      // namespaces, queues, groups
  kGroups,    // what became of the messages of groups
  kRequests,  // request ids
  kSchedule,  // messages that wait for their time
};

// A message as it is stored.
struct StoredMessage {
  uint64_t sequence = 0;
  int64_t time_us = 0;         // publish time, microseconds since 1970; never less than that of the message before
  uint64_t stamp = 0;          // see Record in ring.h; means nothing in another run of the server
  absl::string_view audience;  // encoded, see audience.h; empty for everyone
  absl::string_view entry;     // see message/entry.h
};

// Neighbouring messages of a queue, read from disk. Immutable.
struct Block {
  struct Item {
    int64_t time_us;
    uint64_t stamp;
    uint32_t audience_offset;  // in the chunk
    uint32_t audience_length;
    uint32_t entry_offset;
    uint32_t entry_length;
  };
  uint64_t first = 0;  // the sequence of items[0]
  ChunkRef chunk;      // entries one after another, in order, and then the audiences
  std::vector<Item> items;

  uint64_t end() const { return first + items.size(); }
  bool Contains(uint64_t sequence) const { return sequence >= first && sequence < end(); }
  // Of a sequence that it contains.
  const Item& item(uint64_t sequence) const { return items[sequence - first]; }
  absl::string_view entry(uint64_t sequence) const {
    return {chunk->data() + item(sequence).entry_offset, item(sequence).entry_length};
  }
  // As DecodeAudience reads it; empty for everyone.
  absl::string_view audience(uint64_t sequence) const {
    return {chunk->data() + item(sequence).audience_offset, item(sequence).audience_length};
  }
};

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

  // Bytes that count for a message besides its entry and audience: its key, its header, and what RocksDB adds.
  static constexpr uint64_t kBookkeepingBytes = 56;
  // The longest key of a table.
  static constexpr size_t kKeyBytesMax = 1024;

  // Opens or makes the store; the folder above the directory must be there. FAILED_PRECONDITION if another process has
  // it open or if there is something else than a directory; PERMISSION_DENIED; RESOURCE_EXHAUSTED, reason DISK_FULL;
  // DATA_LOSS if it is damaged, or if changes are missing that were synced (reason STORE_INCOMPLETE): the message says
  // which file and what to do.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const Options& options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Changes that are written together, all or none. Not thread-safe.
  class Batch {
   public:
    Batch();
    ~Batch();
    void Append(uint64_t queue, const StoredMessage& message);
    // Keys have 1 to kKeyBytesMax bytes; Write refuses others.
    void Put(Table table, absl::string_view key, absl::string_view value);
    void Delete(Table table, absl::string_view key);
    // Deletes all keys that begin with `prefix`.
    void DeletePrefix(Table table, absl::string_view prefix);
    // Deletes all keys in [from, to). Both have 1 to kKeyBytesMax bytes, and `from` is less; Write refuses others.
    void DeleteRange(Table table, absl::string_view from, absl::string_view to);
    bool empty() const;
    size_t bytes() const;
    void Clear();

   private:
    friend class Store;
    struct Rep;
    std::unique_ptr<Rep> rep_;
  };
  enum class Sync { kNo, kYes };
  // With kYes, the changes and all before them are on disk when this returns OK. With kNo, the operating system has
  // them. RESOURCE_EXHAUSTED, reason DISK_FULL or NO_DESCRIPTORS; UNAVAILABLE, reason STORE_FAILED. An error changes
  // nothing, but after STORE_FAILED the changes may be there when the store is opened again.
  //
  // One thread at a time appends to a queue, the next sequence and a time that is no earlier than the last:
  // INVALID_ARGUMENT or FAILED_PRECONDITION otherwise.
  absl::Status Write(Batch* batch, Sync sync);

  // What the store holds of a queue.
  struct Extent {
    uint64_t first = 1;  // end if it holds nothing
    uint64_t end = 1;    // the sequence that the next message gets
    uint64_t bytes = 0;  // of entries and their bookkeeping
    int64_t last_time_us = 0;
  };
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
