#ifndef NMQ_SERVER_NAMESPACE_CLIENT_FILTER_H_
#define NMQ_SERVER_NAMESPACE_CLIENT_FILTER_H_

#include "absl/status/status.h"
#include "nmq/v1/registry.pb.h"
#include "server/limits/limits.h"
#include "server/namespace/namespace.h"

namespace nmq::broker {

// INVALID_ARGUMENT if something that must be a name is none.
absl::Status CheckFilter(const v1::ClientFilter& filter, const Limits& limits);

// Whether the filter lets all clients through.
bool IsEmpty(const v1::ClientFilter& filter);

// Whether a client is one of those; its rooms have been seen to, by Namespace::VisitClients.
bool Passes(const v1::ClientFilter& filter, const Namespace::ClientView& client);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_NAMESPACE_CLIENT_FILTER_H_
