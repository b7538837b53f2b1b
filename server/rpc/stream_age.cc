#include "server/rpc/stream_age.h"

#include <cstdint>

#include "absl/types/span.h"
#include "server/base/errors.h"

namespace nmq::rpc {

absl::Duration StreamLife(absl::Duration age, Random& random) {
  uint8_t bytes[2];
  random.Fill(absl::MakeSpan(bytes));
  const double part = (bytes[0] * 256 + bytes[1]) / 65536.0;
  return age - age * (part / 10);
}

absl::Status StreamAged() {
  return Unavailable("STREAM_AGED", "the stream is as old as stream_age lets it be; begin a new one, from where it was",
                     absl::ZeroDuration());
}

}  // namespace nmq::rpc
