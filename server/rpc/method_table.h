#ifndef NMQ_SERVER_RPC_METHOD_TABLE_H_
#define NMQ_SERVER_RPC_METHOD_TABLE_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "server/rpc/exchange.h"

namespace nmq::rpc {

// The methods that a loop serves, by their path, such as "/nmq.v1.MessageQueue/Join". For the loop's thread, but for
// Add, which comes before the loop starts.
class MethodTable {
 public:
  // Begins to serve a call: gives its handler, which may have asked something of the exchange already.
  using Begin = std::function<Handler*(Exchange*)>;

  // Each path once.
  void Add(const std::string& path, Begin begin) { methods_[path] = std::move(begin); }

  // Begins to serve a call of `path`; one of a method that is not there ends with UNIMPLEMENTED.
  Handler* Serve(absl::string_view path, Exchange* exchange) const;

  // All paths, in their order.
  std::vector<std::string> paths() const;

 private:
  absl::flat_hash_map<std::string, Begin> methods_;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_METHOD_TABLE_H_
