#include "server/message/entry.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "nmq/v1/message.pb.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq::broker {
namespace {

using v1::Message;

constexpr int kVarint = 0;
constexpr int kLengthDelimited = 2;

constexpr char Tag(int field, int wire_type) { return static_cast<char>(field << 3 | wire_type); }

constexpr char kEntryTag = Tag(v1::Batch::kMessagesFieldNumber, kLengthDelimited);
constexpr char kIdTag = Tag(Message::kIdFieldNumber, kLengthDelimited);
constexpr char kEpochTag = Tag(Message::kEpochFieldNumber, kVarint);
constexpr char kSequenceTag = Tag(Message::kSequenceFieldNumber, kVarint);

char* WriteVarint(uint64_t value, char* out) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

size_t VarintSize(uint64_t value) {
  size_t size = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++size;
  }
  return size;
}

const char* ReadVarint(const char* in, uint64_t* value) {
  *value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(*in++);
    *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return in;
  }
}

char* WriteBase36(uint64_t value, char* out) {
  char digits[16];
  char* at = digits + sizeof(digits);
  do {
    *--at = "0123456789abcdefghijklmnopqrstuvwxyz"[value % 36];
    value /= 36;
  } while (value != 0);
  const size_t size = digits + sizeof(digits) - at;
  memcpy(out, at, size);
  return out + size;
}

void AppendVarint(uint64_t value, std::string* out) {
  char buffer[10];
  out->append(buffer, WriteVarint(value, buffer) - buffer);
}

// For fields above 15, too.
void AppendBytesField(int field, absl::string_view bytes, std::string* out) {
  AppendVarint(static_cast<uint64_t>(field << 3 | kLengthDelimited), out);
  AppendVarint(bytes.size(), out);
  out->append(bytes.data(), bytes.size());
}

// Reads the fields of an encoded message that is known to be one.
class Fields {
 public:
  explicit Fields(absl::string_view message) : at_(message.data()), end_(message.data() + message.size()) {}

  // False if there is none any more.
  bool Next() {
    if (at_ >= end_) return false;
    uint64_t tag;
    at_ = ReadVarint(at_, &tag);
    field_ = static_cast<int>(tag >> 3);
    bytes_ = absl::string_view();
    switch (tag & 7) {
      case kVarint:
        at_ = ReadVarint(at_, &value_);
        return true;
      case kLengthDelimited:
        at_ = ReadVarint(at_, &value_);
        bytes_ = absl::string_view(at_, value_);
        at_ += value_;
        return true;
      default:
        // No field of a message is written otherwise.
        return false;
    }
  }
  int field() const { return field_; }
  // Of a field that is a number.
  uint64_t value() const { return value_; }
  // Empty if the field has none.
  absl::string_view bytes() const { return bytes_; }
  // Whether what follows is the server's: the publisher's fields are before it.
  bool at_suffix() const { return field_ == Message::kIdFieldNumber; }

 private:
  const char* at_;
  const char* const end_;
  int field_ = 0;
  uint64_t value_ = 0;
  absl::string_view bytes_;
};

absl::string_view MessageAt(const char* entry) {
  uint64_t length;
  const char* const at = ReadVarint(entry + 1, &length);
  return absl::string_view(at, length);
}

std::string EncodedTime(absl::Time time) {
  const int64_t nanos = absl::ToUnixNanos(time);
  std::string out;
  out.push_back(Tag(google::protobuf::Timestamp::kSecondsFieldNumber, kVarint));
  AppendVarint(nanos / 1000000000, &out);
  out.push_back(Tag(google::protobuf::Timestamp::kNanosFieldNumber, kVarint));
  AppendVarint(nanos % 1000000000, &out);
  return out;
}

}  // namespace

std::string Base36(uint64_t value) {
  char buffer[16];
  return std::string(buffer, WriteBase36(value, buffer) - buffer);
}

std::string MessageId(uint64_t epoch, uint64_t sequence) { return absl::StrCat(Base36(epoch), "-", Base36(sequence)); }

EntrySuffix::EntrySuffix(uint64_t epoch, absl::Time time, absl::string_view publisher, absl::string_view reply_to)
    : id_prefix_(absl::StrCat(Base36(epoch), "-")) {
  constant_.push_back(kEpochTag);
  AppendVarint(epoch, &constant_);
  AppendBytesField(Message::kPublishTimeFieldNumber, EncodedTime(time), &constant_);
  if (!publisher.empty()) AppendBytesField(Message::kPublisherFieldNumber, publisher, &constant_);
  if (!reply_to.empty()) AppendBytesField(Message::kReplyToFieldNumber, reply_to, &constant_);
}

