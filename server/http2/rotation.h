#ifndef NMQ_SERVER_HTTP2_ROTATION_H_
#define NMQ_SERVER_HTTP2_ROTATION_H_

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/container/btree_set.h"

namespace nmq::http2 {

// Those that wait for a turn of one thread, in three lines: those for whom something has come, and newcomers for whom
// something has come, in the order in which it did; and those that a turn has left with work, the one that has done
// least of it first. So a busy one takes turns from others that are busy, too, and from those that are not it takes
// none. For one thread at a time.
template <typename T>
class Rotation {
 public:
  class Entry {
   public:
    explicit Entry(T* owner) : owner_(owner) {}
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    T* owner() const { return owner_; }
    // What has come, as Add was told, since this was last asked.
    uint32_t TakeEvents() { return std::exchange(events_, 0); }

   private:
    friend class Rotation;
    enum class Line : uint8_t { kNone, kFresh, kNew, kLeft };

    T* const owner_;
    Entry* before_ = nullptr;  // in a line by time
    Entry* after_ = nullptr;
    uint64_t done_ = 0;
    uint64_t number_ = 0;
    uint32_t events_ = 0;
    Line line_ = Line::kNone;
  };

  // These events have come for it. It must be removed before its end.
  void Add(Entry* entry, uint32_t events) { AddTo(Line::kFresh, entry, events); }
  // The same for a newcomer.
  void AddNew(Entry* entry, uint32_t events) { AddTo(Line::kNew, entry, events); }
  // It has work left.
  void AddLeft(Entry* entry) {
    if (entry->line_ == Line::kLeft) return;
    Remove(entry);
    entry->line_ = Line::kLeft;
    // Who had nothing to do for a while has no more claim than others for that.
    entry->done_ = std::max(entry->done_, least_done_);
    entry->number_ = ++numbers_;
    left_.insert({{entry->done_, entry->number_}, entry});
  }
  void Remove(Entry* entry) {
    if (entry->line_ == Line::kLeft) left_.erase({{entry->done_, entry->number_}, entry});
    if (entry->line_ == Line::kFresh || entry->line_ == Line::kNew) {
      ByTime& line = entry->line_ == Line::kNew ? new_ : fresh_;
      (entry->before_ == nullptr ? line.first : entry->before_->after_) = entry->after_;
      (entry->after_ == nullptr ? line.last : entry->after_->before_) = entry->before_;
      entry->before_ = entry->after_ = nullptr;
    }
    entry->line_ = Line::kNone;
  }

  bool has_fresh() const { return fresh_.first != nullptr; }
  bool has_new() const { return new_.first != nullptr; }
  bool has_left() const { return !left_.empty(); }
  // Takes the first of a line, which is not empty, out of it.
  Entry* TakeFresh() { return Take(fresh_.first); }
  Entry* TakeNew() { return Take(new_.first); }
  Entry* TakeLeft() {
    Entry* const entry = left_.begin()->second;
    least_done_ = entry->done_;
    return Take(entry);
  }
  // One that was left with work has done so much of it, and is left with more or not.
  void Charge(Entry* entry, uint64_t work) {
    const bool left = entry->line_ == Line::kLeft;
    if (left) Remove(entry);
    entry->done_ += work;
    if (left) AddLeft(entry);
  }

 private:
  using Line = typename Entry::Line;
  struct ByTime {
    Entry* first = nullptr;
    Entry* last = nullptr;
  };

  void AddTo(Line at, Entry* entry, uint32_t events) {
    entry->events_ |= events;
    if (entry->line_ != Line::kNone) return;
    ByTime& line = at == Line::kNew ? new_ : fresh_;
    entry->line_ = at;
    entry->before_ = line.last;
    (line.last == nullptr ? line.first : line.last->after_) = entry;
    line.last = entry;
  }
  Entry* Take(Entry* entry) {
    Remove(entry);
    return entry;
  }

  ByTime fresh_;
  ByTime new_;
  // By what they have done, and then in the order in which they came.
  absl::btree_set<std::pair<std::pair<uint64_t, uint64_t>, Entry*>> left_;
  uint64_t least_done_ = 0;  // by the one that was taken last
  uint64_t numbers_ = 0;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_ROTATION_H_
