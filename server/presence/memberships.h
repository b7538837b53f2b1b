#ifndef NMQ_SERVER_PRESENCE_MEMBERSHIPS_H_
#define NMQ_SERVER_PRESENCE_MEMBERSHIPS_H_

#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "base/circular_buffer.h"
#include "base/mutex.h"

namespace nmq::broker {

// Which rooms a client is in, and was in while messages from that time may still be held. Times are stamps: the
// namespace's count of joins, leaves and publishes. A client is always a member of its own number. Thread-safe.
class Memberships {
 public:
  explicit Memberships(uint64_t self) : self_(self) {}

  void Join(uint64_t room, uint64_t stamp);

  // With `keep`, the client stays known as a member for messages from before `stamp`, until Forget.
  void Leave(uint64_t room, uint64_t stamp, int64_t now_us, bool keep);

  // Forgets rooms that were left before `time_us`, when no message from then is held any more.
  void Forget(int64_t time_us);

  // Whether the client was a member of `id`, a room or a client, when `stamp` was given out.
  bool Contains(uint64_t id, uint64_t stamp) const;

  // When the client joined a room that it is in; 0 if it is not in it.
  uint64_t JoinStamp(uint64_t room) const;

  // Rooms that it is in or that are kept.
  size_t size() const;

 private:
  // A time in a room that is over: from `joined` up to, but without, `left`.
  struct Stay {
    uint64_t joined;
    uint64_t left;
  };
  struct Left {
    int64_t time_us;
    uint64_t room;
  };

  const uint64_t self_;
  mutable Mutex mu_;  // a leaf: nothing is locked under it
  absl::flat_hash_map<uint64_t, uint64_t> joined_ ABSL_GUARDED_BY(mu_);
  // Each room's in the order of time.
  absl::flat_hash_map<uint64_t, CircularBuffer<Stay>> past_ ABSL_GUARDED_BY(mu_);
  CircularBuffer<Left> left_ ABSL_GUARDED_BY(mu_);  // one for each stay, in the order of leaving
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_PRESENCE_MEMBERSHIPS_H_
