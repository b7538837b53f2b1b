#ifndef NMQ_SERVER_QUEUE_APPENDER_H_
#define NMQ_SERVER_QUEUE_APPENDER_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/message/entry.h"
#include "server/metrics/counters.h"
#include "server/queue/append.h"
#include "server/queue/fanout.h"
#include "server/queue/known_requests.h"
#include "server/queue/message_log.h"

namespace nmq::broker {

// The answer to a publisher that expects another last sequence.
absl::Status SequenceMismatch(absl::string_view queue, uint64_t expected_last, uint64_t last);

// Puts messages into a queue: gives those of a live queue their sequences, takes those of a queue on disk once they are
// written, and hands all to the fan-out. Thread-compatible: the queue's mutex guards it.
class Appender {
 public:
  // All must outlive the appender; `stamps` is the namespace's.
  Appender(MessageLog* log, Fanout* fanout, KnownRequests* requests, Counters* counters, std::atomic<uint64_t>* stamps)
      : log_(*log), fanout_(*fanout), requests_(*requests), counters_(*counters), stamps_(*stamps) {}

  // See Queue. `suffix` is of this publisher and time; `touched` is to be posted.
  absl::StatusOr<Appended> Append(absl::Span<const Outgoing> messages, EntrySuffix* suffix, int64_t now_us,
                                  bool count_matches, std::optional<uint64_t> expected_last, Fanout::Touched* touched);
  // Takes messages that are on disk now. `heard` is null unless the clients that hear them are asked for.
  Appended Publish(Prepared* prepared, int64_t now_us, bool count_matches, Hearers* heard, Fanout::Touched* touched);
  // The answer is the sequence; none if nobody hears the question.
  std::optional<uint64_t> AppendQuestion(const Outgoing& question, EntrySuffix* suffix, int64_t now_us, Hearers* heard,
                                         Fanout::Touched* touched);
  // Whether anybody would hear the encoded question.
  bool IsHeard(const Outgoing& question, const char* entry) const;

 private:
  uint64_t NextStamp() { return stamps_.fetch_add(1, std::memory_order_acq_rel) + 1; }

  MessageLog& log_;
  Fanout& fanout_;
  KnownRequests& requests_;
  Counters& counters_;
  std::atomic<uint64_t>& stamps_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_APPENDER_H_
