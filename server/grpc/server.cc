#include "server/grpc/server.h"

#include <algorithm>
#include <utility>

#include "base/deadline.h"
#include "base/grpc_deadline.h"
#include "grpcpp/server_builder.h"
#include "server/grpc/grpc_exchange.h"

namespace nmq::rpc {
namespace {

// For streams that were ended to be gone by themselves, and for gRPC to cut off the others.
constexpr absl::Duration kEndTime = absl::Milliseconds(500);
constexpr absl::Duration kCutTime = absl::Milliseconds(500);

// With less memory, calls have small windows.
constexpr uint64_t kPlentyBytes = uint64_t{4} << 30;
constexpr uint64_t kWindowPart = 32 << 10;
constexpr uint64_t kWindowMin = 4 << 10;
constexpr uint64_t kWindowMax = 65535;
// So much gRPC then allocates at most before it reads from a connection: otherwise up to 4 MiB for each, once they are
// busy.
constexpr int kReadBytes = 64 << 10;

// Calls that a loop waits for. Few, since Debian's gRPC looks through all that are waited for whenever anything is
// done.
constexpr int kCallsWaiting = 16;

void SetArguments(const Limits& limits, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(static_cast<int>(MessageBytesMax(limits)));
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, static_cast<int>(limits.streams_per_connection));
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
  }
}

}  // namespace

GrpcServer::GrpcServer(const GrpcServerOptions& options, std::vector<broker::Lane*> lanes, broker::Broker* broker)
    : options_(options),
      lanes_(std::move(lanes)),
      broker_(broker),
      methods_(broker),
      loops_(broker),
      acceptor_(options_.descriptors_max, &broker->metrics()) {}

absl::Status GrpcServer::Start() {
  absl::Status status = acceptor_.Listen(options_.listen);
  if (status.ok()) status = Build();
  if (!status.ok()) return status;
  ServeCalls();
  acceptor_.Start([this](int listener, int socket) {
    GrpcReceiver::NewConnectionParameters connection;
    connection.listener_fd = listener;
    connection.fd = socket;
    receiver_->HandleNewConnection(&connection);
  });
  return status;
}

absl::Status GrpcServer::Build() {
  grpc::ServerBuilder builder;
  SetArguments(broker_->limits(), &builder);
  receiver_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, grpc::InsecureServerCredentials());
  builder.RegisterAsyncGenericService(&service_);
  for (broker::Lane* lane : lanes_) {
    grpc_loops_.push_back(std::make_shared<GrpcLoop>(builder.AddCompletionQueue(), lane, &broker_->clock(),
                                                     &broker_->metrics(), loops_.memory()));
    loops_.Add(grpc_loops_.back());
  }
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) {
    // The queues may go only after the loops have emptied them.
    for (const auto& loop : grpc_loops_) {
      loop->Start();
      loop->Shutdown();
    }
    return absl::InternalError("gRPC cannot be started");
  }
  return absl::OkStatus();
}

void GrpcServer::ServeCalls() {
  for (const auto& loop : grpc_loops_) {
    methods_.AddTo(loop.get());
    GrpcExchange::Serve(&service_, loop.get(), kCallsWaiting);
    loop->Start();
  }
}

void GrpcServer::Stop() {
  if (server_ == nullptr) return;
  broker_->StartDrain();
  broker_->EndQuestions();
  loops_.EndStreams();
  loops_.WaitForStreams(kEndTime);
  acceptor_.Stop();
  server_->Shutdown(ToGrpc(Deadline::In(kCutTime)));
  methods_.FlushWorkers();
  // Its answers are tasks of the loops.
  broker_->FlushToDisk();
  loops_.EndStreams();  // those that came meanwhile
  loops_.Shutdown();
  loops_.Join();
  server_ = nullptr;
}

GrpcServer::~GrpcServer() { Stop(); }

}  // namespace nmq::rpc
