// Messages that do not end, or hold more than they seem to.
#include <nghttp2/nghttp2.h>
#include <zlib.h>

#include <algorithm>
#include <thread>

#include "tests/integration/http2/attacks.h"
#include "tests/integration/http2/requests.h"

namespace nmq::http2 {
namespace {

constexpr size_t kMiB = 1 << 20;
constexpr size_t kStreamAt = 5;  // in a frame
// What the server needs at most to answer when the time is over.
constexpr absl::Duration kAnswerTime = absl::Seconds(3);
constexpr absl::Duration kStep = absl::Milliseconds(100);
constexpr char kTooLarge[] = "grpc-status 8";

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

}  // namespace

std::vector<Attack> AttacksByMessages() {
  const absl::Duration never = absl::InfiniteDuration();
  return {
      {"CallsOf4MiBThatNeverEnd", LeaveCallsOpen, {kCalm, "open"}, never},
      CallsWith("GzipOf1MBThatHolds1GB", Bomb(1'000), "gzip"),
      CallsWith("GzipOf16KBThatHolds16MB", Bomb(16), "gzip"),
      {"GzipOf4MiBFrom20Connections",
       [](Attacker* attacker) { CallFromManyConnections(attacker, Bomb(4, /*whole=*/true)); },
       {kCalm, kRuleBroken},
       never},
      CallsWith("LengthPrefixOfAllOnes", LengthPrefix(0xffffffff) + "x"),
  };
}

}  // namespace nmq::http2
