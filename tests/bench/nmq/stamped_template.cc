#include "tests/bench/nmq/stamped_template.h"

#include <grpcpp/support/slice.h>

#include <algorithm>

namespace nmq::bench {
namespace {

// Not found in anything else that a request holds: names are ASCII.
constexpr char kPlace[] = "\xff\x00\xfe\x01\xfd\x02\xfc\x03\xff\x04\xfe\x05\xfd\x06\xfc\x07";
static_assert(sizeof(kPlace) == kStampBytes + 1);

}  // namespace

std::string StampablePayload(int bytes) {
  std::string payload(kPlace, kStampBytes);
  payload.resize(std::max(static_cast<size_t>(bytes), kStampBytes), 'x');
  return payload;
}

StampedTemplate::StampedTemplate(const google::protobuf::MessageLite& request) : bytes_(request.SerializeAsString()) {
  const std::string place(kPlace, kStampBytes);
  for (size_t at = bytes_.find(place); at != std::string::npos; at = bytes_.find(place, at + kStampBytes)) {
    places_.push_back(at);
  }
}

grpc::ByteBuffer StampedTemplate::Write(Stamp first) const {
  grpc::Slice slice(bytes_.size());
  // Nobody else knows the slice yet.
  char* const bytes = reinterpret_cast<char*>(const_cast<uint8_t*>(slice.begin()));
  std::copy(bytes_.begin(), bytes_.end(), bytes);
  for (const size_t place : places_) {
    WriteStamp(first, bytes + place);
    ++first.number;
  }
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace nmq::bench
