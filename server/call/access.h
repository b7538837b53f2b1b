#ifndef NMQ_SERVER_CALL_ACCESS_H_
#define NMQ_SERVER_CALL_ACCESS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/call/call.h"

namespace nmq {

// Decides what a caller may do. Asked once for each call, and once for each stream, in one place: Broker::Admit.
// Implementations are thread-safe, and quick: they are asked on the threads that serve.
class Access {
 public:
  virtual ~Access() = default;

  // Whether `call` may use its right in the namespace. `name_space` is empty where the call concerns all of them. The
  // status is what the caller is told.
  virtual absl::Status Check(const Call& call, Right right, absl::string_view name_space) const = 0;
};

// Everybody may do everything. Lives for ever.
const Access& OpenAccess();

}  // namespace nmq

#endif  // NMQ_SERVER_CALL_ACCESS_H_
