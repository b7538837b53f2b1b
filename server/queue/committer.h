#ifndef NMQ_SERVER_QUEUE_COMMITTER_H_
#define NMQ_SERVER_QUEUE_COMMITTER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "server/log/batch.h"
#include "server/log/log.h"
#include "server/metrics/metrics.h"
#include "server/queue/lane.h"
#include "server/queue/queue.h"

namespace nmq::broker {

// Puts messages into durable queues: a thread that writes to disk all that has gathered while it wrote before, with one
// sync for all, and only then lets subscribers hear it and publishers know. Thread-safe.
class Committer {
 public:
  // Messages that are taken together or not at all, grouped by queue. Live queues may be among them.
  struct Job {
    struct PerQueue {
      std::shared_ptr<Queue> queue;
      std::vector<Queue::Outgoing> messages;  // their views refer to `storage`
      Queue::Appended appended;               // set when done
    };
    std::string storage;
    std::vector<PerQueue> queues;
    std::string publisher;
    bool count_matches = false;
    std::optional<uint64_t> expected_last;  // sequence; only for one message
    // Set if it is one message that is a question: it is refused if nobody hears it, and `heard` is set when done.
    std::string reply_to;
    Queue::Heard heard;
    uint64_t bytes = 0;
    // Whether the write is synced, whatever its queues ask for. A job may be only what `along` adds.
    bool synced = false;
    // Adds what is to be written together with the messages, all or none; may be empty. Called on the committer's
    // thread.
    std::function<void(log::Batch*)> along;
    // Called once, on the committer's thread, without any lock.
    std::function<void(const absl::Status&, Job*)> done;
  };

  struct Bounds {
    uint64_t unwritten;  // bytes of jobs that wait
    uint64_t commit;     // of those that are written together, but at least one: meanwhile they exist several times
  };
  // `clock`, `lanes` and `metrics` must outlive the committer.
  Committer(log::Log* log, const Clock* clock, absl::Span<const std::unique_ptr<Lane>> lanes, const Bounds& bounds,
            Metrics* metrics);
  // Does what was submitted.
  ~Committer();

  // RESOURCE_EXHAUSTED, with a time to try again, if too much waits already; the job is not done then, and `done` not
  // called.
  absl::Status Submit(std::unique_ptr<Job> job) ABSL_LOCKS_EXCLUDED(mu_);

  // Bytes that wait to be written.
  uint64_t unwritten_bytes() const ABSL_LOCKS_EXCLUDED(mu_);

  // Calls `done` once everything that was submitted before is done, whatever is submitted later: on the committer's
  // thread, without any lock. For those who must not block.
  void CallAfter(std::function<void()> done) ABSL_LOCKS_EXCLUDED(mu_);
  // Waits for the same. Not on the committer's thread.
  void Flush() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Jobs = std::vector<std::unique_ptr<Job>>;

  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  // Waits a part of a sync's time for those whose messages were on their way at the last one: whoever was answered then
  // often publishes again at once, and shares the next sync if it waits for him. Nobody waits if there was only one,
  // and seldom where it proves in vain.
  void Gather() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The next jobs, as many as may be written together.
  Jobs Take() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Write(log::Batch* batch, log::Sync sync, size_t jobs, uint64_t messages) ABSL_LOCKS_EXCLUDED(mu_);
  void Commit(const Jobs& jobs) ABSL_LOCKS_EXCLUDED(mu_);
  void Finish(Job* job, std::vector<Queue::Prepared>* prepared);

  log::Log* const log_;
  const Clock* const clock_;
  const absl::Span<const std::unique_ptr<Lane>> lanes_;
  const Bounds bounds_;
  Metrics* const metrics_;
  mutable Mutex mu_;  // a leaf: nothing is locked under it
  CondVar changed_;
  std::deque<std::unique_ptr<Job>> waiting_ ABSL_GUARDED_BY(mu_);
  bool left_ ABSL_GUARDED_BY(mu_) = false;   // the first of them did not fit into the last write
  uint64_t taken_ ABSL_GUARDED_BY(mu_) = 0;  // jobs that were ever taken out of waiting_
  // To be called when so many jobs are done; in this order.
  std::deque<std::pair<uint64_t, std::function<void()>>> after_ ABSL_GUARDED_BY(mu_);
  uint64_t unwritten_ ABSL_GUARDED_BY(mu_) = 0;
  size_t wanted_ ABSL_GUARDED_BY(mu_) = 1;              // jobs for which the thread is woken
  size_t in_flight_ ABSL_GUARDED_BY(mu_) = 0;           // jobs that were there when the last write was done
  absl::Duration sync_time_ ABSL_GUARDED_BY(mu_) = {};  // of the last write; zero if it had none
  int gather_pause_ ABSL_GUARDED_BY(mu_) = 0;           // writes that do not wait
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_COMMITTER_H_
