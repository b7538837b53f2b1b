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
  std::string token_file;
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

// As long as it lives, nobody else who has one for this path changes the contexts; waits for that. Without a path, or
// if there can be no lock, it holds nothing: saving then says why.
class ContextsLock {
 public:
  explicit ContextsLock(const std::string& path);
  ~ContextsLock();
  ContextsLock(const ContextsLock&) = delete;
  ContextsLock& operator=(const ContextsLock&) = delete;

 private:
  int file_ = -1;
};

// Puts a new file in the place of the old one, for the user only; of a link, in the place of what it leads to.
absl::Status SaveContexts(const Contexts& contexts, const std::string& path);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_CONTEXTS_H_
