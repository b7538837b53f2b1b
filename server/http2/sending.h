#ifndef NMQ_SERVER_HTTP2_SENDING_H_
#define NMQ_SERVER_HTTP2_SENDING_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "server/http2/framing.h"
#include "server/http2/stream.h"

namespace nmq::http2 {

// The streams of a connection of whose bodies something is on its way to the system. For one thread at a time.
class Sending {
 public:
  void Add(Stream* stream, int32_t number) {
    if (!std::exchange(stream->unsent_, true)) numbers_.push_back(number);
  }
  // Tells those that are left, for the system has taken everything. They may be added again meanwhile.
  void Tell(const Framing& framing) {
    std::vector<int32_t> numbers;
    numbers.swap(numbers_);
    for (const int32_t number : numbers) {
      Stream* const stream = framing.Find(number);
      if (stream != nullptr && std::exchange(stream->unsent_, false)) stream->OnSent();
    }
    if (!numbers_.empty()) return;
    numbers.clear();
    numbers_.swap(numbers);  // with its memory
  }

 private:
  std::vector<int32_t> numbers_;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_SENDING_H_
