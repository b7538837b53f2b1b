#ifndef NMQ_SERVER_MESSAGE_ENTRY_H_
#define NMQ_SERVER_MESSAGE_ENTRY_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nmq::broker {

// An entry is a message as it stands in the wire form of nmq.v1.Batch: the tag of `messages`, a length, and the
// message. Entries one after another are a valid Batch, so a message is encoded once, whoever hears it.
//
// The message is the publisher's own fields in the order of their numbers (the body), then what the server adds.

// The name of a message in its queue's epoch: also unique over queues, whose epochs differ.
std::string MessageId(uint64_t epoch, uint64_t sequence);

// A number in base 36, shortest form.
std::string Base36(uint64_t value);

// What the server adds to the messages of one batch to one queue.
class EntrySuffix {
 public:
  // `reply_to` is empty unless somebody waits for answers.
  EntrySuffix(uint64_t epoch, absl::Time time, absl::string_view publisher, absl::string_view reply_to = "");
  EntrySuffix(const EntrySuffix&) = delete;
  EntrySuffix& operator=(const EntrySuffix&) = delete;

  // Settles the sequence, and with it the size of the entry. Cheapest if it is the last one's successor.
  void SetSequence(uint64_t sequence);

  // The size of the entry of a body of `body_size` bytes.
  size_t EntrySize(size_t body_size) const;

  // Writes EntrySize(body.size()) bytes to `out`.
  void WriteEntry(absl::string_view body, char* out) const;

 private:
  static constexpr size_t kNumberDigitsMax = 13;  // of 64 bits in base 36

  std::string id_prefix_;  // of the message id, after the tag and length
  std::string constant_;   // fields that are the same in all messages of the batch
  std::string suffix_;     // id and sequence, encoded, and then these fields
  uint64_t sequence_ = 0;
  char* last_digit_ = nullptr;  // of the id, in suffix_
};

// The event in an entry.
absl::string_view EventOf(const char* entry);

// The key in an entry; empty if it has none.
absl::string_view KeyOf(const char* entry);

// Whether the message in an entry has a header of this name, with this value unless that is null.
bool HasHeader(const char* entry, absl::string_view name, const std::string* value);

// The message in an entry, encoded.
absl::string_view MessageOf(absl::string_view entry);

// What a group adds to a message when it delivers it: the last fields of the entry.
class DeliveryStamp {
 public:
  // `attempt` is 1 for the first delivery.
  DeliveryStamp(uint32_t attempt, uint64_t delivery);

  // The size of the entry of a message, as MessageOf has it, with the stamp.
  size_t EntrySize(absl::string_view message) const;
  // Writes EntrySize(message) bytes to `out`.
  void WriteEntry(absl::string_view message, char* out) const;

 private:
  char fields_[24];  // two tags of 2 bytes, two numbers of at most 10
  size_t size_ = 0;
};

// Which delivery of which message a stamped entry is.
struct StampedDelivery {
  uint64_t sequence = 0;
  uint64_t delivery = 0;
};
StampedDelivery DeliveryOf(absl::string_view entry);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_MESSAGE_ENTRY_H_
