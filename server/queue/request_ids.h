#ifndef NMQ_SERVER_QUEUE_REQUEST_IDS_H_
#define NMQ_SERVER_QUEUE_REQUEST_IDS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "base/circular_buffer.h"

namespace nmq::broker {

// The request ids of a queue's latest messages, and the sequences that those got: for `window_us`, and for `count_max`
// ids at the most; then the oldest are forgotten before their time. An id costs its bytes and about 50 more; a table
// that was never used costs nothing but itself.
//
// Times are microseconds of any one clock. Not thread-safe. Stays where it was made.
class RequestIds {
 public:
  RequestIds(int64_t window_us, uint64_t count_max);
  RequestIds(const RequestIds&) = delete;
  RequestIds& operator=(const RequestIds&) = delete;

  // The sequence that the id's message got, if that is not too long ago.
  std::optional<uint64_t> Find(absl::string_view id, int64_t now_us) const;

  // Notes what became of an id that Find did not find. Forgets what is too old.
  void Add(absl::string_view id, uint64_t sequence, int64_t now_us);

  // The same for messages that are read again at the start, the oldest first. The last message of an id counts.
  void Restore(absl::string_view id, uint64_t sequence, int64_t time_us) { Add(id, sequence, time_us); }

  // Forgets what is too old.
  void Trim(int64_t now_us);

  // Forgets the ids of messages from sequence `first` on, the last that were added: they did not become messages.
  void TakeBack(uint64_t first);

  // Forgets everything.
  void Clear();

  // The sequence of the last message whose id was forgotten; 0 if none was. The ids of those before it are forgotten,
  // too.
  uint64_t forgotten() const { return forgotten_; }

  size_t size() const { return index_.size(); }

 private:
  struct Entry {
    absl::string_view id() const { return {bytes.get(), size}; }

    std::unique_ptr<char[]> bytes;
    uint32_t size = 0;
    uint64_t sequence = 0;
    int64_t time_us = 0;
  };
  // The index has running numbers, which stand for the ids of their entries.
  struct Hash {
    using is_transparent = void;
    const RequestIds* ids;
    size_t operator()(absl::string_view id) const { return absl::Hash<absl::string_view>()(id); }
    size_t operator()(uint64_t number) const { return (*this)(ids->at(number).id()); }
  };
  struct Eq {
    using is_transparent = void;
    const RequestIds* ids;
    bool operator()(uint64_t a, uint64_t b) const { return a == b; }
    bool operator()(uint64_t number, absl::string_view id) const { return ids->at(number).id() == id; }
    bool operator()(absl::string_view id, uint64_t number) const { return (*this)(number, id); }
  };

  const Entry& at(uint64_t number) const { return entries_[number - first_]; }
  bool IsOver(const Entry& entry, int64_t now_us) const { return entry.time_us + window_us_ <= now_us; }
  void PopFront();

  const int64_t window_us_;
  const uint64_t count_max_;
  CircularBuffer<Entry> entries_;  // the oldest first
  uint64_t first_ = 0;             // the running number of the first entry
  uint64_t forgotten_ = 0;
  absl::flat_hash_set<uint64_t, Hash, Eq> index_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_REQUEST_IDS_H_
