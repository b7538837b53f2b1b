#include "server/http2/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/deadline.h"
#include "glog/logging.h"
#include "server/http2/socket.h"

namespace nmq::http2 {
namespace {

// For streams that were ended to be gone by themselves.
constexpr absl::Duration kEndTime = absl::Milliseconds(500);
// For connections to drain, from the beginning of the stop on.
constexpr absl::Duration kLeaveTime = absl::Seconds(1);
constexpr absl::Duration kWaitStep = absl::Milliseconds(5);

// Calls in all connections: a subscription takes more, and a call that only waits a third of it.
constexpr uint64_t kCallPartBytes = 8 << 10;
// What a connection may hold, of requests that nobody has asked for and of messages that are not whole, is a part of
// what all may, and no more than this: half of it for the windows that every stream has, a quarter each for wider
// windows and for such messages.
constexpr uint64_t kConnectionPart = 4;
constexpr uint64_t kConnectionBytesMax = 56 << 20;
constexpr uint64_t kWindowMin = 4 << 10;

// As many connections may not have sent the preface and the first settings: a part of all that there may be, but enough
// for clients that all come at once.
constexpr uint64_t kGreetingPart = 8;
constexpr uint64_t kGreetingMin = 256;
constexpr uint64_t kGreetingMax = 1'000;
// Those who try for ever are worth a line now and then.
constexpr int kSecondsBetweenRefusals = 10;

Loop::Options OptionsOf(const Limits& limits, size_t loops) {
  const uint64_t incoming = ShareMemory(limits.memory_bytes).incoming;
  const uint64_t connection = std::min(incoming / loops / kConnectionPart, kConnectionBytesMax);
  const uint64_t streams = limits.streams_per_connection;
  Loop::Options options;
  options.message_bytes_max = rpc::MessageBytesMax(limits);
  options.held_bytes_max = static_cast<int64_t>(incoming / loops);
  options.calls_max = limits.memory_bytes / kCallPartBytes / loops;
  options.wide_bytes = options.held_bytes_max / 2;
  options.limits.streams = static_cast<uint32_t>(streams);
  options.limits.window_bytes = static_cast<uint32_t>(std::max(connection / 2 / streams, kWindowMin));
  options.limits.wide_bytes = static_cast<int64_t>(connection / 4);
  options.limits.receive_bytes = std::max(connection / 4, options.message_bytes_max);
  // What windows allow, and compressed messages that wait for room for what they hold.
  options.limits.held_bytes =
      static_cast<int64_t>(connection / 4 + options.limits.window_bytes * streams + options.limits.receive_bytes);
  return options;
}

// Of the peer; of no kind if it is gone.
sockaddr_storage AddressOf(int socket) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) address.ss_family = AF_UNSPEC;
  return address;
}

// As gRPC writes it.
std::string TextOf(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
    return absl::StrCat("ipv4:", text, ":", ntohs(v4->sin_port));
  }
  if (address.ss_family != AF_INET6) return "unknown";
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
  inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
  return absl::StrCat("ipv6:[", text, "]:", ntohs(v6->sin6_port));
}

}  // namespace

Server::Server(const ServerOptions& options, std::vector<broker::Lane*> lanes, broker::Broker* broker)
    : options_(options),
      lanes_(std::move(lanes)),
      broker_(broker),
      methods_(broker),
      all_(broker),
      gate_(&broker->limits(), &broker->clock()),
      acceptor_(options_.descriptors_max, &broker->metrics()) {}

Server::~Server() { Stop(); }

absl::Status Server::Start() {
  absl::Status status = StartTls();
  if (status.ok()) status = acceptor_.Listen(options_.listen);
  if (status.ok()) status = StartLoops();
  if (!status.ok()) return status;
  acceptor_.Start([this](int, int socket) { Take(socket); }, [this] { MakeRoom(); });
  return status;
}

absl::Status Server::StartTls() {
  if (options_.tls.certificate.empty()) return absl::OkStatus();
  auto loaded = TlsContext::Load(options_.tls);
  if (!loaded.ok()) return loaded.status();
  tls_ = *std::move(loaded);
  broker_->metrics().AddGauge("nmq_tls_certificate_expiry_timestamp_seconds",
                              "When the server's certificate is over, in seconds since 1970",
                              [expires = tls_->expires()] { return static_cast<double>(expires->load()); });
  return absl::OkStatus();
}

absl::Status Server::StartLoops() {
  std::vector<std::shared_ptr<Loop>> loops;
  Loop::Options options = OptionsOf(broker_->limits(), lanes_.size());
  const uint64_t greeting = std::clamp(options_.descriptors_max / kGreetingPart, kGreetingMin, kGreetingMax);
  options.greeting_max = greeting / lanes_.size();
  for (broker::Lane* const lane : lanes_) {
    loops.push_back(std::make_shared<Loop>(options, lane, &broker_->clock(), &broker_->metrics(), all_.memory()));
    if (!loops.back()->ok()) return absl::UnavailableError("no descriptor is left for a loop; raise RLIMIT_NOFILE");
    methods_.AddTo(loops.back().get());
  }
  loops_ = std::move(loops);
  for (const auto& loop : loops_) {
    all_.Add(loop);
    loop->Start();
  }
  return absl::OkStatus();
}

void Server::Take(int socket) {
  const sockaddr_storage address = AddressOf(socket);
  std::string peer = TextOf(address);
  ConnectionGate::Pass pass;
  const absl::Status admitted = gate_.Admit(address, &pass);
  if (!admitted.ok()) return Refuse(socket, peer, admitted);
  std::unique_ptr<ByteStream> bytes = tls_ != nullptr ? tls_->Serve(socket) : std::make_unique<Socket>(socket);
  loops_[next_]->Adopt(std::move(bytes), std::move(peer), std::move(pass));
  next_ = (next_ + 1) % loops_.size();
}

void Server::Refuse(int socket, const std::string& peer, const absl::Status& why) {
  broker_->metrics().CountRefusal(why);
  LOG_EVERY_T(WARNING, kSecondsBetweenRefusals) << "refused a connection from " << peer << ": " << why.message();
  // Without a word of HTTP/2, for clients wait before they try again if there never was a connection.
  close(socket);
}

void Server::MakeRoom() {
  const auto most = std::max_element(loops_.begin(), loops_.end(), [](const auto& one, const auto& other) {
    return one->connections() < other->connections();
  });
  (*most)->MakeRoom();
}

size_t Server::connections() const {
  size_t count = 0;
  for (const auto& loop : loops_) count += loop->connections();
  return count;
}

void Server::Stop() {
  if (loops_.empty()) return;
  broker_->StartDrain();
  broker_->EndQuestions();
  acceptor_.Stop();
  const Deadline leave = Deadline::In(kLeaveTime);
  for (const auto& loop : loops_) {
    loop->Post([raw = loop.get()] { raw->DrainConnections(); });
  }
  all_.EndStreams();
  all_.WaitForStreams(kEndTime);
  methods_.FlushWorkers();
  // Its answers are tasks of the loops.
  broker_->FlushToDisk();
  all_.EndStreams();  // those that came meanwhile
  while (connections() > 0 && !leave.IsOver()) absl::SleepFor(kWaitStep);
  all_.Shutdown();
  all_.Join();
  loops_.clear();
}

}  // namespace nmq::http2
