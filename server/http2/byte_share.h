#ifndef NMQ_SERVER_HTTP2_BYTE_SHARE_H_
#define NMQ_SERVER_HTTP2_BYTE_SHARE_H_

#include <algorithm>
#include <cstdint>
#include <deque>

namespace nmq::http2 {

// So many bytes may be used at once; streams that need some when there are not enough wait in line. For one thread at a
// time.
class ByteShare {
 public:
  // A stream that waits in line; it must leave before its end.
  class Waiter {
   public:
    // What it waits for is taken for it. It may enter and leave, but not give back.
    virtual void OnTurn() = 0;

   protected:
    ~Waiter() = default;
  };

  explicit ByteShare(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // Takes the bytes, or puts `waiter` in line for them. More than the whole share is given when nobody else has any.
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

#endif  // NMQ_SERVER_HTTP2_BYTE_SHARE_H_
