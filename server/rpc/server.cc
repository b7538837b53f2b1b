#include "server/rpc/server.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/deadline.h"
#include "base/grpc_deadline.h"
#include "grpcpp/server_builder.h"
#include "server/rpc/drain_plan.h"
#include "server/rpc/health_calls.h"
#include "server/rpc/listen.h"
#include "server/rpc/methods.h"
#include "server/rpc/publish_call.h"
#include "server/rpc/reflection_call.h"
#include "server/rpc/subscribe_stream.h"
#include "server/rpc/watch_stream.h"

namespace nmq::rpc {
namespace {

// Above what a batch may be: names, headers and the like. What is larger still is refused by gRPC itself.
constexpr uint64_t kReceiveSlackBytes = 1 << 20;

// For streams that were ended to be gone by themselves, and for gRPC to cut off the others.
constexpr absl::Duration kEndTime = absl::Milliseconds(500);
constexpr absl::Duration kCutTime = absl::Milliseconds(500);
constexpr absl::Duration kWaitStep = absl::Milliseconds(5);

// With less memory, calls have small windows, and each connection one stream for so many bytes of it.
constexpr uint64_t kPlentyBytes = uint64_t{4} << 30;
constexpr uint64_t kWindowPart = 32 << 10;
constexpr uint64_t kWindowMin = 4 << 10;
constexpr uint64_t kWindowMax = 65535;
// So much gRPC then allocates at most before it reads from a connection: otherwise up to 4 MiB for each, once they are
// busy.
constexpr int kReadBytes = 64 << 10;
constexpr uint64_t kStreamPartBytes = 128 << 10;
constexpr uint64_t kStreamsMin = 100;

constexpr int kCallsWaiting = 4;  // of each kind, on each loop

void SetArguments(const Limits& limits, grpc::ServerBuilder* builder) {
  const uint64_t receive_max = std::max(limits.batch_bytes, limits.payload_bytes) + kReceiveSlackBytes;
  builder->SetMaxReceiveMessageSize(static_cast<int>(receive_max));
  // Notices dead peers, and lets clients do the same every 10 s.
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30000);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10000);
  // Each call may send a window that nobody reads yet. Otherwise windows grow to megabytes, and calls may be millions.
  if (limits.memory_bytes < kPlentyBytes) {
    builder->AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    builder->AddChannelArgument(
        GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES,
        static_cast<int>(std::clamp(limits.memory_bytes / kWindowPart, kWindowMin, kWindowMax)));
    builder->AddChannelArgument(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, kReadBytes);
    builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                                static_cast<int>(std::max(limits.memory_bytes / kStreamPartBytes, kStreamsMin)));
  }
}

}  // namespace

struct Server::GrpcServices {
  explicit GrpcServices(broker::Broker* broker) : methods(broker, &message_queue, &registry, &admin, &health, &names) {}

  // Those that reflection shows and health knows.
  const std::vector<std::string> names = {v1::MessageQueue::service_full_name(), v1::Registry::service_full_name(),
                                          v1::Admin::service_full_name(),
                                          grpc::health::v1::Health::service_full_name()};
  MessageQueueService message_queue;
  RegistryService registry;
  AdminService admin;
  HealthService health;
  ReflectionService reflection;
  ReflectionAlphaService reflection_alpha;
  Methods methods;
};

Server::Server(const ServerOptions& options, std::vector<broker::Lane*> lanes, broker::Broker* broker)
    : options_(options),
      lanes_(std::move(lanes)),
      broker_(broker),
      incoming_(ShareMemory(broker->limits().memory_bytes).incoming),
      outgoing_(ShareMemory(broker->limits().memory_bytes).outgoing),
      services_(std::make_unique<GrpcServices>(broker)),
      acceptor_(options_.descriptors_max, &broker->metrics()) {}

absl::Status Server::Start() {
  absl::Status status = CheckAddress(options_.listen);
  if (status.ok()) status = acceptor_.Listen(options_.listen);
  if (status.ok()) status = Build();
  if (!status.ok()) return status;
  const size_t colon = options_.listen.rfind(':');
  address_ = absl::StrCat(options_.listen.substr(0, colon), ":", acceptor_.port());
  ServeCalls();
  acceptor_.Start(std::move(receiver_));
  return status;
}

