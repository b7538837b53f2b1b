// The same frames or requests at full speed.
#include <nghttp2/nghttp2.h>

#include "absl/strings/str_cat.h"
#include "tests/integration/http2/attacks.h"
#include "tests/integration/http2/requests.h"

namespace nmq::http2 {
namespace {

constexpr size_t kMiB = 1 << 20;
constexpr size_t kStreamAt = 5;         // in a frame
constexpr size_t kPieceBytes = 16'000;  // fits into a frame

// The same bytes again and again, after `first`.
void Flood(Attacker* attacker, const std::string& first, const Repeated& repeated) {
  while (auto client = attacker->Greet()) {
    Repeated bytes = repeated;
    if (client->Send(first, attacker->end())) {
      while (client->Send(bytes.Next(), attacker->end())) {
      }
    }
    attacker->NoteEnd(client.get());
  }
}

Attack FloodOf(const std::string& name, const std::string& first, const Repeated& repeated,
               std::vector<std::string> ends = {kCalm}) {
  return {name, [=](Attacker* attacker) { Flood(attacker, first, repeated); }, std::move(ends)};
}

std::vector<Attack> FloodsOfFrames() {
  const std::string open = Headers(1, HeaderBlock(GrpcRequest(kPublish)));
  const std::string begun = Headers(1, HeaderBlock(GrpcRequest(kPublish)), false);
  const std::string more = HeaderBlock({{"x-name", std::string(8'000, 'v')}});
  const std::string padding = std::string(1, '\xff') + std::string(255, '\0');
  return {
      FloodOf("Priorities", "", Repeated(ToBytes(NGHTTP2_PRIORITY, 0, 1, std::string("\0\0\0\0\1", 5)), {kStreamAt})),
      FloodOf("Settings", "", Repeated(ToBytes(NGHTTP2_SETTINGS, 0, 0))),
      FloodOf("Pings", "", Repeated(ToBytes(NGHTTP2_PING, 0, 0, "12345678"))),
      FloodOf("WindowUpdates", "", Repeated(ToBytes(NGHTTP2_WINDOW_UPDATE, 0, 0, BigEndian(1)))),
      FloodOf("FramesOfUnknownTypes", "", Repeated(ToBytes(0xee, 0, 0))),
      FloodOf("EmptyData", open, Repeated(ToBytes(NGHTTP2_DATA, 0, 1))),
      FloodOf("EmptyContinuations", begun, Repeated(ToBytes(NGHTTP2_CONTINUATION, 0, 1))),
      FloodOf("ContinuationsWithoutEnd", begun, Repeated(ToBytes(NGHTTP2_CONTINUATION, 0, 1, more))),
      FloodOf("PaddingAlone", open, Repeated(ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, padding))),
      // The first is no message of gRPC's, so the call has its answer. nghttp2 passes over what comes after that.
      // It does not look at the connection's window either.
      FloodOf("DataAfterTheAnswer", open, Repeated(ToBytes(NGHTTP2_DATA, 0, 1, std::string(100, '\xff'))),
              {kCalm, "GOAWAY FLOW_CONTROL_ERROR"}),
  };
}

// Requests of their own.
std::vector<Attack> FloodsOfRequests() {
  const Fields request = GrpcRequest(kPublish);
  const std::string first = Headers(1, RememberedBlock(request));
  const std::string nowhere = Headers(1, RememberedBlock(GrpcRequest("/x/Y")));
  const std::string again = Headers(1, AgainBlock(request));
  const std::string reset = ToBytes(NGHTTP2_RST_STREAM, 0, 1, BigEndian(NGHTTP2_CANCEL));
  const std::string ended =
      ToBytes(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, AgainBlock(request));
  const std::string wrong = Headers(1, HeaderBlock({{":method", "POST"}}));
  return {
      FloodOf("RapidResets", first, Repeated(again + reset, {kStreamAt, again.size() + kStreamAt}, 3)),
      FloodOf("RequestsThatMakeTheServerReset", "", Repeated(wrong, {kStreamAt}), {kCalm, kRuleBroken}),
      FloodOf("MoreStreamsThanAllowed", first, Repeated(again, {kStreamAt}, 3), {kCalm, kRuleBroken}),
      // These break no rule as long as answers come before there are too many.
      {"EmptyRequests",
       [=](Attacker* attacker) { Flood(attacker, first, Repeated(ended, {kStreamAt}, 3)); },
       {kCalm, kRuleBroken},
       absl::InfiniteDuration()},
      {"RequestsOfNoMethod",
       [=](Attacker* attacker) { Flood(attacker, nowhere, Repeated(ended, {kStreamAt}, 3)); },
       {kCalm, kRuleBroken},
       absl::InfiniteDuration()},
  };
}

// One request with so many bytes of headers.
Attack LargeHeaders(size_t mib) {
  return {absl::StrCat("HeadersOf", mib, "MB"),
          [=](Attacker* attacker) {
            const std::string block = HeaderBlock({{"x-name", std::string(mib * kMiB, 'v')}});
            while (auto client = attacker->Greet()) {
              client->Send(Headers(1, HeaderBlock(GrpcRequest(kPublish)), false), attacker->end());
              for (size_t at = 0; at < block.size(); at += kPieceBytes) {
                const bool last = at + kPieceBytes >= block.size();
                if (!client->Send(ToBytes(NGHTTP2_CONTINUATION, last ? NGHTTP2_FLAG_END_HEADERS : 0, 1,
                                          absl::string_view(block).substr(at, kPieceBytes)),
                                  attacker->end())) {
                  break;
                }
              }
              attacker->NoteEnd(client.get());
            }
          },
          // A field may not be as large on the wire as this one.
          {"GOAWAY COMPRESSION_ERROR"}};
}

}  // namespace

std::vector<Attack> Floods() {
  std::vector<Attack> attacks = FloodsOfFrames();
  for (auto& one : FloodsOfRequests()) attacks.push_back(std::move(one));
  for (const size_t mib : {10, 16, 20}) attacks.push_back(LargeHeaders(mib));
  return attacks;
}

}  // namespace nmq::http2
