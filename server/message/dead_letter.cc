#include "server/message/dead_letter.h"

#include "base/proto_time.h"
#include "server/message/entry.h"

namespace nmq::broker {
namespace {

// What the server says of a message once it is in a queue.
void ClearPlace(v1::Message* message) {
  message->clear_id();
  message->clear_epoch();
  message->clear_sequence();
  message->clear_publish_time();
}

}  // namespace

v1::Message ToDeadLetter(absl::string_view entry, const Death& death, const std::string& dead_letters) {
  v1::Message message;
  const absl::string_view bytes = MessageOf(entry);
  message.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()));
  v1::DeadLetter* origin = message.mutable_dead_letter();
  origin->set_queue(message.queue());
  origin->set_epoch(message.epoch());
  origin->set_sequence(death.sequence);
  origin->set_group(death.group);
  origin->set_attempts(death.attempts);
  origin->set_reason(death.reason);
  SetTime(death.time, origin->mutable_time());
  message.set_queue(dead_letters);
  ClearPlace(&message);
  message.clear_reply_to();
  message.clear_request_id();
  message.clear_deliver_at();
  message.clear_expire_at();
  return message;
}

void FromDeadLetter(v1::Message* message) {
  message->set_queue(message->dead_letter().queue());
  message->clear_dead_letter();
  ClearPlace(message);
  message->clear_publisher();
}

}  // namespace nmq::broker
