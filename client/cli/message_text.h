// Messages and gaps as lines, without line end. All functions are thread-safe.
#ifndef NMQ_CLIENT_CLI_MESSAGE_TEXT_H_
#define NMQ_CLIENT_CLI_MESSAGE_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "nmq/v1/message.pb.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq {
namespace cli {

// How a message is shown.
struct Look {
  // Without its payload.
  bool headers_only = false;
  // The date before the time; of lines.
  bool date = false;
  // In colours; of lines.
  bool colors = false;
};

// An object with namespace, queue, event, sequence, epoch, id, publish_time, publisher, rooms, headers; key,
// content_type and reply_to if they are set; attempt, if it is not the first; dead_letter, of one: queue, epoch,
// sequence, group, attempts, reason, time; and payload, or payload_base64 if it is no UTF-8.
std::string MessageJson(const v1::Message& message, absl::string_view namespace_name, const Look& look = {});

// An object with namespace, and gap: queue, epoch, first, reason; last and count if they are known.
std::string GapJson(const v1::Gap& gap, absl::string_view namespace_name);

// "21:36:43.123 DB CREATE 17 rooms=kitchen | payload"; of a dead letter also "dead=MAX_ATTEMPTS attempts=5 of=JOBS/17
// group=workers".
std::string MessageLine(const v1::Message& message, const Look& look = {});

// An object with client_id; content_type and headers if there are some; payload or payload_base64; and error, with code
// and message, if it could not answer.
std::string AnswerJson(const v1::Answer& answer);

// "c-1 | payload"
std::string AnswerLine(const v1::Answer& answer);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_MESSAGE_TEXT_H_
