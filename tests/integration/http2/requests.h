// Parts of requests that attackers send.
#ifndef NMQ_TESTS_INTEGRATION_HTTP2_REQUESTS_H_
#define NMQ_TESTS_INTEGRATION_HTTP2_REQUESTS_H_

#include <cstdint>
#include <string>

#include "tests/testing/http2_frames.h"

namespace nmq::http2 {

inline constexpr char kPublish[] = "/nmq.v1.MessageQueue/Publish";

// How connections may end, as Attacker::Note has it.
inline constexpr char kCalm[] = "GOAWAY ENHANCE_YOUR_CALM";
inline constexpr char kRuleBroken[] = "GOAWAY PROTOCOL_ERROR";

// One frame.
std::string Headers(int32_t stream, const std::string& block, bool ends_headers = true);
// A request's headers that the server is to remember, and afterwards, a byte for each.
std::string RememberedBlock(const Fields& fields);
std::string AgainBlock(const Fields& fields);
// Before a message of gRPC.
std::string LengthPrefix(uint32_t length, bool compressed = false);

}  // namespace nmq::http2

#endif  // NMQ_TESTS_INTEGRATION_HTTP2_REQUESTS_H_
