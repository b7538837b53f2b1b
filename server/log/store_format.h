// How messages lie in the store: the bytes of their keys and values. FORMAT.md shows them.
#ifndef NMQ_SERVER_LOG_STORE_FORMAT_H_
#define NMQ_SERVER_LOG_STORE_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace nmq::log {

inline constexpr size_t kMessageKeyBytes = 16;
inline constexpr size_t kMessageHeaderBytes = 28;

// The key of a message, in the order of queues and sequences.
class MessageKey {
 public:
  MessageKey(uint64_t queue, uint64_t sequence);
  absl::string_view bytes() const { return absl::string_view(bytes_, sizeof(bytes_)); }

 private:
  char bytes_[kMessageKeyBytes];
};

// False if these are no bytes of a message's key.
bool ParseMessageKey(absl::string_view key, uint64_t* queue, uint64_t* sequence);

// The value of a message, parsed; the texts point into it.
struct MessageValue {
  uint64_t total = 0;  // bytes of all messages of the queue up to this one, each with its bookkeeping
  int64_t time_us = 0;
  uint64_t stamp = 0;
  absl::string_view audience;
  absl::string_view entry;
};

// False if the value is damaged.
bool ParseMessageValue(absl::string_view bytes, MessageValue* value);
// Appends the value to `to`. The audience has less than 4 GiB.
void AppendMessageValue(const MessageValue& value, std::string* to);
// Sets MessageValue::total of the value that begins at `value`.
void SetMessageTotal(uint64_t total, char* value);

// The store's own keys: the version of this format, that there is a file SYNCED (see sync_marks.h), and a queue's first
// sequence, which follows the prefix as BigEndian.
inline constexpr char kFormatKey[] = "format";
inline constexpr char kMarkedKey[] = "synced";
inline constexpr char kFirstPrefix[] = "first/";
std::string FirstKey(uint64_t queue);

// A number as eight bytes, most significant first, so that keys are in the order of numbers.
std::string BigEndian(uint64_t number);
// False if these are not eight bytes.
bool ParseBigEndian(absl::string_view bytes, uint64_t* number);

// The first key after all keys that begin with `prefix`; empty if there is none.
std::string AfterPrefix(absl::string_view prefix);

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_STORE_FORMAT_H_
