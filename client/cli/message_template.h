// The message that the arguments describe.
#ifndef NMQ_CLIENT_CLI_MESSAGE_TEMPLATE_H_
#define NMQ_CLIENT_CLI_MESSAGE_TEMPLATE_H_

#include "client/cli/arguments.h"
#include "nmq/v1/message.pb.h"

namespace nmq {
namespace cli {

// The message without its payload.
v1::Message MakeTemplate(const Arguments& arguments);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_MESSAGE_TEMPLATE_H_
