#ifndef NMQ_SERVER_ADMIN_REDRIVE_H_
#define NMQ_SERVER_ADMIN_REDRIVE_H_

#include "absl/status/status.h"
#include "nmq/v1/admin.pb.h"
#include "server/namespace/namespace.h"
#include "server/queue/committer.h"

namespace nmq::broker {

// Publishes the dead letters of a queue anew, as Admin.RedriveDeadLetters says. `committer` is null if the server keeps
// nothing on disk. Waits for the disk; for the committer's thread it would wait for ever.
absl::Status Redrive(Namespace* name_space, Committer* committer, const v1::RedriveDeadLettersRequest& request,
                     v1::RedriveDeadLettersResponse* response);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_ADMIN_REDRIVE_H_