void EntrySuffix::SetSequence(uint64_t sequence) {
  const bool next = sequence == sequence_ + 1;
  sequence_ = sequence;
  // Neither number gets longer or carries: the id's last digit and the lowest seven bits go up by one.
  if (next && last_digit_ != nullptr && *last_digit_ != '9' && *last_digit_ != 'z' && (sequence & 0x7f) != 0) {
    ++last_digit_[0];
    ++last_digit_[2];
    return;
  }
  // id: tag, length in one byte, prefix (at most 14), digits (at most 13); sequence: tag and at most 10 bytes.
  char fields[2 + kNumberDigitsMax + 1 + kNumberDigitsMax + 1 + 10];
  char* out = fields;
  *out++ = kIdTag;
  char* const length = out++;
  memcpy(out, id_prefix_.data(), id_prefix_.size());
  out = WriteBase36(sequence, out + id_prefix_.size());
  *length = static_cast<char>(out - length - 1);
  const size_t last_digit = out - 1 - fields;
  *out++ = kSequenceTag;
  out = WriteVarint(sequence, out);
  suffix_.assign(fields, out - fields);
  suffix_ += constant_;
  last_digit_ = &suffix_[last_digit];
}

size_t EntrySuffix::EntrySize(size_t body_size) const {
  const size_t message = body_size + suffix_.size();
  return 1 + VarintSize(message) + message;
}

void EntrySuffix::WriteEntry(absl::string_view body, char* out) const {
  *out++ = kEntryTag;
  out = WriteVarint(body.size() + suffix_.size(), out);
  out = std::copy(body.begin(), body.end(), out);
  std::copy(suffix_.begin(), suffix_.end(), out);
}

absl::string_view EventOf(const char* entry) {
  uint64_t length;
  const char* at = ReadVarint(entry + 1, &length);  // the entry's
  at = ReadVarint(at + 1, &length) + length;        // the queue
  at = ReadVarint(at + 1, &length);                 // the event
  return absl::string_view(at, length);
}

absl::string_view KeyOf(const char* entry) {
  Fields fields(MessageAt(entry));
  while (fields.Next() && !fields.at_suffix()) {
    if (fields.field() == Message::kKeyFieldNumber) return fields.bytes();
  }
  return absl::string_view();
}

bool HasHeader(const char* entry, absl::string_view name, const std::string* value) {
  constexpr int kMapKey = 1;
  constexpr int kMapValue = 2;
  Fields fields(MessageAt(entry));
  while (fields.Next() && !fields.at_suffix()) {
    if (fields.field() != Message::kHeadersFieldNumber) continue;
    absl::string_view header_name;
    absl::string_view header_value;
    for (Fields header(fields.bytes()); header.Next();) {
      if (header.field() == kMapKey) header_name = header.bytes();
      if (header.field() == kMapValue) header_value = header.bytes();
    }
    if (header_name == name) return value == nullptr || header_value == *value;
  }
  return false;
}

absl::string_view MessageOf(absl::string_view entry) { return MessageAt(entry.data()); }

DeliveryStamp::DeliveryStamp(uint32_t attempt, uint64_t delivery) {
  static_assert(2 * (2 + 10) <= sizeof(fields_));
  char* out = fields_;
  if (attempt > 1) {
    out = WriteVarint(static_cast<uint64_t>(Message::kAttemptFieldNumber << 3 | kVarint), out);
    out = WriteVarint(attempt, out);
  }
  out = WriteVarint(static_cast<uint64_t>(Message::kDeliveryFieldNumber << 3 | kVarint), out);
  out = WriteVarint(delivery, out);
  size_ = out - fields_;
}

size_t DeliveryStamp::EntrySize(absl::string_view message) const {
  const size_t size = message.size() + size_;
  return 1 + VarintSize(size) + size;
}

void DeliveryStamp::WriteEntry(absl::string_view message, char* out) const {
  *out++ = kEntryTag;
  out = WriteVarint(message.size() + size_, out);
  out = std::copy(message.begin(), message.end(), out);
  std::copy(fields_, fields_ + size_, out);
}

StampedDelivery DeliveryOf(absl::string_view entry) {
  StampedDelivery stamped;
  Fields fields(MessageOf(entry));
  while (fields.Next()) {
    if (fields.field() == Message::kSequenceFieldNumber) stamped.sequence = fields.value();
    if (fields.field() == Message::kDeliveryFieldNumber) stamped.delivery = fields.value();
  }
  return stamped;
}

}  // namespace nmq::broker
