#ifndef NMQ_SERVER_NAMESPACE_PUBLISHING_H_
#define NMQ_SERVER_NAMESPACE_PUBLISHING_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/metrics/counters.h"
#include "server/namespace/addressed.h"
#include "server/namespace/delays.h"
#include "server/presence/client.h"
#include "server/queue/committer.h"
#include "server/queue/lane.h"
#include "server/queue/queue.h"

namespace nmq::broker {

// What became of the messages of one call.
struct Published {
  std::vector<v1::SequenceRange> ranges;  // one a queue, in the order of appearance
  std::vector<v1::Duplicate> duplicates;  // in the order of the messages
  uint64_t epoch = 0;                     // of the first message's queue
  uint64_t matched = 0;
  v1::Storage storage = v1::STORAGE_MEMORY;  // the weakest
};

// How messages are published.
struct PublishOptions {
  bool count_matches = false;
  std::optional<uint64_t> expected_last;  // sequence; only for one message
};

// What became of a question.
struct PublishedQuestion {
  v1::QueuePosition position;
  Queue::Heard heard;
};

// How messages that are addressed get into their queues, at once or through the committer. Thread-safe; to be called
// without any lock.
class Publishing {
 public:
  struct Options {
    // All of these must outlive this, and the lanes, too.
    const Clock* clock;
    absl::Span<const std::unique_ptr<Lane>> lanes;
    Committer* committer;  // null if nothing is kept on disk
    Delays* delays;
    Counters* counters;  // the namespace's
    // The namespace's, held for reading while live queues take what they must take together: none of them is deleted in
    // between.
    Mutex* mu;
  };
  explicit Publishing(const Options& options) : options_(options) {}

  // Told, once, how it went: before Publish returns, or later, on the committer's thread, without any lock.
  using Done = std::function<void(absl::StatusOr<Published>)>;
  using QuestionDone = std::function<void(absl::StatusOr<PublishedQuestion>)>;

  // Publishes all messages or none. `publisher` is null for a message without a session. `addressed` is used up.
  void Publish(const Client* publisher, Addressed* addressed, const PublishOptions& options, Done done) const;

  // Publishes a question, if anybody hears it; UNAVAILABLE, reason NOBODY_LISTENS, otherwise: then no queue holds it.
  void PublishQuestion(const Client* publisher, absl::string_view reply_to, Addressed* addressed,
                       QuestionDone done) const;

 private:
  absl::StatusOr<Published> PublishNow(const Client* publisher, Addressed* addressed,
                                       const PublishOptions& options) const;
  // Takes in what is to come at once and what is to wait.
  absl::Status AppendAll(const Client* publisher, const Addressed& addressed, const PublishOptions& options,
                         Delays::Later* later, Published* published) const;
  void PublishToDisk(const Client* publisher, Addressed* addressed, const PublishOptions& options, Done done) const;
  int64_t NowUs() const { return absl::ToInt64Microseconds(options_.clock->Monotonic()); }
  void WakeLanes() const;

  const Options options_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_NAMESPACE_PUBLISHING_H_
