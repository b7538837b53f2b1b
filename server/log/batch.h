#ifndef NMQ_SERVER_LOG_BATCH_H_
#define NMQ_SERVER_LOG_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

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

// When a write counts as done: kYes, when it would survive a loss of power; kNo, when it survives the end of the
// process.
enum class Sync { kNo, kYes };

// Changes that are written together, all or none. Not thread-safe.
class Batch {
 public:
  // Bytes that count for a message besides its entry and audience: its key, its header, and what RocksDB adds.
  static constexpr uint64_t kBookkeepingBytes = 56;
  // The longest key of a table.
  static constexpr size_t kKeyBytesMax = 1024;

  void Append(uint64_t queue, const StoredMessage& message);
  // Keys have 1 to kKeyBytesMax bytes; others are refused when the batch is written.
  void Put(Table table, absl::string_view key, absl::string_view value);
  void Delete(Table table, absl::string_view key);
  // Deletes all keys that begin with `prefix`.
  void DeletePrefix(Table table, absl::string_view prefix);
  // Deletes all keys in [from, to). Both have 1 to kKeyBytesMax bytes, and `from` is less; others are refused when the
  // batch is written.
  void DeleteRange(Table table, absl::string_view from, absl::string_view to);
  bool empty() const { return operations_.empty(); }
  size_t bytes() const { return texts_.size(); }
  void Clear();

  // For those that write it: the operations in the order in which they came. Their texts stand one after another in
  // texts(): a key, then a value, which of a message is a MessageValue without its total (store_format.h).
  enum class Kind { kAppend, kPut, kDelete, kDeletePrefix, kDeleteRange };
  struct Operation {
    Kind kind;
    Table table = Table::kMeta;
    uint64_t queue = 0;
    uint64_t sequence = 0;
    int64_t time_us = 0;
    uint64_t cost = 0;  // of a message, with its bookkeeping
    size_t key_bytes = 0;
    size_t value_bytes = 0;
  };
  const std::vector<Operation>& operations() const { return operations_; }
  absl::string_view texts() const { return texts_; }
  // Whether there are messages in it.
  bool appends() const { return appends_; }
  // What was wrong with what was asked for: then nothing of it may be written.
  const absl::Status& error() const { return error_; }

 private:
  std::vector<Operation> operations_;
  std::string texts_;
  bool appends_ = false;
  absl::Status error_;
};

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_BATCH_H_
