#include "server/message/proto_fields.h"

namespace nmq::broker {

std::vector<const std::string*> Pointers(const google::protobuf::RepeatedPtrField<std::string>& strings) {
  std::vector<const std::string*> pointers;
  for (const std::string& string : strings) pointers.push_back(&string);
  return pointers;
}

}  // namespace nmq::broker
