#ifndef NMQ_SERVER_CALL_ACCESS_H_
#define NMQ_SERVER_CALL_ACCESS_H_

#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/call/call.h"

namespace nmq {

// Decides who calls and what a caller may do. Implementations are thread-safe, and quick: they are asked on the threads
// that serve.
class Access {
 public:
  virtual ~Access() = default;

  // Who calls, by the call's metadata `authorization` or, without that, by the certificate of its connection, null if
  // it has none; null if callers are not asked. UNAUTHENTICATED if it is nobody. Asked for each call before anything
  // else is done with it, in one place: rpc::MethodTable.
  virtual absl::StatusOr<std::shared_ptr<const Principal>> Identify(std::optional<absl::string_view> authorization,
                                                                    const ClientCertificate* certificate) const = 0;

  // Whether `call` may use its right in the namespace. `name_space` is empty where the call concerns all of them. The
  // status is what the caller is told; NOT_FOUND, without a message, if it may do nothing there, so that it is to be
  // told what it is told of a namespace that does not exist. Asked once for each call, and for each stream again when
  // what may be done changes, in one place: Broker::Admit.
  virtual absl::Status Check(const Call& call, Right right, absl::string_view name_space) const = 0;
};

// Everybody may do everything. Lives for ever.
const Access& OpenAccess();

}  // namespace nmq

#endif  // NMQ_SERVER_CALL_ACCESS_H_
