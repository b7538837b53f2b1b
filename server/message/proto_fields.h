#ifndef NMQ_SERVER_MESSAGE_PROTO_FIELDS_H_
#define NMQ_SERVER_MESSAGE_PROTO_FIELDS_H_

#include <string>
#include <vector>

#include "google/protobuf/repeated_ptr_field.h"

namespace nmq::broker {

// Fields of requests and answers as this code has them.

// Valid as long as `strings` is not changed.
std::vector<const std::string*> Pointers(const google::protobuf::RepeatedPtrField<std::string>& strings);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_MESSAGE_PROTO_FIELDS_H_
