#include "server/rpc/exchange.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq::rpc {

absl::Status NotDecoded(const google::protobuf::MessageLite& message) {
  return InvalidArgument("request", absl::StrCat("the bytes are no valid ", message.GetTypeName()));
}

absl::Status PlainRequestBytes::Decode(google::protobuf::MessageLite* message) const {
  if (message->ParseFromArray(bytes_.data(), static_cast<int>(bytes_.size()))) return absl::OkStatus();
  return NotDecoded(*message);
}

}  // namespace nmq::rpc
