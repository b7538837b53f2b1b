#ifndef NMQ_SERVER_HTTP2_AGE_LIST_H_
#define NMQ_SERVER_HTTP2_AGE_LIST_H_

#include <cstddef>

#include "absl/time/time.h"

namespace nmq::http2 {

// Those that wait for something, the oldest first. Nothing is allocated: each has an entry of its own. For one thread
// at a time.
template <typename T>
class AgeList {
 public:
  class Entry {
   public:
    explicit Entry(T* owner) : owner_(owner) {}
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    T* owner() const { return owner_; }
    bool in() const { return in_; }
    // Since when it has been in.
    absl::Duration since() const { return since_; }

   private:
    friend class AgeList;
    T* const owner_;
    absl::Duration since_;
    Entry* older_ = nullptr;
    Entry* younger_ = nullptr;
    bool in_ = false;
  };

  // Makes it the youngest. `now`, of the monotonic clock, is never less than it was. It must be removed before its end.
  void Add(Entry* entry, absl::Duration now) {
    Remove(entry);
    entry->since_ = now;
    entry->in_ = true;
    entry->older_ = youngest_;
    (youngest_ == nullptr ? oldest_ : youngest_->younger_) = entry;
    youngest_ = entry;
    ++size_;
  }
  void Remove(Entry* entry) {
    if (!entry->in_) return;
    (entry->older_ == nullptr ? oldest_ : entry->older_->younger_) = entry->younger_;
    (entry->younger_ == nullptr ? youngest_ : entry->younger_->older_) = entry->older_;
    entry->older_ = entry->younger_ = nullptr;
    entry->in_ = false;
    --size_;
  }

  size_t size() const { return size_; }
  // Null if there is none.
  Entry* oldest() const { return oldest_; }

 private:
  Entry* oldest_ = nullptr;
  Entry* youngest_ = nullptr;
  size_t size_ = 0;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_AGE_LIST_H_
