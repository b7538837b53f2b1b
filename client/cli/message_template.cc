#include "client/cli/message_template.h"

#include <utility>

#include "client/cpp/client.h"

namespace nmq {
namespace cli {

v1::Message MakeTemplate(const Arguments& arguments) {
  v1::Message message;
  message.set_queue(arguments.queue);
  message.set_event(arguments.event);
  for (const auto& [name, value] : arguments.headers) (*message.mutable_headers())[name] = value;
  message.set_key(arguments.key);
  message.set_content_type(arguments.content_type);
  v1::Audience audience;
  audience.mutable_rooms()->Add(arguments.rooms.begin(), arguments.rooms.end());
  audience.mutable_clients()->Add(arguments.clients.begin(), arguments.clients.end());
  audience.mutable_except_rooms()->Add(arguments.except_rooms.begin(), arguments.except_rooms.end());
  audience.mutable_except_clients()->Add(arguments.except_clients.begin(), arguments.except_clients.end());
  if (audience.ByteSizeLong() > 0) *message.mutable_audience() = std::move(audience);
  return message;
}

void SetTimes(const Arguments& arguments, absl::Time now, v1::Message* message) {
  if (arguments.delay > absl::ZeroDuration()) DeliverAt(now + arguments.delay, message);
  if (arguments.expire_in > absl::ZeroDuration()) ExpireAt(now + arguments.expire_in, message);
}

}  // namespace cli
}  // namespace nmq
