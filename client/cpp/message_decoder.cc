#include "client/cpp/message_decoder.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace nmq {
inline namespace client {
namespace internal {
namespace {

// Memory that is worth keeping for the next message.
constexpr size_t kKeepBytes = 64 << 10;

constexpr uint8_t VarintTag(int field) { return static_cast<uint8_t>(field << 3); }
constexpr uint8_t BytesTag(int field) { return static_cast<uint8_t>(field << 3 | 2); }
constexpr uint32_t Bit(int field) { return 1u << field; }

// What is left of some bytes.
struct Rest {
  explicit Rest(absl::string_view bytes) : at(reinterpret_cast<const uint8_t*>(bytes.data())), end(at + bytes.size()) {}

  const uint8_t* at;
  const uint8_t* const end;
};

bool TakeLongVarint(Rest* rest, uint64_t* value) {
  const uint8_t* at = rest->at;
  const uint8_t* const stop = rest->end - at > 10 ? at + 10 : rest->end;
  uint64_t sum = 0;
  for (int shift = 0; at != stop; shift += 7) {
    const uint64_t byte = *at++;
    sum |= (byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    rest->at = at;
    *value = sum;
    return true;
  }
  return false;
}

// False if a varint does not follow.
inline bool TakeVarint(Rest* rest, uint64_t* value) {
  if (rest->at == rest->end || *rest->at >= 0x80) return TakeLongVarint(rest, value);
  *value = *rest->at++;
  return true;
}

bool IsAscii(absl::string_view text) {
  uint64_t all = 0;
  while (text.size() >= sizeof(all)) {
    uint64_t eight;
    memcpy(&eight, text.data(), sizeof(eight));
    all |= eight;
    text.remove_prefix(sizeof(eight));
  }
  for (const char c : text) all |= static_cast<uint8_t>(c);
  return (all & 0x8080808080808080) == 0;
}

// False for what might be no UTF-8.
bool SetText(absl::string_view text, std::string* out) {
  if (!IsAscii(text)) return false;
  out->assign(text.data(), text.size());
  return true;
}

}  // namespace

const Message* MessageDecoder::Decode(absl::string_view bytes) {
  longest_ = std::max(longest_, bytes.size());
  if (std::exchange(mixed_, false)) {
    message_.Clear();
    filled_ = 0;
  }
  if (DecodePlain(bytes)) return &message_;
  mixed_ = true;
  return message_.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ? &message_ : nullptr;
}

void MessageDecoder::Shrink() {
  if (longest_ <= kKeepBytes) return;
  message_ = Message();
  filled_ = 0;
  mixed_ = false;
  longest_ = 0;
}

bool MessageDecoder::DecodePlain(absl::string_view bytes) {
  Rest rest(bytes);
  uint32_t found = 0;
  while (rest.at != rest.end) {
    const uint8_t tag = *rest.at++;
    // A number, or how long the field is: others are not plain.
    uint64_t value;
    if (!TakeVarint(&rest, &value)) return false;
    const uint32_t bit = Bit(tag >> 3);
    if ((found & bit) != 0) return false;
    found |= bit;
    if (tag == VarintTag(Message::kEpochFieldNumber)) {
      message_.set_epoch(value);
    } else if (tag == VarintTag(Message::kSequenceFieldNumber)) {
      message_.set_sequence(value);
    } else {
      if (value > static_cast<size_t>(rest.end - rest.at)) return false;
      if (!SetBytes(tag, {reinterpret_cast<const char*>(rest.at), value})) return false;
      rest.at += value;
    }
  }
  if ((filled_ & ~found) != 0) ClearFields(filled_ & ~found);
  filled_ = found;
  return true;
}

bool MessageDecoder::SetBytes(uint8_t tag, absl::string_view bytes) {
  switch (tag) {
    case BytesTag(Message::kQueueFieldNumber):
      return bytes == message_.queue() || SetText(bytes, message_.mutable_queue());
    case BytesTag(Message::kEventFieldNumber):
      return bytes == message_.event() || SetText(bytes, message_.mutable_event());
    case BytesTag(Message::kPayloadFieldNumber):
      message_.mutable_payload()->assign(bytes.data(), bytes.size());
      return true;
    case BytesTag(Message::kIdFieldNumber):
      return SetText(bytes, message_.mutable_id());
    case BytesTag(Message::kPublishTimeFieldNumber):
      return SetPublishTime(bytes);
    case BytesTag(Message::kPublisherFieldNumber):
      return bytes == message_.publisher() || SetText(bytes, message_.mutable_publisher());
    case BytesTag(Message::kContentTypeFieldNumber):
      return bytes == message_.content_type() || SetText(bytes, message_.mutable_content_type());
    case BytesTag(Message::kKeyFieldNumber):
      return SetText(bytes, message_.mutable_key());
    case BytesTag(Message::kAudienceFieldNumber):
      return message_.mutable_audience()->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    default:
      return false;
  }
}

bool MessageDecoder::SetPublishTime(absl::string_view bytes) {
  google::protobuf::Timestamp* const time = message_.mutable_publish_time();
  time->set_seconds(0);
  time->set_nanos(0);
  Rest rest(bytes);
  while (rest.at != rest.end) {
    const uint8_t tag = *rest.at++;
    uint64_t value;
    if (!TakeVarint(&rest, &value)) return false;
    if (tag == VarintTag(google::protobuf::Timestamp::kSecondsFieldNumber)) {
      time->set_seconds(static_cast<int64_t>(value));
    } else if (tag == VarintTag(google::protobuf::Timestamp::kNanosFieldNumber)) {
      time->set_nanos(static_cast<int32_t>(value));
    } else {
      return false;
    }
  }
  return true;
}

void MessageDecoder::ClearFields(uint32_t fields) {
  if ((fields & Bit(Message::kQueueFieldNumber)) != 0) message_.clear_queue();
  if ((fields & Bit(Message::kEventFieldNumber)) != 0) message_.clear_event();
  if ((fields & Bit(Message::kPayloadFieldNumber)) != 0) message_.clear_payload();
  if ((fields & Bit(Message::kIdFieldNumber)) != 0) message_.clear_id();
  if ((fields & Bit(Message::kEpochFieldNumber)) != 0) message_.clear_epoch();
  if ((fields & Bit(Message::kSequenceFieldNumber)) != 0) message_.clear_sequence();
  if ((fields & Bit(Message::kPublishTimeFieldNumber)) != 0) message_.clear_publish_time();
  if ((fields & Bit(Message::kPublisherFieldNumber)) != 0) message_.clear_publisher();
  if ((fields & Bit(Message::kContentTypeFieldNumber)) != 0) message_.clear_content_type();
  if ((fields & Bit(Message::kKeyFieldNumber)) != 0) message_.clear_key();
  if ((fields & Bit(Message::kAudienceFieldNumber)) != 0) message_.clear_audience();
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
