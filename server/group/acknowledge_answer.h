#ifndef NMQ_SERVER_GROUP_ACKNOWLEDGE_ANSWER_H_
#define NMQ_SERVER_GROUP_ACKNOWLEDGE_ANSWER_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq::broker {

// The answer to an Acknowledge. Is given when the last one that waits for it lets go: whoever saves what was noted, and
// whoever buries what was terminated. UNAVAILABLE if it was not noted by then. Not thread-safe.
class AcknowledgeAnswer {
 public:
  using Done = std::function<void(absl::StatusOr<v1::AcknowledgeResponse>)>;

  explicit AcknowledgeAnswer(Done done);
  ~AcknowledgeAnswer();
  AcknowledgeAnswer(const AcknowledgeAnswer&) = delete;
  AcknowledgeAnswer& operator=(const AcknowledgeAnswer&) = delete;

  v1::AcknowledgeResponse response;
  absl::Status status;
  bool noted = false;
  int unburied = 0;  // dead letters that are not in their queue yet

 private:
  const Done done_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_GROUP_ACKNOWLEDGE_ANSWER_H_