absl::Status Server::Build() {
  grpc::ServerBuilder builder;
  SetArguments(broker_->limits(), &builder);
  receiver_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, grpc::InsecureServerCredentials());
  builder.RegisterService(&services_->message_queue);
  builder.RegisterService(&services_->registry);
  builder.RegisterService(&services_->admin);
  builder.RegisterService(&services_->health);
  builder.RegisterService(&services_->reflection);
  builder.RegisterService(&services_->reflection_alpha);
  for (broker::Lane* lane : lanes_) {
    loops_.push_back(std::make_shared<GrpcLoop>(builder.AddCompletionQueue(), lane, &broker_->clock(),
                                                &broker_->metrics(), GrpcLoop::Memory{&incoming_, &outgoing_}));
  }
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) {
    // The queues may go only after the loops have emptied them.
    for (const auto& loop : loops_) {
      loop->Start();
      loop->Shutdown();
    }
    return absl::InternalError("gRPC cannot be started");
  }
  return absl::OkStatus();
}

void Server::ServeCalls() {
  for (const auto& loop : loops_) {
    services_->methods.Serve(loop.get());
    SubscribeStream::Serve(&services_->message_queue, broker_, loop.get(), kCallsWaiting);
    PublishCall::Serve(&services_->message_queue, broker_, loop.get(), kCallsWaiting);
    WatchStream::Serve(&services_->registry, broker_, loop.get(), 1);
    HealthWatch::Serve(&services_->health, broker_, &services_->names, loop.get(), 1);
    ReflectionCall<ReflectionService>::Serve(&services_->reflection, &services_->names, loop.get());
    ReflectionCall<ReflectionAlphaService>::Serve(&services_->reflection_alpha, &services_->names, loop.get());
    loop->Start();
  }
}

size_t Server::streams() const {
  size_t count = 0;
  for (const auto& loop : loops_) count += loop->stream_count();
  return count;
}

void Server::RelieveMemory(MemoryUse use) {
  const bool wanted = incoming_.anyone_waits();
  const bool critical = use == MemoryUse::kCritical;
  const bool changed = std::exchange(critical_, critical) != critical;
  if (!wanted && !changed && use == MemoryUse::kFine) return;
  for (const auto& loop : loops_) {
    loop->Post([raw = loop.get(), wanted, use, critical] {
      if (wanted) raw->intake().Lapse();
      raw->intake().SetCritical(critical);
      if (use == MemoryUse::kFine) return;
      raw->intake().RefuseSome(/*any=*/critical);
      if (!critical) return;
      for (Stream* stream : raw->streams()) stream->OnMemoryCritical();
    });
  }
}

void Server::WaitForStreams(absl::Duration time) const {
  const absl::Duration end = broker_->clock().Monotonic() + time;
  while (streams() > 0 && broker_->clock().Monotonic() < end) absl::SleepFor(kWaitStep);
}

void Server::EndStreams() {
  for (const auto& loop : loops_) {
    loop->Post([raw = loop.get(), this] {
      for (Stream* stream : raw->streams()) stream->End(broker_->CheckNotDraining());
    });
  }
}

void Server::Drain(absl::Duration grace) {
  broker_->StartDrain();  // health says so from here on
  const DrainPlan plan(broker_->clock().Monotonic(), grace, streams());
  for (const auto& loop : loops_) {
    loop->Post([raw = loop.get(), plan] {
      for (Stream* stream : raw->streams()) stream->Drain(plan);
    });
  }
}

void Server::Stop() {
  if (server_ == nullptr) return;
  broker_->StartDrain();
  broker_->EndQuestions();
  EndStreams();
  WaitForStreams(kEndTime);
  acceptor_.Stop();
  server_->Shutdown(ToGrpc(Deadline::In(kCutTime)));
  services_->methods.StopWorkers();
  // Its answers are tasks of the loops.
  broker_->FlushToDisk();
  EndStreams();  // those that came meanwhile
  for (const auto& loop : loops_) loop->Shutdown();
  for (const auto& loop : loops_) loop->Join();
  server_ = nullptr;
}

Server::~Server() { Stop(); }

}  // namespace nmq::rpc
