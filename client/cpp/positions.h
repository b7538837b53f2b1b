// How far a subscription has come in each queue.
#ifndef NMQ_CLIENT_CPP_POSITIONS_H_
#define NMQ_CLIENT_CPP_POSITIONS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "client/cpp/options.h"

namespace nmq {
inline namespace client {
namespace internal {

// Follows the frames of a subscription over all its streams, tells what was there before, and says where to go on.
// One thread calls the functions that begin with On, any thread the others. A message that is the next one of its queue
// takes no lock.
class Positions {
 public:
  enum class Arrival {
    kNew,
    // It was handed on before.
    kKnown,
    // New, in an epoch that no gap announced: the rest of the old one is lost.
    kNewEpoch,
  };

  // A `ready` of the first stream, which was asked to begin at `start`.
  void OnFirstReady(const v1::Ready& ready, const v1::StartPosition& start);

  // A `ready` of a stream that was asked to go on at Resume(). Moves nothing that was asked for: the gap or message
  // that tells of it has yet to come, and the stream may break before.
  void OnResumedReady(const v1::Ready& ready);

  // A message or a heartbeat's position. For kNewEpoch, sets `lost` to what is missing.
  Arrival OnPosition(const std::string& queue, uint64_t epoch, uint64_t sequence, Gap* lost);

  // False if the gap was handed on before.
  bool OnGap(const Gap& gap);

  // Where to go on.
  v1::StartPosition Resume() const;
  std::vector<v1::QueuePosition> List() const;

 private:
  // Changed with mu_ held, except for `sequence`; only the thread that changes it reads it without.
  struct Entry {
    std::string queue;
    uint64_t epoch = 0;
    std::atomic<uint64_t> sequence = 0;
    // A gap has said that `epoch` is over.
    bool over = false;
    // The place in another epoch that `ready` named; 0 if none.
    uint64_t next_epoch = 0;
    uint64_t next_sequence = 0;
  };

  // For the thread that changes: it needs no lock to read.
  Entry* Find(const std::string& queue) ABSL_NO_THREAD_SAFETY_ANALYSIS;
  Arrival OnOtherPosition(const std::string& queue, uint64_t epoch, uint64_t sequence, Gap* lost)
      ABSL_LOCKS_EXCLUDED(mu_);
  Entry* Add(const std::string& queue, uint64_t epoch, uint64_t sequence) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Move(Entry* entry, uint64_t epoch, uint64_t sequence) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable Mutex mu_;
  absl::flat_hash_map<std::string, std::unique_ptr<Entry>> entries_ ABSL_GUARDED_BY(mu_);
  // Neighbouring messages mostly are of one queue. Only for the thread that changes.
  Entry* last_ = nullptr;
};

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_POSITIONS_H_
