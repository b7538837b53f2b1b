#include "server/grpc/grpc_exchange.h"

#include <utility>

#include "absl/time/time.h"
#include "grpc/support/time.h"
#include "server/grpc/frames.h"
#include "server/grpc/status.h"

namespace nmq::rpc {

void GrpcExchange::Serve(grpc::AsyncGenericService* service, GrpcLoop* loop, int count) {
  for (int i = 0; i < count; ++i) new GrpcExchange(service, loop);
}

GrpcExchange::GrpcExchange(grpc::AsyncGenericService* service, GrpcLoop* loop)
    : service_(service), loop_(loop), stream_(&context_) {
  // Comes only for a call that comes.
  context_.AsyncNotifyWhenDone(&done_);
  service->RequestCall(&context_, &stream_, loop->queue(), loop->queue(), &started_);
}

void GrpcExchange::Started(bool ok) {
  if (!ok) {
    delete this;  // the server shuts down
  } else if (!loop_->accepting()) {
    Release();  // it will not be finished
  } else {
    new GrpcExchange(service_, loop_);
    handler_ = loop_->methods().Serve(context_.method(), this);
  }
}

Call GrpcExchange::CallWith(Right right) const {
  Call call(right, Transport::kGrpc, context_.peer());
  const gpr_timespec deadline = context_.raw_deadline();
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) != 0) {
    const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
    call.deadline = loop_->clock().Monotonic() + absl::Seconds(left.tv_sec) + absl::Nanoseconds(left.tv_nsec);
  }
  return call;
}

std::optional<absl::string_view> GrpcExchange::Metadata(absl::string_view name) const {
  const auto& metadata = context_.client_metadata();
  const auto found = metadata.find(grpc::string_ref(name.data(), name.size()));
  if (found == metadata.end()) return std::nullopt;
  return absl::string_view(found->second.data(), found->second.size());
}

bool GrpcExchange::MayAsk(void (GrpcExchange::*ended)(bool)) {
  // Who finishes a call on another thread holds the loop, which does not end meanwhile.
  if (!loop_->IsCurrent() || loop_->accepting()) return true;
  loop_->Again([this, ended] { (this->*ended)(false); });
  return false;
}

void GrpcExchange::Read() {
  ++owed_;
  if (MayAsk(&GrpcExchange::ReadEnded)) stream_.Read(&request_, &read_);
}

void GrpcExchange::ReadEnded(bool ok) {
  if (ok) {
    grpc::ByteBuffer message;
    message.Swap(&request_);  // the handler may read on
    handler_->OnMessage(GrpcRequestBytes(&message));
  } else {
    handler_->OnNoMore();
  }
  Release();
}

void GrpcExchange::Write(Frame frame) {
  ++owed_;
  if (!MayAsk(&GrpcExchange::WriteEnded)) return;
  loop_->connections().BeforeWrite(Connection());
  stream_.Write(ToByteBuffer(std::move(frame)), &written_);
}

void GrpcExchange::WriteEnded(bool ok) {
  handler_->OnWritten(ok);
  Release();
}

void GrpcExchange::Finish(const absl::Status& status) {
  if (MayAsk(&GrpcExchange::Finished)) stream_.Finish(ToGrpc(status), &finished_);
}

void GrpcExchange::FinishWith(Frame frame) {
  if (!MayAsk(&GrpcExchange::Finished)) return;
  stream_.WriteAndFinish(ToByteBuffer(std::move(frame)), grpc::WriteOptions(), grpc::Status::OK, &finished_);
}

void GrpcExchange::Finished(bool) { Release(); }

void GrpcExchange::Done(bool) {
  if (handler_ != nullptr && context_.IsCancelled()) handler_->OnCancelled();
  Release();
}

void GrpcExchange::Release() {
  if (--owed_ > 0) return;
  if (connection_ != nullptr) loop_->connections().Leave(connection_);
  if (handler_ != nullptr) handler_->OnDone();
  delete this;
}

Connections::Connection* GrpcExchange::Connection() {
  if (connection_ == nullptr) connection_ = loop_->connections().Enter(context_.peer());
  return connection_;
}

}  // namespace nmq::rpc
