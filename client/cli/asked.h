// How a command chose its server.
#ifndef NMQ_CLIENT_CLI_ASKED_H_
#define NMQ_CLIENT_CLI_ASKED_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace nmq {
namespace cli {

// What advice needs, to name commands that go to the same server.
struct Asked {
  // The context that says the server; empty if something else does.
  std::string context = {};
  // What was typed of --server and the like, and of --namespace, to be typed again; each with a space before it. Never
  // a token.
  std::string server_options = {};
  std::string namespace_option = {};

  // "nmq queue create DB --server other:50051" of "queue create DB". `in_namespace`: it takes --namespace.
  std::string Command(absl::string_view words, bool in_namespace = true) const;
};

// The value of the option in these words, the last one if there are several; empty if it is not there.
std::string TypedOption(const std::vector<std::string>& words, absl::string_view option);

// The options of Asked, by what was typed.
void TakeTypedOptions(const std::vector<std::string>& words, Asked* asked);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_ASKED_H_
