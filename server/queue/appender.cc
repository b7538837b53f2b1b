#include "server/queue/appender.h"

#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/log/batch.h"
#include "server/queue/hearing.h"
#include "server/queue/match_counter.h"

namespace nmq::broker {

absl::Status SequenceMismatch(absl::string_view queue, uint64_t expected_last, uint64_t last) {
  return FailedPrecondition("SEQUENCE_MISMATCH",
                            absl::StrCat("expected_last_sequence: the last sequence of queue ", Quote(queue), " is ",
                                         last, ", not ", expected_last),
                            {{"queue", queue}, {"value", absl::StrCat(expected_last)}, {"bound", absl::StrCat(last)}});
}

absl::StatusOr<Appended> Appender::Append(absl::Span<const Outgoing> messages, EntrySuffix* suffix, int64_t now_us,
                                          bool count_matches, std::optional<uint64_t> expected_last,
                                          Fanout::Touched* touched) {
  Appended appended;
  std::optional<MatchCounter> matches;
  if (count_matches) matches.emplace(fanout_.NewMatchCounter());
  uint64_t bytes = 0;
  const uint64_t stamp = NextStamp();
  appended.first = log_.end();
  for (const Outgoing& message : messages) {
    const uint64_t sequence = log_.end();
    if (!message.request_id.empty()) {
      if (const auto earlier = requests_.Find(message.request_id, now_us)) {
        appended.duplicates.push_back({message.index, *earlier});
        continue;
      }
    }
    if (expected_last.has_value() && *expected_last != sequence - 1) {
      return SequenceMismatch(log_.queue(), *expected_last, sequence - 1);
    }
    if (!message.request_id.empty()) requests_.Add(message.request_id, sequence, now_us);
    suffix->SetSequence(sequence);
    const size_t size = suffix->EntrySize(message.body.size());
    fanout_.Add({sequence, stamp, message.audience, message.event, size}, now_us, touched,
                [&](char* place) { suffix->WriteEntry(message.body, place); });
    bytes += size;
    if (matches) appended.matched += matches->Count(HearingOf(log_.ring().at(sequence)), message.event);
  }
  appended.last = log_.end() - 1;
  fanout_.Trim(now_us, messages.size());
  counters_.Published(messages.size() - appended.duplicates.size(), bytes);
  return appended;
}

Appended Appender::Publish(Prepared* prepared, int64_t now_us, bool count_matches, Hearers* heard,
                           Fanout::Touched* touched) {
  Appended appended;
  std::optional<MatchCounter> matches;
  if (count_matches) matches.emplace(fanout_.NewMatchCounter());
  appended.first = prepared->first;
  appended.duplicates = std::move(prepared->duplicates);
  const char* at = prepared->bytes.data();
  for (const Prepared::Entry& entry : prepared->entries) {
    const uint64_t sequence = log_.end();
    if (heard != nullptr) fanout_.AddHearers({entry.stamp, entry.audience.get(), at}, entry.event, heard);
    fanout_.Add({sequence, entry.stamp, entry.audience, entry.event, entry.size}, now_us, touched,
                [&](char* place) { memcpy(place, at, entry.size); });
    at += entry.size;
    if (matches) appended.matched += matches->Count(HearingOf(log_.ring().at(sequence)), entry.event);
  }
  appended.last = log_.end() - 1;
  log_.Wrote(prepared->bytes.size() + prepared->entries.size() * log::Batch::kBookkeepingBytes);
  fanout_.Trim(now_us, prepared->entries.size());
  counters_.Published(prepared->entries.size(), prepared->bytes.size());
  return appended;
}

std::optional<uint64_t> Appender::AppendQuestion(const Outgoing& question, EntrySuffix* suffix, int64_t now_us,
                                                 Hearers* heard, Fanout::Touched* touched) {
  const uint64_t sequence = log_.end();
  suffix->SetSequence(sequence);
  // Beside the ring first: only of a message that is encoded it can be said which clients hear it.
  std::string entry(suffix->EntrySize(question.body.size()), '\0');
  suffix->WriteEntry(question.body, entry.data());
  const uint64_t stamp = NextStamp();
  fanout_.AddHearers({stamp, question.audience.get(), entry.data()}, question.event, heard);
  if (heard->empty()) return std::nullopt;
  fanout_.Add({sequence, stamp, question.audience, question.event, entry.size()}, now_us, touched,
              [&](char* place) { memcpy(place, entry.data(), entry.size()); });
  fanout_.Trim(now_us, 1);
  counters_.Published(1, entry.size());
  return sequence;
}

bool Appender::IsHeard(const Outgoing& question, const char* entry) const {
  Hearers heard;
  fanout_.AddHearers({stamps_.load(std::memory_order_acquire) + 1, question.audience.get(), entry}, question.event,
                     &heard);
  return !heard.empty();
}

}  // namespace nmq::broker
