#ifndef NMQ_SERVER_CALL_ACCESS_H_
#define NMQ_SERVER_CALL_ACCESS_H_

#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nmq/v1/registry.pb.h"
#include "server/call/call.h"
#include "server/call/named.h"

namespace nmq {

// What one caller may do in one namespace, chosen once so that many questions are quick. It does not see what changes
// later: for one request, on one thread.
class AccessView {
 public:
  virtual ~AccessView() = default;

  // Whether Access::Check says OK of this.
  virtual bool Has(Right right, absl::string_view queue, absl::string_view room) = 0;
};

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

  // Whether `call` may use its right for what is named. The status is what the caller is told; NOT_FOUND, without a
  // message, if it may do nothing with the queue that is named, or in the namespace, so that it is to be told what it
  // is told of one that does not exist. Asked for each call, and for each stream again when what may be done changes,
  // in one place: Broker::Admit.
  virtual absl::Status Check(const Call& call, Right right, const Named& what) const = 0;

  // For a call that names much. Nothing is had by a caller whom Check refuses everything.
  virtual std::unique_ptr<AccessView> View(const Call& call, absl::string_view name_space) const = 0;

  // The same as Check of somebody who called once, whether or not what it has shown then would do now. The answer for
  // null is that for callers who are not asked.
  virtual bool Grants(const Principal* to, Right right, const Named& what) const = 0;

  // What Registry.Explain answers. PERMISSION_DENIED if the caller may not ask about the identity.
  virtual absl::Status Explain(const Call& call, const v1::ExplainRequest& request,
                               v1::ExplainResponse* response) const = 0;
};

// Everybody may do everything. Lives for ever.
const Access& OpenAccess();

}  // namespace nmq

#endif  // NMQ_SERVER_CALL_ACCESS_H_
