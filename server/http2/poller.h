#ifndef NMQ_SERVER_HTTP2_POLLER_H_
#define NMQ_SERVER_HTTP2_POLLER_H_

#include <sys/epoll.h>

#include <array>
#include <cstdint>

#include "absl/types/span.h"

namespace nmq::http2 {

// Waits for what a loop waits for: descriptors, each with a watch, and Interrupt, which any thread may call; all else
// is for one thread at a time.
class Poller {
 public:
  // That there is something to read, or that the descriptor is broken or its peer has gone, which reading tells.
  static constexpr uint32_t kReadable = 1;
  // That something can be written.
  static constexpr uint32_t kWritable = 2;
  // What has come for the owner of a watch.
  struct Event {
    void* owner;
    uint32_t what;
  };
  class Watch;

  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // False if the system has not what it needs.
  bool ok() const { return epoll_ >= 0 && waker_ >= 0; }

  // Waits until something has come, or for so long, or without end if that is negative. What has come is valid until
  // the next call; what a watch awaits comes in each call for as long as it is there.
  absl::Span<const Event> Wait(int patience_ms);
  // Ends Wait, or the next one.
  void Interrupt();
  // Whether the last Wait was.
  bool interrupted() const { return interrupted_; }

 private:
  // Events of one Wait; more come in the next.
  static constexpr int kEventsMax = 256;

  int epoll_ = -1;
  int waker_ = -1;  // readable when it is interrupted
  bool interrupted_ = false;
  std::array<Event, kEventsMax> events_;
};

// What its owner awaits of a descriptor: at first, that it is readable. That it breaks comes in any case, as readable.
// It must end before the poller does, and before the descriptor is closed.
class Poller::Watch {
 public:
  Watch(Poller* poller, int descriptor, void* owner);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // False if the system has no room for it: nothing will come.
  bool ok() const { return ok_; }
  void Await(bool readable, bool writable);

 private:
  Poller* const poller_;
  const int descriptor_;
  void* const owner_;
  bool ok_;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_POLLER_H_
