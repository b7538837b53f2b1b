#include "server/call/right.h"

namespace nmq {

absl::string_view NameOf(Right right) {
  switch (right) {
    case Right::kConnect:
      return "connect";
    case Right::kPublish:
      return "publish";
    case Right::kSubscribe:
      return "subscribe";
    case Right::kJoin:
      return "join";
    case Right::kInspect:
      return "inspect";
    case Right::kAdmin:
      return "admin";
    case Right::kNone:
      return "none";
  }
  return "unknown";
}

}  // namespace nmq
