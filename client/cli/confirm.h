// Asking before what cannot be undone.
#ifndef NMQ_CLIENT_CLI_CONFIRM_H_
#define NMQ_CLIENT_CLI_CONFIRM_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "client/cli/arguments.h"
#include "client/cli/output.h"

namespace nmq {
namespace cli {

// True if the person at the terminal answers yes, or there is nobody to ask: with --yes, or when standard input or
// `err` is no terminal. `question` is called to ask, and ends with a question mark.
bool Confirm(absl::FunctionRef<std::string()> question, const Arguments& arguments, Output* err);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_CONFIRM_H_
