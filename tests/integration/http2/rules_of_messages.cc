// RFC 9113, section 8, and RFC 7541.
#include <nghttp2/nghttp2.h>

#include "tests/integration/http2/rules.h"
#include "tests/testing/http2_frames.h"

namespace nmq::http2 {
namespace {

constexpr Reaction kPassed = {Reaction::Kind::kPassed};
constexpr Reaction kReset = {Reaction::Kind::kReset, NGHTTP2_PROTOCOL_ERROR};
constexpr Reaction kCompression = {Reaction::Kind::kGoAway, NGHTTP2_COMPRESSION_ERROR};

constexpr uint8_t kEndHeaders = NGHTTP2_FLAG_END_HEADERS;
constexpr uint8_t kEndStream = NGHTTP2_FLAG_END_STREAM;

Fields Request() { return GrpcRequest("/nmq.v1.MessageQueue/PublishStream"); }
// A request with these headers, too.
std::string With(const Fields& more, bool end = false) {
  Fields fields = Request();
  fields.insert(fields.end(), more.begin(), more.end());
  return HeaderFrames(1, end, fields);
}
std::string Without(const std::string& name) {
  Fields fields;
  for (const auto& field : Request()) {
    if (field.first != name) fields.push_back(field);
  }
  return HeaderFrames(1, false, fields);
}
std::string Trailers(const Fields& fields, uint8_t flags = kEndStream) {
  return ToBytes(NGHTTP2_HEADERS, kEndHeaders | flags, 1, HeaderBlock(fields));
}
std::string Data(const std::string& bytes, bool end = false) {
  return ToBytes(NGHTTP2_DATA, end ? kEndStream : 0, 1, bytes);
}
// A request whose block begins or ends with these bytes.
std::string Begun(const std::string& bytes) {
  return ToBytes(NGHTTP2_HEADERS, kEndHeaders, 1, bytes + HeaderBlock(Request()));
}
std::string Ended(const std::string& bytes) {
  return ToBytes(NGHTTP2_HEADERS, kEndHeaders, 1, HeaderBlock(Request()) + bytes);
}

void AddRulesOfFields(std::vector<Rule>* rules) {
  const std::vector<Rule> more = {
      {"8.2.1", "a name with a capital letter", With({{"X-Name", "v"}}), kReset},
      {"8.2.1", "a name with a space", With({{"x name", "v"}}), kReset},
      {"8.2.1", "a value with a line feed", With({{"x-name", "a\nb"}}), kReset},
      {"8.2.1", "a value with a zero", With({{"x-name", std::string("a\0b", 3)}}), kReset},
      {"8.2.1", "an empty name", With({{"", "v"}}), kReset},
      {"8.2.2", "connection", With({{"connection", "keep-alive"}}), kReset},
      {"8.2.2", "keep-alive", With({{"keep-alive", "1"}}), kReset},
      {"8.2.2", "proxy-connection", With({{"proxy-connection", "keep-alive"}}), kReset},
      {"8.2.2", "transfer-encoding", With({{"transfer-encoding", "chunked"}}), kReset},
      {"8.2.2", "upgrade", With({{"upgrade", "h2c"}}), kReset},
      {"8.2.2", "te that is not trailers", With({{"te", "gzip"}}), kReset},
      {"8.3", "a pseudo-header after others", With({{":path", "/x/Y"}}), kReset},
      {"8.3", "an unknown pseudo-header",
       HeaderFrames(1, false, {{":method", "POST"}, {":scheme", "http"}, {":path", "/x/Y"}, {":x", "y"}}), kReset},
      {"8.3", "a pseudo-header of responses",
       HeaderFrames(1, false, {{":status", "200"}, {":method", "POST"}, {":scheme", "http"}, {":path", "/x/Y"}}),
       kReset},
      {"8.3", "a pseudo-header in trailers", With({}) + Trailers({{":path", "/x/Y"}}), kReset},
      {"8.3.1", "no :method", Without(":method"), kReset},
      {"8.3.1", "no :scheme", Without(":scheme"), kReset},
      {"8.3.1", "no :path", Without(":path"), kReset},
      {"8.3.1", "an empty :path", HeaderFrames(1, false, {{":method", "POST"}, {":scheme", "http"}, {":path", ""}}),
       kReset},
      {"8.3.1", ":path twice",
       HeaderFrames(1, false, {{":method", "POST"}, {":scheme", "http"}, {":path", "/x/Y"}, {":path", "/x/Y"}}),
       kReset},
      {"8.3.1", ":method twice",
       HeaderFrames(1, false, {{":method", "POST"}, {":method", "POST"}, {":scheme", "http"}, {":path", "/x/Y"}}),
       kReset},
      {"8.3.1",
       "GET",
       HeaderFrames(1, true, {{":method", "GET"}, {":scheme", "http"}, {":path", "/x/Y"}, {":authority", "test"}}),
       {Reaction::Kind::kAnswers, 405}},
      {"8.5", "CONNECT with :path",
       HeaderFrames(1, false, {{":method", "CONNECT"}, {":authority", "test"}, {":path", "/x/Y"}}), kReset},
  };
  rules->insert(rules->end(), more.begin(), more.end());
}

void AddRulesOfBodies(std::vector<Rule>* rules) {
  const std::vector<Rule> more = {
      {"8.1", "trailers", With({}) + Trailers({{"x-name", "v"}}), kPassed},
      {"8.1", "trailers that do not end the request", With({}) + Trailers({{"x-name", "v"}}, 0), kReset},
      {"8.1.1",
       "content-length that is right",
       With({{"content-length", "5"}}) + Data(std::string(5, '\0'), true),
       {Reaction::Kind::kAnswers, 200}},
      {"8.1.1", "content-length that is less than comes", With({{"content-length", "4"}}) + Data(std::string(5, '\0')),
       kReset},
      {"8.1.1", "content-length that is more than comes",
       With({{"content-length", "6"}}) + Data(std::string(5, '\0'), true), kReset},
      {"8.1.1", "content-length of a request without a body", With({{"content-length", "1"}}, true), kReset},
      {"8.1.1", "content-length that is no number", With({{"content-length", "1x"}}), kReset},
      {"8.1.1", "content-length twice", With({{"content-length", "5"}, {"content-length", "5"}}), kReset},
  };
  rules->insert(rules->end(), more.begin(), more.end());
}

}  // namespace

std::vector<Rule> RulesOfMessages() {
  std::vector<Rule> rules;
  AddRulesOfFields(&rules);
  AddRulesOfBodies(&rules);
  return rules;
}

std::vector<Rule> RulesOfHpack() {
  const std::string name = std::string("\0", 1) + '\x06' + "x-name";
  return {
      {"7541 2.3.3", "an index beyond both tables", Ended("\xbe"), kCompression},
      {"7541 2.3.3", "a name's index beyond both tables", Ended("\x7e\1v"), kCompression},
      {"7541 4.2", "a table of no size", Begun("\x20"), kPassed},
      {"7541 4.2", "a table of no size, and then of 4,096 bytes", Begun("\x20\x3f\xe1\x1f"), kPassed},
      {"7541 4.2", "a table's size after a field", Ended("\x20"), kCompression},
      {"7541 5.1", "a number without end", Ended("\xff\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"), kCompression},
      {"7541 5.1", "a number beyond 2^32", Ended("\xff\xff\xff\xff\xff\xff\x0f"), kCompression},
      {"7541 5.2", "Huffman's code with the end of the string in it", Ended(name + '\x84' + "\xff\xff\xff\xfc"),
       kCompression},
      {"7541 5.2", "Huffman's code with more than 7 bits of padding", Ended(name + '\x82' + "\x1f\xff"), kCompression},
      {"7541 5.2", "Huffman's code with padding that is not ones", Ended(name + '\x81' + std::string(1, '\x18')),
       kCompression},
      {"7541 5.2", "Huffman's code that is right", Ended(name + '\x81' + '\x1f'), kPassed},
      {"7541 5.2", "a string that is longer than the block", Ended(name + '\x7f' + std::string("\0x", 2)),
       kCompression},
      {"7541 6.1", "index 0", Ended("\x80"), kCompression},
      {"7541 6.2", "a field that is not whole", Ended("\x40"), kCompression},
      {"7541 6.2.3", "a field that is never indexed", Ended(std::string("\x10\x06x-name\x01v")), kPassed},
      {"7541 6.3", "a table that is larger than the server lets it be", Begun("\x3f\xe2\x1f"), kCompression},
  };
}

}  // namespace nmq::http2
