#include "tests/unit/grpc/one_loop_server.h"

#include <string>

#include "absl/time/clock.h"
#include "base/clock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/server_builder.h"
#include "server/grpc/grpc_exchange.h"

namespace nmq::rpc {

OneLoopServer::OneLoopServer() {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  builder.RegisterAsyncGenericService(&service_);
  loop_ = std::make_shared<GrpcLoop>(builder.AddCompletionQueue(), &lane_, &RealClock(), &metrics_,
                                     Loop::Memory{&memory_, &memory_});
  server_ = builder.BuildAndStart();
}

OneLoopServer::~OneLoopServer() { Stop(); }

std::shared_ptr<grpc::Channel> OneLoopServer::NewChannel() const {
  return grpc::CreateChannel("127.0.0.1:" + std::to_string(port_), grpc::InsecureChannelCredentials());
}

void OneLoopServer::Start() {
  GrpcExchange::Serve(&service_, loop_.get(), 1);
  loop_->Start();
}

void OneLoopServer::Shutdown(absl::Duration grace) { server_->Shutdown(absl::ToChronoTime(absl::Now() + grace)); }

void OneLoopServer::Stop() {
  if (server_ == nullptr) return;
  Shutdown();
  loop_->Shutdown();
  loop_->Join();
  server_ = nullptr;
}

}  // namespace nmq::rpc
