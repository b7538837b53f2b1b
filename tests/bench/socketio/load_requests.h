#ifndef NMQ_TESTS_BENCH_SOCKETIO_LOAD_REQUESTS_H_
#define NMQ_TESTS_BENCH_SOCKETIO_LOAD_REQUESTS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/bench/harness/histogram.h"
#include "tests/bench/socketio/json.h"

namespace nmq::bench {

// How long load.mjs may take: it gives up before that by itself. Connecting many sockets takes its time.
inline constexpr absl::Duration kOpenPatience = absl::Seconds(120);
inline constexpr absl::Duration kFinishPatience = absl::Seconds(60);
inline constexpr absl::Duration kCallPatience = absl::Seconds(20);
// Whether something has failed or is done, is asked this often at the most: asking costs the clients' time.
inline constexpr absl::Duration kStateAge = absl::Milliseconds(20);

// A request of load.mjs; `target` is the id of a subscriber set or publisher, or 0.
JsonObject MakeRequest(absl::string_view op, double target);

uint64_t CountAt(const JsonObject& answer, absl::string_view field);
// What the answer says under "failure", if it says anything.
absl::Status FailureOf(const JsonObject& answer);
// A list of [value, count].
Histogram HistogramAt(const JsonObject& answer, absl::string_view field);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_SOCKETIO_LOAD_REQUESTS_H_
