// The mark of an error by which a call was refused what it asks for, whatever its caller is told. Servers keep it to
// themselves (ToProto).
#ifndef NMQ_SERVER_CALL_REFUSAL_H_
#define NMQ_SERVER_CALL_REFUSAL_H_

#include "absl/status/status.h"
#include "absl/strings/cord.h"

namespace nmq {

inline constexpr char kRefusalMark[] = "nmq/refusal";

inline absl::Status MarkRefusal(absl::Status status) {
  status.SetPayload(kRefusalMark, absl::Cord());
  return status;
}

inline bool IsRefusal(const absl::Status& status) { return status.GetPayload(kRefusalMark).has_value(); }

}  // namespace nmq

#endif  // NMQ_SERVER_CALL_REFUSAL_H_
