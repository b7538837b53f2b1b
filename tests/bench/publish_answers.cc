#include "tests/bench/publish_answers.h"

#include "nmq/v1/message_queue.pb.h"
#include "tests/bench/connection.h"

namespace nmq::bench {

absl::StatusOr<uint64_t> ReadStreamAnswer(const grpc::ByteBuffer& answer) {
  nmq::v1::PublishStreamResponse response;
  if (!Decode(answer, &response)) return absl::DataLossError("an answer that is no PublishStreamResponse");
  if (response.has_refused()) {
    return absl::Status(static_cast<absl::StatusCode>(response.refused().code()), response.refused().message());
  }
  uint64_t messages = 0;
  for (const nmq::v1::SequenceRange& range : response.accepted().ranges()) messages += range.last() - range.first() + 1;
  return messages;
}

}  // namespace nmq::bench
