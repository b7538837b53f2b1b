#ifndef NMQ_SERVER_MESSAGE_DEAD_LETTER_H_
#define NMQ_SERVER_MESSAGE_DEAD_LETTER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq::broker {

// Why a message became a dead letter.
struct Death {
  std::string group;
  uint64_t sequence;  // in its queue
  uint32_t attempts;
  std::string reason;
  absl::Time time;
};

// The message of an entry (see entry.h) as it is published to the queue of dead letters, with its publisher.
v1::Message ToDeadLetter(absl::string_view entry, const Death& death, const std::string& dead_letters);

// The other way round: a dead letter as it is published to the queue that it came from, without a publisher.
void FromDeadLetter(v1::Message* message);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_MESSAGE_DEAD_LETTER_H_
