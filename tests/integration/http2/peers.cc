// Peers that are many, slow, silent, or not what they should be.
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/integration/http2/attacks.h"
#include "tests/integration/http2/requests.h"
#include "tests/integration/http2/tls_client.h"

namespace nmq::http2 {
namespace {

constexpr char kReflect[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
constexpr int kPeers = 200;
constexpr absl::Duration kStep = absl::Milliseconds(100);

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

std::vector<Attack> AttacksByPeers() {
  const absl::Duration never = absl::InfiniteDuration();
  const std::string open = kPreface + ToBytes(NGHTTP2_SETTINGS, 0, 0);
  const std::string headers = Headers(1, HeaderBlock(GrpcRequest(kPublish)), false);
  return {
      {"ConnectionsUntilNoDescriptorIsLeft", OpenConnections, {"closed"}},
      {"SomethingElse", SpeakSomethingElse, {kRuleBroken}},
      ByteByByte("HandshakeByteByByte", "", kPreface, {"GOAWAY SETTINGS_TIMEOUT"}),
      ByteByByte("HeadersByteByByte", open, headers, {kCalm}),
      {"HalfOpenPeers", BeHalfOpen, {"closed"}, absl::Seconds(43), absl::Seconds(45)},
      {"ReadersWithoutWindow", OpenNoWindow, {"open"}, never},
      {"ReaderThatOpensItsWindowByteByByte", OpenWindowByteByByte, {}, never},
      {"HandshakesOfTls", BeginHandshakes, {}, never, {}, /*below_tls=*/true},
  };
}

}  // namespace nmq::http2
