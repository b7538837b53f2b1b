#ifndef NMQ_SERVER_LOG_LOG_H_
#define NMQ_SERVER_LOG_LOG_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/log/batch.h"
#include "server/log/block.h"
#include "server/log/extent.h"

namespace nmq::log {

// Where the messages of durable queues are kept, and small tables beside them, wherever that is. Each queue is known by
// a number that the caller chooses and never uses again; the messages of a queue have sequences without holes.
//
// Nothing here waits: each call answers by its `done`, which is called once, on a thread of the log's, under no lock.
// It must not block. Calls of one kind are answered in their order: reads among themselves, and writes likewise.
// Who calls bounds what is under way. Thread-safe.
class Log {
 public:
  template <typename T>
  using Done = std::function<void(absl::StatusOr<T>)>;
  using Written = std::function<void(const absl::Status&)>;

  virtual ~Log() = default;

  // What becomes of the caller's thread. With kWaits a log may do the work on it, and call `done` before it returns:
  // for threads that serve nobody else, which it saves the way to another and back.
  enum class Caller { kGoesOn, kWaits };

  // Writes the batch, all of it or nothing. With Sync::kYes it is done when the changes and all that were written
  // before would survive a loss of power. RESOURCE_EXHAUSTED, reason DISK_FULL or NO_DESCRIPTORS: nothing was changed,
  // later it may go; UNAVAILABLE, reason STORE_FAILED: nothing can be written any more, and nobody can say what of this
  // was.
  //
  // One batch at a time appends to a queue, the next sequence and a time that is no earlier than the last:
  // INVALID_ARGUMENT or FAILED_PRECONDITION otherwise.
  virtual void Write(std::shared_ptr<Batch> batch, Sync sync, Caller caller, Written done) = 0;

  // Messages from `from` on, those with sequences below `end`, up to `bytes_max` of entries but at least one.
  // OUT_OF_RANGE if `from` is no longer held; DATA_LOSS if it is damaged; CANCELLED if, when its turn comes, `wanted`
  // is set and says that nobody waits for it any more.
  using Wanted = std::function<bool()>;
  virtual void Read(uint64_t queue, uint64_t from, uint64_t end, uint64_t bytes_max, Wanted wanted,
                    Done<std::shared_ptr<const Block>> done) = 0;
  virtual void FindExtent(uint64_t queue, Done<Extent> done) = 0;
  // The first sequence in [first, end) whose time is at least `time_us`; end if none.
  virtual void FindTime(uint64_t queue, uint64_t first, uint64_t end, int64_t time_us, Done<uint64_t> done) = 0;
  // The first sequence in [first, end) from which on the messages have at most `bytes_max` bytes; end if none.
  virtual void FindBytes(uint64_t queue, uint64_t first, uint64_t end, uint64_t bytes_max, Done<uint64_t> done) = 0;
  // Bytes of the messages in [first, end).
  virtual void BytesOf(uint64_t queue, uint64_t first, uint64_t end, Done<uint64_t> done) = 0;

  // Gives up messages before `first`, which may be the end. With Sync::kNo they may be there again after a loss of
  // power. A write like others.
  virtual void Trim(uint64_t queue, uint64_t first, Sync sync, Caller caller, Written done) = 0;

  // NOT_FOUND if there is no such key. A read like others.
  virtual void Get(Table table, std::string key, Done<std::string> done) = 0;
  // The keys in [from, to) with their values, in order, up to `count_max`. An empty `to` is no bound. A read like
  // others.
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  virtual void Scan(Table table, std::string from, std::string to, uint64_t count_max, Done<Pairs> done) = 0;

  // Why nothing can be written; OK otherwise. At once.
  virtual absl::Status health() const = 0;
  // Waits until all that was asked for before has been answered. Not on a thread of the log's.
  virtual void Flush() = 0;
};

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_LOG_H_
