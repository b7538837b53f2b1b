#ifndef NMQ_CLIENT_CLI_LINE_PUBLISHER_H_
#define NMQ_CLIENT_CLI_LINE_PUBLISHER_H_

#include <cstdint>

#include "client/cli/arguments.h"
#include "client/cli/output.h"
#include "client/cli/stop.h"
#include "client/cpp/client.h"

namespace nmq {
namespace cli {

// Publishes each line of `in` as the arguments say, and says how many it were: also when a signal ends it, or a line is
// refused for a reason that all would be refused for. `bytes` is how much there is to read, 0 if that is not known.
// Returns the exit code.
int PublishLines(Client* client, const Arguments& arguments, int in, uint64_t bytes, Stop* stop, Output* out,
                 Output* err);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_LINE_PUBLISHER_H_
