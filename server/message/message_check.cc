#include "server/message/message_check.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "base/names.h"

namespace nmq::broker {
namespace {

absl::Status CheckNames(const Limits& limits, absl::string_view field,
                        const google::protobuf::RepeatedPtrField<std::string>& names) {
  for (int i = 0; i < names.size(); ++i) {
    absl::Status status = CheckName(field, names.Get(i), limits.name_bytes);
    if (!status.ok()) return CheckName(absl::StrCat(field, "[", i, "]"), names.Get(i), limits.name_bytes);
  }
  return absl::OkStatus();
}

absl::Status CheckHeaders(const Limits& limits, const google::protobuf::Map<std::string, std::string>& headers) {
  if (headers.size() > limits.headers) return LimitExceeded("headers", headers.size(), limits.headers);
  for (const auto& [name, value] : headers) {
    if (name.empty()) return InvalidArgument("headers", "a header's name is empty");
    if (name.size() > limits.header_name_bytes) {
      return LimitExceeded("header_name_bytes", name.size(), limits.header_name_bytes, "headers");
    }
    if (value.size() > limits.header_value_bytes) {
      return LimitExceeded("header_value_bytes", value.size(), limits.header_value_bytes,
                           absl::StrCat("headers[", Quote(name), "]"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckContentType(const Limits& limits, absl::string_view content_type) {
  if (content_type.size() <= limits.header_value_bytes) return absl::OkStatus();
  return LimitExceeded("header_value_bytes", content_type.size(), limits.header_value_bytes, "content_type");
}

constexpr int64_t kSecondsMax = 253'402'300'799;  // the end of the year 9999

absl::Status CheckTime(absl::string_view field, const google::protobuf::Timestamp& time) {
  if (time.seconds() < 0 || time.seconds() > kSecondsMax || time.nanos() < 0 || time.nanos() >= 1'000'000'000) {
    return InvalidArgument(field, absl::StrCat(time.seconds(), " s and ", time.nanos(), " ns is not in 0 to ",
                                               kSecondsMax, " s, with 0 to 999999999 ns"));
  }
  return absl::OkStatus();
}

std::string Shown(int64_t time_us) {
  return absl::FormatTime(absl::RFC3339_full, absl::FromUnixMicros(time_us), absl::UTCTimeZone());
}

// The times that a message has. Few have any, so that few look at the clock.
absl::Status CheckTimes(const Limits& limits, const Clock& clock, const Incoming& incoming) {
  const v1::Message& message = *incoming.message;
  if (!message.has_deliver_at() && !message.has_expire_at()) return absl::OkStatus();
  absl::Status status = CheckTime("deliver_at", message.deliver_at());
  if (status.ok()) status = CheckTime("expire_at", message.expire_at());
  if (!status.ok()) return status;
  const int64_t now_us = absl::ToUnixMicros(clock.Now());
  const int64_t delay_max_us = absl::ToInt64Microseconds(limits.delay_max);
  if (incoming.deliver_us > now_us + delay_max_us) {
    return InvalidArgument("deliver_at",
                           absl::StrCat(Shown(incoming.deliver_us), " is further ahead than the limit delay_max of ",
                                        absl::FormatDuration(limits.delay_max), "; it is ", Shown(now_us), " here"));
  }
  if (incoming.deliver_us > now_us && !incoming.request_id.empty()) {
    return InvalidArgument("request_id", "is set beside deliver_at; a message is known by its id only in its queue");
  }
  if (!message.has_expire_at()) return absl::OkStatus();
  if (incoming.expire_us <= now_us) {
    return InvalidArgument("expire_at",
                           absl::StrCat(Shown(incoming.expire_us), " is past; it is ", Shown(now_us), " here"));
  }
  if (incoming.expire_us <= incoming.deliver_us) {
    return InvalidArgument(
        "expire_at", absl::StrCat(Shown(incoming.expire_us), " is not after deliver_at, ", Shown(incoming.deliver_us)));
  }
  return absl::OkStatus();
}

// What a plain message does not have.
absl::Status CheckRest(const Limits& limits, const v1::Message& message) {
  if (message.key().size() > limits.name_bytes) {
    return LimitExceeded("name_bytes", message.key().size(), limits.name_bytes, "key");
  }
  if (message.request_id().size() > limits.name_bytes) {
    return LimitExceeded("name_bytes", message.request_id().size(), limits.name_bytes, "request_id");
  }
  absl::Status status = CheckContentType(limits, message.content_type());
  if (!status.ok()) return status;
  return message.headers().empty() ? absl::OkStatus() : CheckHeaders(limits, message.headers());
}

absl::Status CheckAudience(const Limits& limits, const v1::Audience& audience, bool has_session) {
  absl::Status status = CheckAudienceCount(limits, audience);
  if (status.ok()) status = CheckNames(limits, "audience.rooms", audience.rooms());
  if (status.ok()) status = CheckNames(limits, "audience.clients", audience.clients());
  if (status.ok()) status = CheckNames(limits, "audience.except_rooms", audience.except_rooms());
  if (status.ok()) status = CheckNames(limits, "audience.except_clients", audience.except_clients());
  if (!status.ok()) return status;
  if (audience.except_publisher() && !has_session) {
    return InvalidArgument("audience.except_publisher", "needs a session: without one there is no publisher to except");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckAudienceCount(const Limits& limits, const v1::Audience& audience) {
  const uint64_t names =
      audience.rooms_size() + audience.clients_size() + audience.except_rooms_size() + audience.except_clients_size();
  if (names > limits.audience_names) return LimitExceeded("audience_names", names, limits.audience_names, "audience");
  return absl::OkStatus();
}

absl::Status CheckMessage(const Limits& limits, const Clock& clock, const Incoming& incoming, bool has_session) {
  // The names of a plain message are names; they may be too long.
  const size_t longest = std::max(incoming.queue.size(), incoming.event.size());
  absl::Status status;
  if (incoming.message != nullptr || longest > limits.name_bytes) {
    status = CheckName("queue", incoming.queue, limits.name_bytes);
    if (status.ok()) status = CheckName("event", incoming.event, limits.name_bytes);
    if (!status.ok()) return status;
  }
  if (incoming.payload_bytes > limits.payload_bytes) {
    return LimitExceeded("payload_bytes", incoming.payload_bytes, limits.payload_bytes, "payload");
  }
  if (incoming.message != nullptr) {
    status = CheckRest(limits, *incoming.message);
    if (status.ok()) status = CheckTimes(limits, clock, incoming);
    if (!status.ok()) return status;
  }
  return incoming.audience == nullptr ? absl::OkStatus() : CheckAudience(limits, *incoming.audience, has_session);
}

absl::Status CheckReply(const Limits& limits, const v1::ReplyRequest& reply) {
  if (reply.reply_to().empty()) return InvalidArgument("reply_to", "is empty; a message that is a question has it");
  if (reply.payload().size() > limits.payload_bytes) {
    return LimitExceeded("payload_bytes", reply.payload().size(), limits.payload_bytes, "payload");
  }
  absl::Status status = CheckContentType(limits, reply.content_type());
  if (status.ok()) status = CheckHeaders(limits, reply.headers());
  if (!status.ok()) return status;
  if (reply.has_error() && reply.error().code() == 0) {
    return InvalidArgument("error.code", "is 0, which is no error; leave error unset if there is none");
  }
  return absl::OkStatus();
}

}  // namespace nmq::broker
