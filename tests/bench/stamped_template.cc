#include "tests/bench/stamped_template.h"

#include <grpcpp/support/slice.h>

#include <algorithm>
#include <cstring>

namespace nmq::bench {
namespace {

// Not found in anything else that a request holds: names are ASCII.
constexpr char kPlace[] = "\xff\x00\xfe\x01\xfd\x02\xfc\x03";
constexpr size_t kPlaceBytes = sizeof(int64_t);

}  // namespace

std::string StampablePayload(int bytes) {
  std::string payload(kPlace, kPlaceBytes);
  payload.resize(static_cast<size_t>(std::max(bytes, static_cast<int>(kPlaceBytes))), 'x');
  return payload;
}

StampedTemplate::StampedTemplate(const google::protobuf::MessageLite& request) : bytes_(request.SerializeAsString()) {
  const std::string place(kPlace, kPlaceBytes);
  for (size_t at = bytes_.find(place); at != std::string::npos; at = bytes_.find(place, at + kPlaceBytes)) {
    places_.push_back(at);
  }
}

grpc::ByteBuffer StampedTemplate::Stamp(int64_t timestamp) const {
  grpc::Slice slice(bytes_.size());
  // Nobody else knows the slice yet.
  auto* const bytes = const_cast<uint8_t*>(slice.begin());
  std::memcpy(bytes, bytes_.data(), bytes_.size());
  for (const size_t place : places_) std::memcpy(bytes + place, &timestamp, kPlaceBytes);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace nmq::bench
