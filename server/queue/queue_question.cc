// How a message gets into a queue that is there only for those who hear it at once.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/message/entry.h"
#include "server/queue/queue.h"

namespace nmq::broker {

void Queue::AddHeard(const Hearing& message, Heard* heard) const {
  for (const Cursor* cursor : cursors_) {
    if (Hears(cursor->filter, cursor->subscriber->memberships(), message)) {
      heard->push_back(cursor->subscriber->shared_client());
    }
  }
}

absl::Status NobodyListens(absl::string_view name_space, absl::string_view queue, absl::string_view event) {
  return Unavailable("NOBODY_LISTENS",
                     absl::StrCat("nobody whom it is for hears event ", Quote(event), " of queue ", Quote(queue),
                                  " of namespace ", Quote(name_space)),
                     absl::ZeroDuration(), {{"queue", queue}, {"event", event}});
}

absl::StatusOr<uint64_t> Queue::AppendQuestion(const Outgoing& question, absl::Time time, int64_t now_us,
                                               absl::string_view publisher, absl::string_view reply_to, Heard* heard) {
  EntrySuffix suffix(options_.epoch, time, publisher, reply_to);
  Touched touched;
  MutexLock lock(&mu_);
  const uint64_t sequence = ring_.end();
  suffix.SetSequence(sequence);
  // Beside the ring first: who hears a message can be said only of one that is encoded.
  std::string entry(suffix.EntrySize(question.body.size()), '\0');
  suffix.WriteEntry(question.body, entry.data());
  const uint64_t stamp = options_.stamps->fetch_add(1, std::memory_order_acq_rel) + 1;
  AddHeard({stamp, question.audience.get(), entry.data()}, heard);
  if (heard->empty()) return NobodyListens(options_.name_space, name(), question.event);
  std::copy(entry.begin(), entry.end(), ring_.Append(entry.size(), stamp, now_us, question.audience));
  AppendToChannels(question.audience.get(), question.event, sequence, &touched);
  TrimLocked(now_us, 1);
  counters_.Published(1, entry.size());
  PostLocked(touched);
  return sequence;
}

absl::Status Queue::CheckHeard(const Outgoing& question) const {
  EntrySuffix suffix(options_.epoch, absl::UnixEpoch(), "");
  suffix.SetSequence(1);
  std::string entry(suffix.EntrySize(question.body.size()), '\0');
  suffix.WriteEntry(question.body, entry.data());
  Heard heard;
  MutexLock lock(&mu_);
  AddHeard({options_.stamps->load(std::memory_order_acquire) + 1, question.audience.get(), entry.data()}, &heard);
  return heard.empty() ? NobodyListens(options_.name_space, name(), question.event) : absl::OkStatus();
}

}  // namespace nmq::broker
