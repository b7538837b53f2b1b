#include <nghttp2/nghttp2.h>
#include <zlib.h>

#include <algorithm>
#include <deque>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/integration/http2/attacker.h"
#include "tests/integration/http2/tls_client.h"

namespace nmq::http2 {
namespace {

constexpr char kPublish[] = "/nmq.v1.MessageQueue/Publish";
constexpr char kReflect[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
constexpr size_t kMiB = 1 << 20;
constexpr size_t kStreamAt = 5;         // in a frame
constexpr size_t kPieceBytes = 16'000;  // fits into a frame
constexpr int kPeers = 200;
// What the server needs at most to answer when the time is over.
constexpr absl::Duration kAnswerTime = absl::Seconds(3);
constexpr absl::Duration kStep = absl::Milliseconds(100);

const char kCalm[] = "GOAWAY ENHANCE_YOUR_CALM";
const char kRuleBroken[] = "GOAWAY PROTOCOL_ERROR";
const char kTooLarge[] = "grpc-status 8";

std::string Headers(int32_t stream, const std::string& block, uint8_t flags = NGHTTP2_FLAG_END_HEADERS) {
  return ToBytes(NGHTTP2_HEADERS, flags, stream, block);
}

// A request's headers that the server is to remember, and afterwards, a byte for each.
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

std::string LengthPrefix(uint32_t length, bool compressed = false) {
  return std::string(1, compressed ? '\1' : '\0') + BigEndian(length);
}

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

std::vector<Attack> Floods() {
  const std::string open = Headers(1, HeaderBlock(GrpcRequest(kPublish)));
  const std::string begun = Headers(1, HeaderBlock(GrpcRequest(kPublish)), 0);
  const std::string more = HeaderBlock({{"x-name", std::string(8'000, 'v')}});
  return {
      FloodOf("Priorities", "", Repeated(ToBytes(NGHTTP2_PRIORITY, 0, 1, std::string("\0\0\0\0\1", 5)), {kStreamAt})),
      FloodOf("Settings", "", Repeated(ToBytes(NGHTTP2_SETTINGS, 0, 0))),
      FloodOf("Pings", "", Repeated(ToBytes(NGHTTP2_PING, 0, 0, "12345678"))),
      FloodOf("WindowUpdates", "", Repeated(ToBytes(NGHTTP2_WINDOW_UPDATE, 0, 0, BigEndian(1)))),
      FloodOf("FramesOfUnknownTypes", "", Repeated(ToBytes(0xee, 0, 0))),
      FloodOf("EmptyData", open, Repeated(ToBytes(NGHTTP2_DATA, 0, 1))),
      FloodOf("EmptyContinuations", begun, Repeated(ToBytes(NGHTTP2_CONTINUATION, 0, 1))),
      FloodOf("ContinuationsWithoutEnd", begun, Repeated(ToBytes(NGHTTP2_CONTINUATION, 0, 1, more))),
      // The first is no message of gRPC's, so the call has its answer. nghttp2 passes over what comes after that.
      {"DataAfterTheAnswer",
       [=](Attacker* attacker) {
         Flood(attacker, open, Repeated(ToBytes(NGHTTP2_DATA, 0, 1, std::string(100, '\xff'))));
       },
       {},
       absl::InfiniteDuration()},
  };
}

// Requests of their own.
std::vector<Attack> FloodsOfRequests() {
  const Fields request = GrpcRequest(kPublish);
  const std::string first = Headers(1, RememberedBlock(request));
  const std::string nowhere = Headers(1, RememberedBlock(GrpcRequest("/x/Y")));
  const std::string again = Headers(1, AgainBlock(request));
  const std::string reset = ToBytes(NGHTTP2_RST_STREAM, 0, 1, BigEndian(NGHTTP2_CANCEL));
  const std::string ended = Headers(1, AgainBlock(request), NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM);
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
              client->Send(Headers(1, HeaderBlock(GrpcRequest(kPublish)), 0), attacker->end());
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

// Opens connections that say nothing until no more can be had, and closes all at once.
void OpenConnections(Attacker* attacker) {
  constexpr size_t kConnections = 3'000;
  while (!attacker->over()) {
    std::vector<std::unique_ptr<RawClient>> clients;
    while (!attacker->over() && clients.size() < kConnections) {
      auto client = attacker->TryToConnect();
      if (client == nullptr) break;
      clients.push_back(std::move(client));
    }
    int ended = 0;
    for (const auto& client : clients) {
      client->Receive();
      ended += client->ended() ? 1 : 0;
    }
    if (ended > 0) attacker->Note("closed");
  }
}

std::unique_ptr<RawClient> GreetAndLog(Attacker* attacker) {
  auto client = attacker->Connect();
  if (client == nullptr) return nullptr;
  client->log().set_terse(false);
  client->Greet();
  return client;
}

// 1,000 calls with a message of 4 MiB whose last byte never comes.
void LeaveCallsOpen(Attacker* attacker) {
  constexpr int32_t kCalls = 1'000;
  constexpr size_t kMessageBytes = 4 * kMiB;
  while (auto client = GreetAndLog(attacker)) {
    Windows windows(client.get());
    std::map<int32_t, size_t> left;
    bool goes_on = true;
    for (int32_t stream = 1; goes_on && stream < 2 * kCalls; stream += 2) {
      goes_on = client->Send(HeaderFrames(stream, false, GrpcRequest(kPublish)), attacker->end()) &&
                windows.Send(stream, LengthPrefix(kMessageBytes), false, attacker->end());
      left[stream] = kMessageBytes - 1;
    }
    while (goes_on && !attacker->over()) {
      bool sent = false;
      for (auto& [stream, rest] : left) {
        const size_t part = std::min({windows.Left(stream), rest, size_t{16 << 10}});
        if (part == 0 || client->log().reset(stream) >= 0) continue;
        sent = goes_on = windows.Send(stream, std::string(part, 'x'), false, attacker->end());
        rest -= part;
        if (!goes_on) break;
      }
      if (!sent && goes_on)
        goes_on = !client->ReceiveUntil([] { return false; }, absl::Now() + kStep) && !client->ended();
    }
    attacker->NoteEnd(client.get());
  }
}

// Gzip's stream of so many MiB of zeros. Unless it is `whole`, its end, which nobody should come to, is missing.
std::string GzipOfZeros(int mib, bool whole = false) {
  constexpr int kGzip = 15 + 16;
  z_stream stream = {};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzip, 9, Z_DEFAULT_STRATEGY);
  std::string zeros(kMiB, '\0');
  const auto more = [&](int flush) {
    std::string out(kMiB, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(zeros.data());
    stream.avail_in = static_cast<uInt>(zeros.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, flush);
    out.resize(out.size() - stream.avail_out);
    return out;
  };
  std::string bomb = more(Z_FULL_FLUSH);
  if (whole) {
    for (int i = 2; i < mib; ++i) bomb += more(Z_FULL_FLUSH);
    bomb += more(Z_FINISH);
  } else {
    const std::string again = more(Z_FULL_FLUSH);
    for (int i = 1; i < mib; ++i) bomb += again;
  }
  deflateEnd(&stream);
  return bomb;
}

std::string Bomb(int mib, bool whole = false) {
  const std::string gzip = GzipOfZeros(mib, whole);
  return LengthPrefix(static_cast<uint32_t>(gzip.size()), true) + gzip;
}

void NoteAnswer(Attacker* attacker, const RawClient& client, int32_t stream) {
  for (const auto& [name, value] : client.log().HeadersOf(stream)) {
    if (name == "grpc-status") attacker->Note("grpc-status " + value);
  }
}

// Calls with this body, one after the other.
Attack CallsWith(const std::string& name, const std::string& bytes, const std::string& encoding = "") {
  return {name,
          [=](Attacker* attacker) {
            constexpr int32_t kCalls = 100;
            Fields request = GrpcRequest(kPublish);
            if (!encoding.empty()) request.emplace_back("grpc-encoding", encoding);
            while (auto client = GreetAndLog(attacker)) {
              Windows windows(client.get());
              for (int32_t stream = 1; stream < 2 * kCalls; stream += 2) {
                if (!client->Send(HeaderFrames(stream, false, request), attacker->end())) break;
                if (!windows.SendAll(stream, bytes, attacker->end()) && client->log().reset(stream) < 0) break;
              }
              client->ReceiveUntil([&] { return !client->log().Of(NGHTTP2_HEADERS, 1).empty(); },
                                   attacker->end() + kAnswerTime);
              NoteAnswer(attacker, *client, 1);
            }
          },
          {kTooLarge}};
}

// Many connections that all the time send calls with this body, which is much work for its few bytes.
void CallFromManyConnections(Attacker* attacker, const std::string& body) {
  constexpr int kConnections = 20;
  Fields request = GrpcRequest(kPublish);
  request.emplace_back("grpc-encoding", "gzip");
  const std::string first = Headers(1, RememberedBlock(request));
  const std::string again = Headers(1, AgainBlock(request));
  const std::string data = ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, body);
  Repeated calls(again + data, {kStreamAt, again.size() + kStreamAt}, 3);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < kConnections; ++i) {
    if (auto client = attacker->Greet()) clients.push_back(std::move(client));
  }
  std::vector<std::thread> threads;
  for (const auto& client : clients) {
    threads.emplace_back([&client, &first, calls, end = attacker->end()]() mutable {
      if (!client->Send(first, end)) return;
      while (client->Send(calls.Next(), end)) {
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& client : clients) {
    client->Receive();
    if (client->ended() || client->log().goaway() >= 0) attacker->NoteEnd(client.get());
  }
}

void SpeakSomethingElse(Attacker* attacker) {
  while (auto client = attacker->Connect()) {
    client->Send("GET / HTTP/1.1\r\nHost: nmq\r\n\r\n", attacker->end());
    attacker->NoteEnd(client.get());
  }
}

// Many clients that each send a byte of this a second.
Attack ByteByByte(const std::string& name, const std::string& at_once, const std::string& bytes,
                  std::vector<std::string> ends) {
  const auto run = [=](Attacker* attacker) {
    std::vector<std::pair<std::unique_ptr<RawClient>, size_t>> clients(kPeers);
    while (!attacker->over()) {
      for (auto& [client, at] : clients) {
        if (client == nullptr) {
          client = attacker->TryToConnect();
          at = 0;
          if (client == nullptr || !client->Send(at_once, attacker->end())) continue;
        }
        if (client->Send(bytes.substr(at++ % bytes.size(), 1), attacker->end())) continue;
        attacker->NoteEnd(client.get());
        client = nullptr;
      }
      absl::SleepFor(absl::Seconds(1));
    }
  };
  return {name, run, std::move(ends), absl::Seconds(13)};
}

// Many clients that have begun a call and are gone without a word.
void BeHalfOpen(Attacker* attacker) {
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < kPeers; ++i) {
    auto client = attacker->Greet();
    if (client == nullptr) return;
    client->Send(HeaderFrames(1, false, GrpcRequest(kPublish)), attacker->end());
    client->Receive();
    client->set_reads(false);
    clients.push_back(std::move(client));
  }
  absl::SleepFor(attacker->end() - absl::Now());
  for (const auto& client : clients) {
    client->set_reads(true);
    client->Receive();
    attacker->Note(client->ended() ? "closed" : "open");
  }
}

// What makes the server answer with its description: some ten thousand bytes.
std::string AskForDescription() {
  constexpr char kName[] = "nmq.v1.MessageQueue";
  const std::string request = absl::StrCat("\x22", std::string(1, static_cast<char>(sizeof(kName) - 1)), kName);
  return LengthPrefix(static_cast<uint32_t>(request.size())) + request;
}

std::string SettingOfWindow(uint32_t bytes) { return std::string("\0\4", 2) + BigEndian(bytes); }

// Asks on many streams and takes nothing of the answers.
void OpenNoWindow(Attacker* attacker) {
  const std::string ask = AskForDescription();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 20; ++i) {
    auto client = attacker->Greet(SettingOfWindow(0));
    if (client == nullptr) break;
    for (int32_t stream = 1; stream < 200; stream += 2) {
      client->Send(HeaderFrames(stream, false, GrpcRequest(kReflect)) + ToBytes(NGHTTP2_DATA, 0, stream, ask),
                   attacker->end());
    }
    clients.push_back(std::move(client));
  }
  while (!attacker->over()) {
    for (const auto& client : clients) client->Receive();
    absl::SleepFor(kStep);
  }
  for (const auto& client : clients) attacker->Note(client->ended() ? "closed" : "open");
}

// Takes the answer byte by byte, each when the one before has come.
void OpenWindowByteByByte(Attacker* attacker) {
  constexpr int32_t kStreams = 100;
  while (auto client = attacker->Connect()) {
    client->log().set_terse(false);
    if (!client->Greet(SettingOfWindow(0))) return attacker->NoteEnd(client.get());
    std::string more;
    for (int32_t stream = 1; stream < 2 * kStreams; stream += 2) {
      client->Send(
          HeaderFrames(stream, false, GrpcRequest(kReflect)) + ToBytes(NGHTTP2_DATA, 0, stream, AskForDescription()),
          attacker->end());
      more += ToBytes(NGHTTP2_WINDOW_UPDATE, 0, stream, BigEndian(1));
    }
    // A second on each connection: its log grows.
    const absl::Time end = std::min(attacker->end(), absl::Now() + absl::Seconds(1));
    size_t seen = client->log().frames().size();
    while (client->Send(more, end)) {
      if (!client->ReceiveUntil([&] { return client->log().frames().size() >= seen + kStreams; }, end)) break;
      seen = client->log().frames().size();
    }
    if (client->ended() || client->log().goaway() >= 0) attacker->NoteEnd(client.get());
  }
}

// Begins handshakes of TLS and leaves them.
void BeginHandshakes(Attacker* attacker) {
  const std::string hello = ClientHello();
  std::deque<std::unique_ptr<RawClient>> clients;
  while (auto client = attacker->Connect()) {
    client->Send(hello, attacker->end());
    clients.push_back(std::move(client));
    if (clients.size() > size_t{kPeers}) clients.pop_front();
  }
}

}  // namespace

std::vector<Attack> AllAttacks() {
  const absl::Duration never = absl::InfiniteDuration();
  const std::string open = kPreface + ToBytes(NGHTTP2_SETTINGS, 0, 0);
  const std::string headers = Headers(1, HeaderBlock(GrpcRequest(kPublish)), 0);
  std::vector<Attack> attacks = {{"ConnectionsUntilNoDescriptorIsLeft", OpenConnections, {"closed"}}};
  for (auto& one : Floods()) attacks.push_back(std::move(one));
  for (auto& one : FloodsOfRequests()) attacks.push_back(std::move(one));
  for (const size_t mib : {10, 16, 20}) attacks.push_back(LargeHeaders(mib));
  const std::vector<Attack> others = {
      {"CallsOf4MiBThatNeverEnd", LeaveCallsOpen, {kCalm, "open"}, never},
      CallsWith("GzipOf1MBThatHolds1GB", Bomb(1'000), "gzip"),
      CallsWith("GzipOf16KBThatHolds16MB", Bomb(16), "gzip"),
      {"GzipOf4MiBFrom20Connections",
       [](Attacker* attacker) { CallFromManyConnections(attacker, Bomb(4, /*whole=*/true)); },
       {kCalm, kRuleBroken},
       never},
      CallsWith("LengthPrefixOfAllOnes", LengthPrefix(0xffffffff) + "x"),
      {"SomethingElse", SpeakSomethingElse, {kRuleBroken}},
      ByteByByte("HandshakeByteByByte", "", kPreface, {"GOAWAY SETTINGS_TIMEOUT"}),
      ByteByByte("HeadersByteByByte", open, headers, {kCalm}),
      {"HalfOpenPeers", BeHalfOpen, {"closed"}, absl::Seconds(43), absl::Seconds(45)},
      {"ReadersWithoutWindow", OpenNoWindow, {"open"}, never},
      {"ReaderThatOpensItsWindowByteByByte", OpenWindowByteByByte, {}, never},
      {"HandshakesOfTls", BeginHandshakes, {}, never, {}, /*below_tls=*/true},
  };
  attacks.insert(attacks.end(), others.begin(), others.end());
  return attacks;
}

}  // namespace nmq::http2
