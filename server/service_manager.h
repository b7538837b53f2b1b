// Tells the service manager, such as systemd, how far nmqd is.
#ifndef NMQ_SERVER_SERVICE_MANAGER_H_
#define NMQ_SERVER_SERVICE_MANAGER_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace nmq {

// Sends lines such as "READY=1" as one datagram to the socket that NOTIFY_SOCKET names, as sd_notify(3) has it; nothing
// if the variable is not set, since no manager asks then. An error names the socket, and changes nothing else: the
// manager decides what silence means.
absl::Status NotifyServiceManager(absl::string_view state);

}  // namespace nmq

#endif  // NMQ_SERVER_SERVICE_MANAGER_H_
