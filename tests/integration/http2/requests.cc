#include "tests/integration/http2/requests.h"

#include <nghttp2/nghttp2.h>

namespace nmq::http2 {

std::string Headers(int32_t stream, const std::string& block, bool ends_headers) {
  return ToBytes(NGHTTP2_HEADERS, ends_headers ? NGHTTP2_FLAG_END_HEADERS : 0, stream, block);
}

std::string RememberedBlock(const Fields& fields) {
  std::string block;
  for (const auto& field : fields) {
    std::string one = HeaderBlock({field});
    one[0] = 0x40;
    block += one;
  }
  return block;
}

std::string AgainBlock(const Fields& fields) {
  std::string block;
  for (size_t i = fields.size(); i > 0; --i) block.push_back(static_cast<char>(0x80 | (61 + i)));
  return block;
}

std::string LengthPrefix(uint32_t length, bool compressed) {
  return std::string(1, compressed ? '\1' : '\0') + BigEndian(length);
}

}  // namespace nmq::http2
