#ifndef NMQ_SERVER_CALL_RIGHT_H_
#define NMQ_SERVER_CALL_RIGHT_H_

#include "absl/strings/string_view.h"

namespace nmq {

// What a call needs to be allowed: rpc_rights.h has the right of each rpc. kNone: that the server knows who calls.
enum class Right { kConnect, kPublish, kSubscribe, kJoin, kInspect, kAdmin, kNone };

// Such as "connect".
absl::string_view NameOf(Right right);

}  // namespace nmq

#endif  // NMQ_SERVER_CALL_RIGHT_H_
