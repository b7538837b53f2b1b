// RFC 9113, sections 3 to 6.
#include <nghttp2/nghttp2.h>

#include "tests/integration/http2/rules.h"
#include "tests/testing/http2_frames.h"

namespace nmq::http2 {
namespace {

constexpr Reaction kPassed = {Reaction::Kind::kPassed};
constexpr Reaction kProtocol = {Reaction::Kind::kGoAway, NGHTTP2_PROTOCOL_ERROR};
constexpr Reaction kFrameSize = {Reaction::Kind::kGoAway, NGHTTP2_FRAME_SIZE_ERROR};
constexpr Reaction kFlow = {Reaction::Kind::kGoAway, NGHTTP2_FLOW_CONTROL_ERROR};
constexpr Reaction kClosed = {Reaction::Kind::kGoAway, NGHTTP2_STREAM_CLOSED};
constexpr Reaction kCompression = {Reaction::Kind::kGoAway, NGHTTP2_COMPRESSION_ERROR};

constexpr uint8_t kEndHeaders = NGHTTP2_FLAG_END_HEADERS;
constexpr uint8_t kEndStream = NGHTTP2_FLAG_END_STREAM;

// A call that stays open in both directions.
std::string Open(int32_t stream = 1) {
  return HeaderFrames(stream, false, GrpcRequest("/nmq.v1.MessageQueue/PublishStream"));
}
// One whose request is whole and whose answer goes on.
std::string HalfClosed() {
  return HeaderFrames(1, false, GrpcRequest("/grpc.health.v1.Health/Watch")) +
         ToBytes(NGHTTP2_DATA, kEndStream, 1, std::string(5, '\0'));
}
// One that the client has reset.
std::string Closed() { return Open() + ToBytes(NGHTTP2_RST_STREAM, 0, 1, BigEndian(NGHTTP2_CANCEL)); }
std::string Block() { return HeaderBlock(GrpcRequest("/nmq.v1.MessageQueue/PublishStream")); }
std::string Setting(uint16_t id, uint32_t value) {
  return ToBytes(NGHTTP2_SETTINGS, 0, 0, BigEndian(id).substr(2) + BigEndian(value));
}
std::string Priority(uint32_t on) { return BigEndian(on) + '\x10'; }

void AddRulesOfFraming(std::vector<Rule>* rules) {
  const std::vector<Rule> more = {
      {"3.4", "a preface that is none", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", kProtocol, "", false},
      {"3.4", "another frame than SETTINGS first", kPreface + ToBytes(NGHTTP2_PING, 0, 0, "12345678"), kProtocol, "",
       false},
      {"4.1", "a frame of an unknown type", ToBytes(0xee, 0xff, 3, "whatever"), kPassed},
      {"4.1", "unknown flags", ToBytes(NGHTTP2_PING, 0xfe, 0, "12345678"), kPassed},
      {"4.1", "the reserved bit",
       Open() + ToBytes(NGHTTP2_WINDOW_UPDATE, 0, static_cast<int32_t>(0x80000001), BigEndian(1)), kPassed},
      {"4.2", "a frame that is larger than SETTINGS_MAX_FRAME_SIZE",
       Open() + ToBytes(NGHTTP2_DATA, 0, 1, std::string(65'537, 'x')), kFrameSize},
      {"4.3", "a block of headers that cannot be decompressed",
       ToBytes(NGHTTP2_HEADERS, kEndHeaders, 1, "\xff\xff\xff\xff\xff\xff"), kCompression},
      {"4.3", "another frame within a block of headers",
       ToBytes(NGHTTP2_HEADERS, 0, 1, Block()) + ToBytes(NGHTTP2_PING, 0, 0, "12345678"), kProtocol},
      {"4.3", "a frame of another stream within a block of headers",
       ToBytes(NGHTTP2_HEADERS, 0, 1, Block()) + ToBytes(NGHTTP2_HEADERS, kEndHeaders, 3, Block()), kProtocol},
      {"5.5", "a frame of an unknown type within a block of headers",
       ToBytes(NGHTTP2_HEADERS, 0, 1, Block()) + ToBytes(0xee, 0, 1), kProtocol},
  };
  rules->insert(rules->end(), more.begin(), more.end());
}

void AddRulesOfStreams(std::vector<Rule>* rules) {
  const std::string reset = ToBytes(NGHTTP2_RST_STREAM, 0, 1, BigEndian(NGHTTP2_CANCEL));
  const std::string update = ToBytes(NGHTTP2_WINDOW_UPDATE, 0, 1, BigEndian(1));
  const std::vector<Rule> more = {
      {"5.1", "DATA on an idle stream", ToBytes(NGHTTP2_DATA, 0, 1, "x"), kProtocol},
      {"5.1", "RST_STREAM on an idle stream", reset, kProtocol},
      {"5.1", "WINDOW_UPDATE on an idle stream", update, kProtocol},
      {"5.1", "PRIORITY on an idle stream", ToBytes(NGHTTP2_PRIORITY, 0, 1, Priority(0)), kPassed},
      {"5.1", "DATA after the end of the request", HalfClosed() + ToBytes(NGHTTP2_DATA, 0, 1, "x"), kClosed,
       "an error of the stream"},
      {"5.1", "HEADERS after the end of the request",
       HalfClosed() + ToBytes(NGHTTP2_HEADERS, kEndHeaders | kEndStream, 1, Block()), kClosed,
       "an error of the stream"},
      {"5.1", "WINDOW_UPDATE after the end of the request", HalfClosed() + update, kPassed},
      {"5.1", "PRIORITY after the end of the request", HalfClosed() + ToBytes(NGHTTP2_PRIORITY, 0, 1, Priority(0)),
       kPassed},
      {"5.1", "DATA after a reset", Closed() + ToBytes(NGHTTP2_DATA, 0, 1, "x"), kPassed, "STREAM_CLOSED"},
      {"5.1", "HEADERS after a reset", Closed() + ToBytes(NGHTTP2_HEADERS, kEndHeaders | kEndStream, 1, Block()),
       kPassed, "STREAM_CLOSED"},
      {"5.1", "WINDOW_UPDATE after a reset", Closed() + update, kPassed},
      {"5.1", "RST_STREAM after a reset", Closed() + reset, kPassed},
      {"5.1", "PRIORITY after a reset", Closed() + ToBytes(NGHTTP2_PRIORITY, 0, 1, Priority(0)), kPassed},
      {"5.1", "CONTINUATION after a reset", Closed() + ToBytes(NGHTTP2_CONTINUATION, kEndHeaders, 1, Block()),
       kProtocol},
      {"5.1.1", "a stream with an even number", Open(2), kProtocol},
      {"5.1.1", "a stream with a number that is lower than the last", Open(5) + Open(3), kPassed, "PROTOCOL_ERROR"},
      {"5.1.1", "streams with numbers left out", Open(1) + Open(101), kPassed},
      {"5.3", "HEADERS that depend on their own stream",
       ToBytes(NGHTTP2_HEADERS, kEndHeaders | NGHTTP2_FLAG_PRIORITY, 1, Priority(1) + Block()), kProtocol,
       "nothing, since priorities are gone"},
  };
  rules->insert(rules->end(), more.begin(), more.end());
}

void AddRulesOfDataAndHeaders(std::vector<Rule>* rules) {
  const std::vector<Rule> more = {
      {"6.1", "DATA on stream 0", ToBytes(NGHTTP2_DATA, 0, 0, "x"), kProtocol},
      {"6.1", "DATA with as much padding as it has bytes",
       Open() + ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, "\x03xxx"), kPassed},
      {"6.1", "DATA with more padding than it has bytes",
       Open() + ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, "\x04xxx"), kProtocol},
      {"6.1", "padded DATA without the length of the padding", Open() + ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1),
       kProtocol, "FRAME_SIZE_ERROR"},
      {"6.2", "HEADERS on stream 0", ToBytes(NGHTTP2_HEADERS, kEndHeaders, 0, Block()), kProtocol},
      {"6.2", "padded HEADERS", ToBytes(NGHTTP2_HEADERS, kEndHeaders | NGHTTP2_FLAG_PADDED, 1, '\x02' + Block() + "xx"),
       kPassed},
      {"6.2", "HEADERS with more padding than they have bytes",
       ToBytes(NGHTTP2_HEADERS, kEndHeaders | NGHTTP2_FLAG_PADDED, 1, '\xff' + std::string(9, 'x')), kProtocol},
      {"6.2", "HEADERS that are too short for their priority",
       ToBytes(NGHTTP2_HEADERS, kEndHeaders | NGHTTP2_FLAG_PRIORITY, 1, "xxxx"), kFrameSize},
      {"6.3", "PRIORITY on stream 0", ToBytes(NGHTTP2_PRIORITY, 0, 0, Priority(0)), kPassed, "PROTOCOL_ERROR"},
      {"6.3", "PRIORITY of 4 bytes", Open() + ToBytes(NGHTTP2_PRIORITY, 0, 1, "xxxx"), kFrameSize,
       "an error of the stream"},
      {"6.4", "RST_STREAM on stream 0", ToBytes(NGHTTP2_RST_STREAM, 0, 0, BigEndian(NGHTTP2_CANCEL)), kProtocol},
      {"6.4", "RST_STREAM of 3 bytes", Open() + ToBytes(NGHTTP2_RST_STREAM, 0, 1, "xxx"), kFrameSize},
      {"6.10", "CONTINUATION on stream 0",
       ToBytes(NGHTTP2_HEADERS, 0, 1, Block()) + ToBytes(NGHTTP2_CONTINUATION, kEndHeaders, 0), kProtocol},
      {"6.10", "CONTINUATION of another stream",
       ToBytes(NGHTTP2_HEADERS, 0, 1, Block()) + ToBytes(NGHTTP2_CONTINUATION, kEndHeaders, 3), kProtocol},
      {"6.10", "CONTINUATION after the end of the headers", Open() + ToBytes(NGHTTP2_CONTINUATION, kEndHeaders, 1),
       kProtocol},
      {"6.10", "CONTINUATION after DATA",
       Open() + ToBytes(NGHTTP2_DATA, 0, 1, std::string(5, '\0')) + ToBytes(NGHTTP2_CONTINUATION, kEndHeaders, 1),
       kProtocol},
      {"6.10", "headers in several frames",
       ToBytes(NGHTTP2_HEADERS, 0, 1, Block().substr(0, 7)) + ToBytes(NGHTTP2_CONTINUATION, 0, 1) +
           ToBytes(NGHTTP2_CONTINUATION, kEndHeaders, 1, Block().substr(7)),
       kPassed},
  };
  rules->insert(rules->end(), more.begin(), more.end());
}

void AddRulesOfTheConnection(std::vector<Rule>* rules) {
  const std::vector<Rule> more = {
      {"6.5", "SETTINGS with ACK and a payload", ToBytes(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "xxxxxx"), kFrameSize},
      {"6.5", "SETTINGS on a stream", ToBytes(NGHTTP2_SETTINGS, 0, 1), kProtocol},
      {"6.5", "SETTINGS of 3 bytes", ToBytes(NGHTTP2_SETTINGS, 0, 0, "xxx"), kFrameSize},
      {"6.5.2", "SETTINGS_ENABLE_PUSH of 2", Setting(NGHTTP2_SETTINGS_ENABLE_PUSH, 2), kProtocol},
      {"6.5.2", "SETTINGS_INITIAL_WINDOW_SIZE of 2^31", Setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1u << 31), kFlow},
      {"6.5.2", "SETTINGS_INITIAL_WINDOW_SIZE of 2^31-1", Setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (1u << 31) - 1),
       kPassed},
      {"6.5.2", "SETTINGS_MAX_FRAME_SIZE of 2^14-1", Setting(NGHTTP2_SETTINGS_MAX_FRAME_SIZE, (1 << 14) - 1),
       kProtocol},
      {"6.5.2", "SETTINGS_MAX_FRAME_SIZE of 2^24", Setting(NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 1 << 24), kProtocol},
      {"6.5.2", "SETTINGS_MAX_FRAME_SIZE of 2^24-1", Setting(NGHTTP2_SETTINGS_MAX_FRAME_SIZE, (1 << 24) - 1), kPassed},
      {"6.5.2", "an unknown setting", Setting(0xff, 1), kPassed},
      {"6.6", "PUSH_PROMISE from a client",
       Open() + ToBytes(NGHTTP2_PUSH_PROMISE, kEndHeaders, 1, BigEndian(2) + Block()), kProtocol},
      {"6.7", "PING with ACK that nobody asked for", ToBytes(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "xxxxxxxx"), kPassed},
      {"6.7", "PING on a stream", ToBytes(NGHTTP2_PING, 0, 1, "12345678"), kProtocol},
      {"6.7", "PING of 6 bytes", ToBytes(NGHTTP2_PING, 0, 0, "123456"), kFrameSize},
      {"6.8", "GOAWAY on a stream", ToBytes(NGHTTP2_GOAWAY, 0, 1, BigEndian(0) + BigEndian(0)), kProtocol},
      {"6.8", "GOAWAY of 4 bytes", ToBytes(NGHTTP2_GOAWAY, 0, 0, BigEndian(0)), kFrameSize},
      {"6.9", "WINDOW_UPDATE of 0 for the connection", ToBytes(NGHTTP2_WINDOW_UPDATE, 0, 0, BigEndian(0)), kProtocol},
      {"6.9", "WINDOW_UPDATE of 0 for a stream", Open() + ToBytes(NGHTTP2_WINDOW_UPDATE, 0, 1, BigEndian(0)), kProtocol,
       "an error of the stream"},
      {"6.9", "WINDOW_UPDATE of 3 bytes", ToBytes(NGHTTP2_WINDOW_UPDATE, 0, 0, "xxx"), kFrameSize},
      {"6.9.1", "a window of the connection beyond 2^31-1",
       ToBytes(NGHTTP2_WINDOW_UPDATE, 0, 0, BigEndian((1u << 31) - 1)), kFlow},
      {"6.9.1",
       "a window of a stream beyond 2^31-1",
       Open() + ToBytes(NGHTTP2_WINDOW_UPDATE, 0, 1, BigEndian((1u << 31) - 1)),
       {Reaction::Kind::kReset, NGHTTP2_FLOW_CONTROL_ERROR}},
      {"6.9.2",
       "settings that make a window go beyond 2^31-1",
       Open() + ToBytes(NGHTTP2_WINDOW_UPDATE, 0, 1, BigEndian(1)) +
           Setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (1u << 31) - 1),
       {Reaction::Kind::kReset, NGHTTP2_FLOW_CONTROL_ERROR},
       "an error of the connection"},
      {"6.9.2", "settings that make a window negative",
       Setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 5) + HalfClosed() +
           Setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0),
       kPassed},
  };
  rules->insert(rules->end(), more.begin(), more.end());
}

}  // namespace

std::vector<Rule> RulesOfFrames() {
  std::vector<Rule> rules;
  AddRulesOfFraming(&rules);
  AddRulesOfStreams(&rules);
  AddRulesOfDataAndHeaders(&rules);
  AddRulesOfTheConnection(&rules);
  return rules;
}

}  // namespace nmq::http2
