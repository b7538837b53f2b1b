#ifndef NMQ_SERVER_RPC_METHOD_TABLE_H_
#define NMQ_SERVER_RPC_METHOD_TABLE_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "server/audit/audit_log.h"
#include "server/call/access.h"
#include "server/limits/identities.h"
#include "server/metrics/metrics.h"
#include "server/rpc/exchange.h"

namespace nmq::rpc {

// The methods that a loop serves, by their path, such as "/nmq.v1.MessageQueue/Join", to those who are known. For the
// loop's thread, but for what comes before the loop starts.
class MethodTable {
 public:
  // Begins to serve a call: gives its handler, which may have asked something of the exchange already.
  using Begin = std::function<Handler*(Exchange*)>;

  // Before the loop starts: each path once; one that anybody may call, whoever it is; who decides that, everybody
  // without it. `access`, and `metrics` and `audit`, which count and name those who are turned away, must
  // outlive the table.
  void Add(const std::string& path, Begin begin) { methods_[path].begin = std::move(begin); }
  void Open(const std::string& path) { methods_[path].open = true; }
  void set_access(const Access* access, Metrics* metrics, AuditLog* audit) {
    access_ = access;
    metrics_ = metrics;
    audit_ = audit;
  }
  // What those who call have and do is counted in `identities`, which must outlive the table, by this clock. One of
  // Registry or Admin is counted as that.
  void set_identities(Identities* identities, const Clock* clock) {
    identities_ = identities;
    clock_ = clock;
  }
  void Control(const std::string& path) { methods_[path].control = true; }

  // Begins to serve a call of `path`; one of a method that is not there ends with UNIMPLEMENTED.
  Handler* Serve(absl::string_view path, Exchange* exchange) const;

  // All paths, in their order.
  std::vector<std::string> paths() const;

 private:
  struct Method {
    Begin begin;
    bool open = false;
    bool control = false;
  };
  // Gives the exchange its caller; an error is for the caller.
  absl::Status Admit(const Method& method, Exchange* exchange) const;

  absl::flat_hash_map<std::string, Method> methods_;
  const Access* access_ = &OpenAccess();
  Metrics* metrics_ = nullptr;        // null: not counted
  AuditLog* audit_ = nullptr;         // null: not written down
  Identities* identities_ = nullptr;  // likewise
  const Clock* clock_ = nullptr;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_METHOD_TABLE_H_
