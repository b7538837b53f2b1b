#ifndef NMQ_TESTS_BENCH_NMQ_STAMPED_MESSAGES_H_
#define NMQ_TESTS_BENCH_NMQ_STAMPED_MESSAGES_H_

#include <cstdint>
#include <vector>

#include "client/cpp/client.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/harness/payload.h"

namespace nmq::bench {

// A publisher's messages, one for each destination, that are stamped over and over.
class StampedMessages {
 public:
  template <typename Spec>
  explicit StampedMessages(const Spec& spec) {
    for (const Destination& destination : spec.destinations) {
      messages_.push_back(nmq::MakeMessage(spec.queue, destination.event, MakePayload({}, spec.payload_bytes)));
      if (!destination.room.empty()) messages_.back().mutable_audience()->add_rooms(destination.room);
    }
  }

  const nmq::Message& Next(int64_t now) {
    nmq::Message& message = messages_[number_ % messages_.size()];
    WriteStamp({now, 0, number_++}, message.mutable_payload()->data());
    return message;
  }

 private:
  std::vector<nmq::Message> messages_;
  uint64_t number_ = 0;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_STAMPED_MESSAGES_H_
