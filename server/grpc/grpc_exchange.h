#ifndef NMQ_SERVER_GRPC_GRPC_EXCHANGE_H_
#define NMQ_SERVER_GRPC_GRPC_EXCHANGE_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/call/call.h"
#include "server/frame/frame.h"
#include "server/grpc/connections.h"
#include "server/grpc/grpc_loop.h"
#include "server/rpc/exchange.h"

namespace nmq::rpc {

// A call of any method that came through gRPC. It deletes itself with the last event that gRPC owes it. All calls are
// streams to gRPC, on the wire that is the same: it receives a message only when that is read, and the request of a
// unary call of its own before anybody asks for it.
class GrpcExchange final : public Exchange {
 public:
  // Waits for `count` calls, which `loop` serves by its methods; one that comes is replaced at once. `service` must
  // outlive the loop.
  static void Serve(grpc::AsyncGenericService* service, GrpcLoop* loop, int count);

  Loop* loop() const override { return loop_; }
  Call CallWith(Right right) const override;
  std::optional<absl::string_view> Metadata(absl::string_view name) const override;
  bool tells_sizes() const override { return false; }
  void Read() override;
  void Write(Frame frame) override;
  void ExpectWrite() override { loop_->connections().Expect(Connection()); }
  void Finish(const absl::Status& status) override;
  void FinishWith(Frame frame) override;
  void Cancel() override { context_.TryCancel(); }

 private:
  GrpcExchange(grpc::AsyncGenericService* service, GrpcLoop* loop);
  ~GrpcExchange() override = default;

  void Started(bool ok);
  void ReadEnded(bool ok);
  void WriteEnded(bool ok);
  void Finished(bool ok);
  void Done(bool ok);
  void Release();
  // False, and what was asked for has ended in vain, if the loop ends: its queue takes nothing more.
  bool MayAsk(void (GrpcExchange::*ended)(bool));
  Connections::Connection* Connection();

  grpc::AsyncGenericService* const service_;
  GrpcLoop* const loop_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_;
  MemberEvent<GrpcExchange> started_{this, &GrpcExchange::Started};
  MemberEvent<GrpcExchange> read_{this, &GrpcExchange::ReadEnded};
  MemberEvent<GrpcExchange> written_{this, &GrpcExchange::WriteEnded};
  MemberEvent<GrpcExchange> finished_{this, &GrpcExchange::Finished};
  MemberEvent<GrpcExchange> done_{this, &GrpcExchange::Done};
  Handler* handler_ = nullptr;                     // from the call on
  Connections::Connection* connection_ = nullptr;  // from the first write on
  grpc::ByteBuffer request_;
  // Events to come; from the call on, that it is finished, and that it is done. Another thread may finish the call, and
  // so does not count.
  int owed_ = 2;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_GRPC_GRPC_EXCHANGE_H_
