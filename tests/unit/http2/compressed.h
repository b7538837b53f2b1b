#ifndef NMQ_TESTS_UNIT_HTTP2_COMPRESSED_H_
#define NMQ_TESTS_UNIT_HTTP2_COMPRESSED_H_

#include <string>

namespace nmq::http2 {

// What zlib calls the bits of its window, and by them tells its formats apart.
enum class Format { kZlib = 15, kGzip = 15 + 16 };

// `bytes` in this format, as small as zlib makes it.
std::string Compressed(const std::string& bytes, Format format);

}  // namespace nmq::http2

#endif  // NMQ_TESTS_UNIT_HTTP2_COMPRESSED_H_
