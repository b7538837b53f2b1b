// What the server and gRPC answered, as absl::Status, and what to do about it. All functions are thread-safe.
#ifndef NMQ_CLIENT_CPP_STATUS_H_
#define NMQ_CLIENT_CPP_STATUS_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace nmq {
inline namespace client {

// The same code and message, with the google.rpc details as payloads under their type urls.
absl::Status FromGrpc(const grpc::Status& status);
absl::Status FromRpc(const google::rpc::Status& status);

namespace internal {

// The server no longer knows the session: connect anew.
bool IsSessionLost(const absl::Status& status);

// What the call has shown of who it is was good, and is so no more. A newer token may be at hand.
bool IsCredentialsOver(const absl::Status& status);

// One of both: connecting anew may help, once.
inline bool IsRenewable(const absl::Status& status) { return IsSessionLost(status) || IsCredentialsOver(status); }

// The server itself said so, not gRPC on the way: nothing of the request was taken.
bool IsServersAnswer(const absl::Status& status);

// The server refused what it may take soon: nothing of the request was taken.
bool IsRefusedForNow(const absl::Status& status);

// The connection or the server may be back soon.
bool IsPassing(const absl::Status& status);

// Trying again would be answered the same way.
bool IsFinal(const absl::Status& status);

// The size of the one message that was too large to be received: nothing of it was taken, nor of what came behind it on
// its stream. Nothing if the status is about something else.
std::optional<uint64_t> TooLargeBytes(const absl::Status& status);

// How long the server asks to wait; zero if it does not.
absl::Duration RetryDelay(const absl::Status& status);

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_STATUS_H_
