#include "server/message/proto_fields.h"

namespace nmq::broker {

void SetDuration(absl::Duration duration, google::protobuf::Duration* proto) {
  const int64_t nanos = absl::ToInt64Nanoseconds(duration);
  proto->set_seconds(nanos / 1000000000);
  proto->set_nanos(static_cast<int32_t>(nanos % 1000000000));
}

std::vector<const std::string*> Pointers(const google::protobuf::RepeatedPtrField<std::string>& strings) {
  std::vector<const std::string*> pointers;
  for (const std::string& string : strings) pointers.push_back(&string);
  return pointers;
}

}  // namespace nmq::broker
