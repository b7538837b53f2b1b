// Errors in words, for the person at the terminal.
#ifndef NMQ_CLIENT_CLI_EXPLAIN_H_
#define NMQ_CLIENT_CLI_EXPLAIN_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/cli/asked.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq {
namespace cli {

// What the process ends with.
inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

// "cannot reach HOST:PORT: connection refused. Is nmqd running? ...", with advice that fits, or the server's own words,
// with options and commands in the place of fields and rpcs, and with the code.
std::string Explain(const absl::Status& status, absl::string_view server, const Asked& asked = {});

// The same for programs: an object with error: code, message; reason, field, limit, value and the like if the server
// said them.
std::string ErrorJson(const absl::Status& status, absl::string_view server, const Asked& asked = {});

// What happened, without advice: "connection refused", or the server's own words.
std::string ExplainBriefly(const absl::Status& status, const Asked& asked = {});

// "at most 3 messages of DB missing (sequences 5 to 7): this subscriber was too slow"
std::string Explain(const v1::Gap& gap);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_EXPLAIN_H_
