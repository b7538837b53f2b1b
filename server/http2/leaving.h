#ifndef NMQ_SERVER_HTTP2_LEAVING_H_
#define NMQ_SERVER_HTTP2_LEAVING_H_

#include <cstdint>

#include "absl/time/time.h"

namespace nmq::http2 {

// How far a connection has got in telling its peer that it takes no more requests: first a notice, then, when the peer
// has answered it or a moment is over, which request was the last. Nothing is undone. For one thread at a time; times
// are of the monotonic clock.
class Leaving {
 public:
  // For the peer to learn of the notice, and for the requests that it has sent before it knew to arrive.
  static constexpr absl::Duration kNotice = absl::Milliseconds(250);

  // The notice is to be given; false if it leaves already.
  bool Begin(absl::Duration now) {
    if (step_ != Step::kNo) return false;
    step_ = Step::kNoticed;
    noticed_ = now;
    return true;
  }
  // The last is to be told without waiting any more; false if it has been told.
  bool Hurry() {
    if (step_ == Step::kToldLast) return false;
    step_ = Step::kTellLast;
    return true;
  }
  // True if the last is to be told now: the peer has answered the notice, or has had the time to.
  bool OnNoticed() { return step_ == Step::kNoticed && Hurry(); }
  bool OnTick(absl::Duration now) { return now - noticed_ >= kNotice && OnNoticed(); }
  // To be called right before something is sent: true once, when the last is to be told.
  bool TellLast() {
    if (step_ != Step::kTellLast) return false;
    step_ = Step::kToldLast;
    return true;
  }
  bool leaves() const { return step_ != Step::kNo; }

 private:
  enum class Step : uint8_t { kNo, kNoticed, kTellLast, kToldLast };

  Step step_ = Step::kNo;
  absl::Duration noticed_;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_LEAVING_H_
