#ifndef NMQ_SERVER_CALL_CALL_H_
#define NMQ_SERVER_CALL_CALL_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "server/call/quota.h"
#include "server/call/right.h"

namespace nmq {

// How a call came.
enum class Transport { kGrpc };

// The caller, by what it has shown.
struct Principal {
  std::string name;      // of the identity
  std::string token_id;  // by which token it is known
  std::string kept;      // what is kept of that
  Quota quota = {};      // how much it may have and do
};

// What a transport knows of a call besides its request. The first argument of all that answers calls.
struct Call {
  // A call cannot be made without the right that it needs.
  Call(Right needed, Transport by, std::string from) : right(needed), transport(by), peer(std::move(from)) {}

  Right right;
  Transport transport;
  std::string peer;                            // the address that it came from, as its transport writes it
  std::shared_ptr<const Principal> principal;  // null: callers are not asked who they are
  // On the monotonic clock: nobody waits for the answer later. None: the caller waits for ever.
  std::optional<absl::Duration> deadline;
};

}  // namespace nmq

#endif  // NMQ_SERVER_CALL_CALL_H_
