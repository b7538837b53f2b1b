#include "client/cpp/options.h"

#include <cstdlib>

#include "base/proto_time.h"

namespace nmq {
inline namespace client {

ClientOptions OptionsFromEnvironment() {
  constexpr struct {
    const char* name;
    std::string ClientOptions::*member;
  } kVariables[] = {{"NMQ_SERVER", &ClientOptions::server},  {"NMQ_NAMESPACE", &ClientOptions::namespace_name},
                    {"NMQ_TOKEN", &ClientOptions::token},    {"NMQ_TOKEN_FILE", &ClientOptions::token_file},
                    {"NMQ_TLS_CA", &ClientOptions::tls_ca},  {"NMQ_TLS_CERTIFICATE", &ClientOptions::tls_certificate},
                    {"NMQ_TLS_KEY", &ClientOptions::tls_key}};
  ClientOptions options;
  for (const auto& [name, member] : kVariables) {
    const char* const value = getenv(name);
    if (value != nullptr && *value != '\0') options.*member = value;
  }
  return options;
}

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

void DeliverAt(absl::Time time, Message* message) { SetTime(time, message->mutable_deliver_at()); }

void ExpireAt(absl::Time time, Message* message) { SetTime(time, message->mutable_expire_at()); }

namespace {

v1::Acknowledgement Of(const Message& message) {
  v1::Acknowledgement acknowledgement;
  acknowledgement.set_first(message.sequence());
  acknowledgement.set_delivery(message.delivery());
  return acknowledgement;
}

}  // namespace

v1::Acknowledgement Done(const Message& message) {
  v1::Acknowledgement acknowledgement = Of(message);
  acknowledgement.set_done(true);
  return acknowledgement;
}

v1::Acknowledgement DoneRange(const Message& first, const Message& last) {
  v1::Acknowledgement acknowledgement = Done(first);
  acknowledgement.set_last(last.sequence());
  return acknowledgement;
}

v1::Acknowledgement RetryAfter(const Message& message, absl::Duration time) {
  v1::Acknowledgement acknowledgement = Of(message);
  SetDuration(time, acknowledgement.mutable_retry_after());
  return acknowledgement;
}

v1::Acknowledgement Extend(const Message& message, absl::Duration time) {
  v1::Acknowledgement acknowledgement = Of(message);
  SetDuration(time, acknowledgement.mutable_extend());
  return acknowledgement;
}

v1::Acknowledgement Terminate(const Message& message, absl::string_view reason) {
  v1::Acknowledgement acknowledgement = Of(message);
  acknowledgement.set_terminate(std::string(reason));
  return acknowledgement;
}

}  // namespace client
}  // namespace nmq
