// The message that the arguments describe.
#ifndef NMQ_CLIENT_CLI_MESSAGE_TEMPLATE_H_
#define NMQ_CLIENT_CLI_MESSAGE_TEMPLATE_H_

#include "absl/time/time.h"
#include "client/cli/arguments.h"
#include "nmq/v1/message.pb.h"

namespace nmq {
namespace cli {

// The message without its payload and times.
v1::Message MakeTemplate(const Arguments& arguments);

// Sets the times that count from `now`.
void SetTimes(const Arguments& arguments, absl::Time now, v1::Message* message);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_MESSAGE_TEMPLATE_H_
