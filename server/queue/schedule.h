#ifndef NMQ_SERVER_QUEUE_SCHEDULE_H_
#define NMQ_SERVER_QUEUE_SCHEDULE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "nmq/storage/v1/storage.pb.h"
#include "server/log/batch.h"
#include "server/log/log.h"
#include "server/log/ring.h"

namespace nmq::broker {

// What waits in the schedules of a namespace together. Thread-safe.
struct ScheduleTotal {
  explicit ScheduleTotal(std::atomic<uint64_t>* all_bytes) : bytes(all_bytes) {}
  std::atomic<uint64_t> messages{0};
  std::atomic<uint64_t>* const bytes;  // those in memory, of all namespaces; outlives this
};

// The messages of one queue that wait for their time. Those of a queue on disk are in the store, and here is only when
// each is due; those of a live queue are here. Whoever adds messages has reserved room for them. Thread-safe; its mutex
// is a leaf.
class Schedule {
 public:
  // Where a message waits: in the order of time, and then of coming.
  struct Place {
    int64_t due_us = 0;  // since 1970
    uint64_t number = 0;
    bool operator<(const Place& other) const {
      return std::make_pair(due_us, number) < std::make_pair(other.due_us, other.number);
    }
  };
  struct Item {
    Place place;
    std::string bytes;  // an encoded nmq.storage.v1.Scheduled; empty if it is in the store
  };

  // The bytes that wait in memory count in `rings`, too. `total`, `rings` and `log` must outlive the schedule;
  // `log` is null for a live queue, whose messages are kept here.
  Schedule(ScheduleTotal* total, log::RingTotal* rings, log::Log* log, uint64_t queue)
      : total_(total), rings_(rings), log_(log), queue_(queue) {}
  ~Schedule();
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  // Finds what the store has.
  absl::Status Load() ABSL_LOCKS_EXCLUDED(mu_);

  Place NewPlace(int64_t due_us) { return {due_us, last_number_.fetch_add(1, std::memory_order_relaxed) + 1}; }
  // Puts a message into the store with `batch`, or takes it out.
  void Put(const Place& place, absl::string_view bytes, log::Batch* batch) const;
  void Delete(const Place& place, log::Batch* batch) const;

  // The message waits. False if the schedule is closed: then the message is not there, and its room still reserved.
  bool Add(Item item) ABSL_LOCKS_EXCLUDED(mu_);
  // The queue is deleted: what waits goes, with its room, and nothing waits any more.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);
  // Takes out the first messages that are due, up to `count_max`. They count until Done, or Return, which puts one
  // back.
  std::vector<Item> TakeDue(int64_t now_us, size_t count_max) ABSL_LOCKS_EXCLUDED(mu_);
  void Done(const Item& item) ABSL_LOCKS_EXCLUDED(mu_);
  void Return(Item item) ABSL_LOCKS_EXCLUDED(mu_);

  // Reads what waits there. `done` is called once: here, or on a thread of the log's. NOT_FOUND if the log has it no
  // more.
  using ReadDone = std::function<void(absl::StatusOr<storage::v1::Scheduled>)>;
  void Read(const Item& item, ReadDone done) const;

  // Messages that wait.
  uint64_t size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  ScheduleTotal* const total_;
  log::RingTotal* const rings_;
  log::Log* const log_;
  const uint64_t queue_;  // its number in the store
  std::atomic<uint64_t> last_number_{0};
  mutable Mutex mu_;  // a leaf: nothing is locked under it
  absl::btree_map<Place, std::string> waiting_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t taken_ ABSL_GUARDED_BY(mu_) = 0;  // messages that were taken and are not done
  uint64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;  // of all that count
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_SCHEDULE_H_
