#ifndef NMQ_SERVER_HTTP2_RECEIVE_SHARE_H_
#define NMQ_SERVER_HTTP2_RECEIVE_SHARE_H_

#include <algorithm>
#include <cstdint>
#include <deque>

namespace nmq::http2 {

// What the streams of one connection may receive at once of messages that do not come in one piece; the others wait in
// line, so that a connection whose messages never end leaves the server's memory to others. For one thread at a time.
class ReceiveShare {
 public:
  // A stream that waits in line; it must leave before its end.
  class Waiter {
   public:
    // What it waits for is taken for it. It may enter and leave, but not give back.
    virtual void OnTurn() = 0;

   protected:
    ~Waiter() = default;
  };

  explicit ReceiveShare(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // Takes the bytes for a message, or puts `waiter` in line for them. A message that is larger than the share is
  // received alone.
  bool Enter(Waiter* waiter, uint64_t bytes) {
    if (line_.empty() && Fits(bytes)) {
      taken_ += bytes;
      return true;
    }
    line_.push_back({waiter, bytes});
    return false;
  }
  // It waits no more, if it did.
  void Leave(Waiter* waiter) {
    std::erase_if(line_, [waiter](const Place& place) { return place.waiter == waiter; });
    Serve();
  }
  void GiveBack(uint64_t bytes) {
    taken_ -= bytes;
    Serve();
  }
  uint64_t taken() const { return taken_; }

 private:
  struct Place {
    Waiter* waiter;
    uint64_t bytes;
  };

  bool Fits(uint64_t bytes) const { return taken_ == 0 || taken_ + bytes <= bytes_max_; }
  void Serve() {
    while (!line_.empty() && Fits(line_.front().bytes)) {
      const Place place = line_.front();
      line_.pop_front();
      taken_ += place.bytes;
      place.waiter->OnTurn();
    }
  }

  const uint64_t bytes_max_;
  uint64_t taken_ = 0;
  std::deque<Place> line_;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_RECEIVE_SHARE_H_
