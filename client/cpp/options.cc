#include "client/cpp/options.h"

namespace nmq {
inline namespace client {

v1::StartPosition StartNew() { return {}; }

v1::StartPosition StartEarliest() {
  v1::StartPosition start;
  start.set_earliest(true);
  return start;
}

v1::StartPosition StartLast(uint64_t messages) {
  v1::StartPosition start;
  start.set_last(messages);
  return start;
}

v1::StartPosition StartAtSequence(uint64_t sequence) {
  v1::StartPosition start;
  start.set_sequence(sequence);
  return start;
}

v1::StartPosition StartAfter(const std::vector<v1::QueuePosition>& positions) {
  v1::StartPosition start;
  start.mutable_resume()->mutable_positions()->Add(positions.begin(), positions.end());
  return start;
}

Message MakeMessage(absl::string_view queue, absl::string_view event, absl::string_view payload) {
  Message message;
  message.set_queue(queue.data(), queue.size());
  message.set_event(event.data(), event.size());
  message.set_payload(payload.data(), payload.size());
  return message;
}

}  // namespace client
}  // namespace nmq
