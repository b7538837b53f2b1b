#ifndef NMQ_SERVER_HTTP2_CALLERS_H_
#define NMQ_SERVER_HTTP2_CALLERS_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "server/call/call.h"
#include "server/limits/identities.h"
#include "server/limits/share.h"

namespace nmq::http2 {

// The identities that have called by a connection: it counts as one of each. A connection of a proxy may be that of
// many; then it counts for those that called last. On the loop's thread only.
class Callers {
 public:
  static constexpr size_t kCallersMax = 16;

  // It calls. RESOURCE_EXHAUSTED, with the limit, if it may have no further connection.
  absl::Status Add(const std::shared_ptr<const Principal>& caller, Identities* identities);

 private:
  struct Caller {
    std::shared_ptr<const Principal> who;
    Share connection;
  };
  std::vector<Caller> callers_;  // in the order in which they came
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_CALLERS_H_
