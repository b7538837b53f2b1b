#ifndef NMQ_SERVER_MESSAGE_INCOMING_H_
#define NMQ_SERVER_MESSAGE_INCOMING_H_

#include <google/protobuf/arena.h>

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq::broker {

// A message on its way from a publisher into a queue: what routing looks at, and its body (see entry.h). It refers to
// bytes and messages that somebody else keeps.
struct Incoming {
  absl::string_view queue;
  absl::string_view event;
  uint64_t payload_bytes = 0;
  // Empty for a plain message, and if the publisher gave none.
  absl::string_view request_id;
  // Null for everyone.
  const v1::Audience* audience = nullptr;
  // Microseconds since 1970; 0 if it is to be delivered at once, and if it never expires.
  int64_t deliver_us = 0;
  int64_t expire_us = 0;
  // The whole message, unless it is plain: names, a payload and rooms in the form in which every protobuf library
  // writes them. A plain message is never decoded; what its publisher wrote is its body.
  v1::Message* message = nullptr;
  // Empty until EncodeBody if the message is not plain.
  absl::string_view body;
};

struct IncomingBatch {
  absl::string_view session;
  absl::string_view name_space;
  uint64_t number = 0;
  bool count_matches = false;
  std::vector<Incoming> messages;
};

// Takes an encoded nmq.v1.PublishStreamRequest apart. `batch` refers to `bytes` and to what is made in `arena`.
// INVALID_ARGUMENT if the bytes are no such request.
absl::Status ParseBatch(absl::string_view bytes, google::protobuf::Arena* arena, IncomingBatch* batch);

// The same for one message that is decoded already.
Incoming FromMessage(v1::Message* message);

// Sets the body of a message that is not plain, in `arena`. Takes out of it what is the server's to say, and what no
// subscriber needs; `audience` stays whole.
void EncodeBody(google::protobuf::Arena* arena, Incoming* incoming);

// Makes the message's request id one of the identity that publishes: it is not the same as another identity's. In
// `arena`; after EncodeBody, as subscribers get it as it was.
void ScopeRequestId(google::protobuf::Arena* arena, absl::string_view identity, Incoming* incoming);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_MESSAGE_INCOMING_H_
