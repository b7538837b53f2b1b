#include "server/rpc/stream_age.h"

#include "base/errors.h"

namespace nmq::rpc {

absl::Duration StreamLife(absl::Duration age, Random& random) { return age - age * (RandomFraction(random) / 10); }

absl::Status StreamAged() {
  return Unavailable("STREAM_AGED", "the stream is as old as stream_age lets it be; begin a new one, from where it was",
                     absl::ZeroDuration());
}

}  // namespace nmq::rpc
