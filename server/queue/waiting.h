#ifndef NMQ_SERVER_QUEUE_WAITING_H_
#define NMQ_SERVER_QUEUE_WAITING_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/circular_buffer.h"

namespace nmq::broker {

// What came for a subscription in a queue and was not read yet, as far as its overflow policy has to know: which
// messages came while too many waited, or which keys have a later message. What the queue held before the subscription
// is not counted. Not thread-safe: the queue's mutex guards it.
class Waiting {
 public:
  // Messages that came one after another, as far as the subscription is concerned, and are all dropped.
  struct Run {
    uint64_t first;
    uint64_t last;
    uint64_t count;
  };

  // Up to `messages_max` wait; what comes meanwhile is dropped. At least 1.
  static Waiting DropNewest(uint64_t messages_max) { return Waiting(messages_max); }
  // Of each key only the latest is wanted.
  static Waiting KeepLatest() { return Waiting(0); }

  // Whether keys are to be known.
  bool by_key() const { return messages_max_ == 0; }
  // Whether the message is known to have come.
  bool Knows(uint64_t sequence) const { return sequence <= last_; }
  // A message came, later than all before. `key` is empty if it has none. What is before `first_wanted` is not held any
  // more, or was read.
  void Came(uint64_t sequence, absl::string_view key, uint64_t first_wanted);

  // The dropped messages that a message which is about to be read is one of; null if it is none. Sequences rise.
  const Run* DroppedAt(uint64_t sequence);
  // Whether a later message with its key came.
  bool Superseded(uint64_t sequence, absl::string_view key) const;

  // All before `next` is read, or told to be missing.
  void Passed(uint64_t next);
  // Everything is.
  void Clear();

  // Keys that are known.
  size_t keys() const { return latest_.size(); }
  // All runs that are not told yet, in order.
  const CircularBuffer<Run>& dropped() const { return dropped_; }
  // Those in [first, end) that wait and are not dropped.
  uint64_t CountIn(uint64_t first, uint64_t end) const;

 private:
  explicit Waiting(uint64_t messages_max);
  void Add(uint64_t sequence);
  void AddKey(uint64_t sequence, absl::string_view key, uint64_t first_wanted);

  uint64_t messages_max_;  // 0 if keys count
  uint64_t last_ = 0;      // the last one that came
  CircularBuffer<uint64_t> waiting_;
  CircularBuffer<Run> dropped_;                        // at least one message waits between two of them
  absl::flat_hash_map<std::string, uint64_t> latest_;  // by key, and perhaps some that do not wait any more
  size_t sweep_at_;                                    // keys at which those are looked for
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_WAITING_H_
