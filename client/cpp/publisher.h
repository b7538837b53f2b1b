// Publishes fast, in batches that make themselves.
#ifndef NMQ_CLIENT_CPP_PUBLISHER_H_
#define NMQ_CLIENT_CPP_PUBLISHER_H_

#include <cstdint>
#include <future>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cpp/options.h"

namespace nmq {
inline namespace client {

namespace internal {
class PublisherLoop;
}  // namespace internal

// What became of messages since the Flush() before: all that were added before this one began, and those that other
// threads added meanwhile and that are answered already.
struct FlushResult {
  // OK if all were accepted; else the first error. DEADLINE_EXCEEDED if some are still on their way.
  absl::Status status = {};
  uint64_t accepted = 0;
  uint64_t refused = 0;
  // The stream broke before their answer came: they may be in their queues or not, and are not sent again.
  uint64_t unknown = 0;
};

// Sends a lone message at once, and gathers what comes while answers are awaited. A broken stream is opened again, with
// backoff: what had been sent without an answer is reported as unknown, what had not been sent is sent then.
//
// A message is encoded on the caller's thread into the batch that is sent; it may be changed and added again, which
// saves making it anew.
//
// Thread-safe. Messages of one thread keep their order. The destructor does not wait for answers: call Flush() first.
class Publisher {
 public:
  explicit Publisher(std::shared_ptr<internal::PublisherLoop> loop);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // Takes a message. Blocks while a full batch waits and the window of unanswered batches is full. An error means that
  // the message was not taken: the client disconnected, or the server ended the stream for good.
  absl::Status Add(const Message& message);

  // The same, and calls `done` once with what became of this message, after on_result, on the publisher's thread: in
  // the order in which the messages were taken, and at the latest before the publisher is destroyed. Blocks as Add()
  // does, so that what awaits its answer is bounded by the window and the size of a batch. Must not call the publisher
  // from `done`. After an error, `done` is not called.
  absl::Status Publish(const Message& message, PublishCallback done);

  // The same with a future, which has the error, too, if the message was not taken. A lone message leaves at once, and
  // others gather while its answer is awaited: so publish many before you wait for the first.
  std::future<absl::StatusOr<PublishResult>> Publish(const Message& message);

  // Waits until everything added so far is answered or given up, and the callbacks for it have returned, whatever other
  // threads add meanwhile.
  FlushResult Flush(absl::Duration timeout = absl::InfiniteDuration());

 private:
  std::shared_ptr<internal::PublisherLoop> loop_;
};

}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_PUBLISHER_H_
