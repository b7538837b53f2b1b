#ifndef NMQ_SERVER_HTTP2_STREAM_LIST_H_
#define NMQ_SERVER_HTTP2_STREAM_LIST_H_

#include <cstddef>

#include "absl/time/time.h"
#include "server/http2/stream.h"

namespace nmq::http2 {

// The streams of one connection, and since when it has had none. Nothing is allocated. For one thread at a time; times
// are of the monotonic clock.
class StreamList {
 public:
  explicit StreamList(absl::Duration now) : idle_since_(now) {}
  StreamList(const StreamList&) = delete;
  StreamList& operator=(const StreamList&) = delete;

  // It must be removed before its end.
  void Add(Stream* stream) {
    stream->next_ = first_;
    if (first_ != nullptr) first_->before_ = stream;
    first_ = stream;
    used_ = true;
    ++size_;
  }
  void Remove(Stream* stream, absl::Duration now) {
    (stream->before_ == nullptr ? first_ : stream->before_->next_) = stream->next_;
    if (stream->next_ != nullptr) stream->next_->before_ = stream->before_;
    stream->before_ = stream->next_ = nullptr;
    if (--size_ == 0) idle_since_ = now;
  }

  // Tells all but `from` that it sends what can wait; none may be added or removed meanwhile.
  void Pulse(const Stream* from) const {
    for (Stream* stream = first_; stream != nullptr; stream = stream->next_) {
      if (stream != from) stream->OnPulse();
    }
  }
  // Any of them; null if there is none.
  Stream* first() const { return first_; }
  size_t size() const { return size_; }
  // It has had a stream.
  bool used() const { return used_; }
  // For how long it has had none; zero while it has one.
  absl::Duration IdleFor(absl::Duration now) const { return size_ > 0 ? absl::ZeroDuration() : now - idle_since_; }
  // Of two that are idle, whether this one is to go first: never had a stream, or has had none for longer.
  bool IsMoreSpareThan(const StreamList& other) const {
    return used_ != other.used_ ? other.used_ : idle_since_ < other.idle_since_;
  }

 private:
  Stream* first_ = nullptr;
  size_t size_ = 0;
  absl::Duration idle_since_;  // while it is empty
  bool used_ = false;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_STREAM_LIST_H_
