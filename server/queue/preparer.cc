#include "server/queue/preparer.h"

#include <algorithm>
#include <string>

#include "server/message/entry.h"

namespace nmq::broker {
namespace {

// What a message's id and sequence take in its entry at the most.
constexpr size_t kSequenceBytes = 64;

}  // namespace

void Preparer::Begin(absl::Time time, Prepared* prepared) {
  // The store finds messages by their time, so it must not go back when the clock does.
  last_time_us_ = std::max(last_time_us_, absl::ToUnixMicros(time));
  prepared->first = next_sequence_;
}

void Preparer::NoteRequests(absl::Span<const Outgoing> messages, int64_t now_us, KnownRequests* requests,
                            log::Batch* batch, Prepared* prepared) const {
  uint64_t sequence = prepared->first;
  for (const Outgoing& message : messages) {
    if (!message.request_id.empty()) {
      if (const auto earlier = requests->Find(message.request_id, now_us)) {
        prepared->duplicates.push_back({message.index, *earlier});
        continue;
      }
      requests->Add(message.request_id, sequence, now_us, last_time_us_, batch);
    }
    ++sequence;
  }
}

void Preparer::Prepare(absl::Span<const Outgoing> messages, absl::string_view publisher, absl::string_view reply_to,
                       log::Batch* batch, Prepared* prepared) {
  EntrySuffix suffix(epoch_, absl::FromUnixMicros(last_time_us_), publisher, reply_to);
  prepared->entries.reserve(messages.size() - prepared->duplicates.size());
  size_t bytes = 0;
  for (const Outgoing& message : messages) bytes += suffix.EntrySize(message.body.size()) + kSequenceBytes;
  prepared->bytes.reserve(bytes);
  auto duplicate = prepared->duplicates.begin();
  std::string audience;
  for (const Outgoing& message : messages) {
    if (duplicate != prepared->duplicates.end() && duplicate->index == message.index) {
      ++duplicate;
      continue;
    }
    suffix.SetSequence(next_sequence_);
    const size_t size = suffix.EntrySize(message.body.size());
    const size_t offset = prepared->bytes.size();
    prepared->bytes.resize(offset + size);
    suffix.WriteEntry(message.body, prepared->bytes.data() + offset);
    const uint64_t stamp = stamps_->fetch_add(1, std::memory_order_acq_rel) + 1;
    if (message.audience != nullptr) audience = log::EncodeAudience(*message.audience);
    log::StoredMessage stored;
    stored.sequence = next_sequence_++;
    stored.time_us = last_time_us_;
    stored.stamp = stamp;
    stored.audience = message.audience == nullptr ? absl::string_view() : audience;
    stored.entry = absl::string_view(prepared->bytes).substr(offset, size);
    batch->Append(number_, stored);
    prepared->entries.push_back({message.event, message.audience, size, stamp});
  }
}

}  // namespace nmq::broker
