#ifndef NMQ_SERVER_ADMIN_REDRIVE_H_
#define NMQ_SERVER_ADMIN_REDRIVE_H_

#include <atomic>
#include <functional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/worker.h"
#include "nmq/v1/admin.pb.h"
#include "server/namespace/namespace.h"
#include "server/queue/committer.h"

namespace nmq::broker {

// Publishes the dead letters of a queue anew, to the queues that they come from, and deletes them there: as
// Admin.RedriveDeadLetters says. Many are done in many steps, each a task of `worker`; between them others have their
// turn. Once `stop` is set it stops, as at a message that cannot be published. `done` is called once, here or on the
// worker's thread. All that is pointed to must live until then.
using RedriveDone = std::function<void(absl::StatusOr<v1::RedriveDeadLettersResponse>)>;
// `may` says whether the caller may publish in a queue.
using MayRedrive = std::function<bool(absl::string_view queue)>;
void Redrive(Namespace* name_space, Committer* committer, Worker* worker, const std::atomic<bool>* stop,
             const v1::RedriveDeadLettersRequest& request, MayRedrive may, RedriveDone done);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_ADMIN_REDRIVE_H_
