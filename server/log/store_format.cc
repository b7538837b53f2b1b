#include "server/log/store_format.h"

#include "server/log/little_endian.h"

namespace nmq::log {
namespace {

void PutBig64(uint64_t number, char* to) {
  for (int i = 0; i < 8; ++i) to[i] = static_cast<char>(number >> (56 - 8 * i));
}

uint64_t GetBig64(const char* from) {
  uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | static_cast<uint8_t>(from[i]);
  return number;
}

// Where the header's fields are.
constexpr size_t kTotal = 0;
constexpr size_t kTime = 8;
constexpr size_t kStamp = 16;
constexpr size_t kAudienceLength = 24;

}  // namespace

MessageKey::MessageKey(uint64_t queue, uint64_t sequence) {
  PutBig64(queue, bytes_);
  PutBig64(sequence, bytes_ + 8);
}

bool ParseMessageKey(absl::string_view key, uint64_t* queue, uint64_t* sequence) {
  if (key.size() != kMessageKeyBytes) return false;
  *queue = GetBig64(key.data());
  *sequence = GetBig64(key.data() + 8);
  return true;
}

bool ParseMessageValue(absl::string_view bytes, MessageValue* value) {
  if (bytes.size() < kMessageHeaderBytes) return false;
  value->total = GetLittle<uint64_t>(bytes.data() + kTotal);
  value->time_us = static_cast<int64_t>(GetLittle<uint64_t>(bytes.data() + kTime));
  value->stamp = GetLittle<uint64_t>(bytes.data() + kStamp);
  const uint32_t audience_length = GetLittle<uint32_t>(bytes.data() + kAudienceLength);
  bytes.remove_prefix(kMessageHeaderBytes);
  if (audience_length > bytes.size()) return false;
  value->audience = bytes.substr(0, audience_length);
  value->entry = bytes.substr(audience_length);
  return true;
}

void AppendMessageValue(const MessageValue& value, std::string* to) {
  char header[kMessageHeaderBytes];
  PutLittle(value.total, header + kTotal);
  PutLittle(static_cast<uint64_t>(value.time_us), header + kTime);
  PutLittle(value.stamp, header + kStamp);
  PutLittle(static_cast<uint32_t>(value.audience.size()), header + kAudienceLength);
  to->append(header, sizeof(header));
  to->append(value.audience.data(), value.audience.size());
  to->append(value.entry.data(), value.entry.size());
}

void SetMessageTotal(uint64_t total, char* value) { PutLittle(total, value + kTotal); }

std::string BigEndian(uint64_t number) {
  std::string bytes(8, '\0');
  PutBig64(number, bytes.data());
  return bytes;
}

bool ParseBigEndian(absl::string_view bytes, uint64_t* number) {
  if (bytes.size() != 8) return false;
  *number = GetBig64(bytes.data());
  return true;
}

std::string FirstKey(uint64_t queue) { return kFirstPrefix + BigEndian(queue); }

std::string AfterPrefix(absl::string_view prefix) {
  std::string after(prefix.data(), prefix.size());
  while (!after.empty() && after.back() == '\xff') after.pop_back();
  if (!after.empty()) after.back() = static_cast<char>(static_cast<uint8_t>(after.back()) + 1);
  return after;
}

}  // namespace nmq::log
