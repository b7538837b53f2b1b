// How long streams live, so that clients spread over the servers that are there.
#ifndef NMQ_SERVER_RPC_STREAM_AGE_H_
#define NMQ_SERVER_RPC_STREAM_AGE_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/random.h"

namespace nmq::rpc {

// How long a stream still lives once it was asked to leave because of its age.
inline constexpr absl::Duration kAgeGrace = absl::Seconds(5);

// How long one stream lives before it is asked to leave: `age` less a random part of a tenth, another one each time, so
// that streams that began together do not end together.
absl::Duration StreamLife(absl::Duration age, Random& random);

// What a stream of that age ends with: UNAVAILABLE, reason STREAM_AGED.
absl::Status StreamAged();

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_STREAM_AGE_H_
