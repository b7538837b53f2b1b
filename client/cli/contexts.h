// Servers that are kept by name, in $XDG_CONFIG_HOME/nmq/contexts.json, or ~/.config/nmq/contexts.json.
#ifndef NMQ_CLIENT_CLI_CONTEXTS_H_
#define NMQ_CLIENT_CLI_CONTEXTS_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nmq {
namespace cli {

// What is not said is empty. Files have absolute paths.
struct Context {
  std::string server;
  std::string namespace_name;
  std::string token;
  std::string tls_ca;
  std::string tls_certificate;
  std::string tls_key;
};

struct Contexts {
  std::map<std::string, Context> by_name;
  // The one that is used where none is named; empty for none.
  std::string used;
};

// Where they are kept; empty if there is neither XDG_CONFIG_HOME nor HOME.
std::string ContextsPath();

// Nothing, if there is no such file. INVALID_ARGUMENT, with the path, if it is not understood.
absl::StatusOr<Contexts> LoadContexts(const std::string& path);

// Puts a new file in the place of the old one, for the user only.
absl::Status SaveContexts(const Contexts& contexts, const std::string& path);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_CONTEXTS_H_
