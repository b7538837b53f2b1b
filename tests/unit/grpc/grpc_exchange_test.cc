#include "server/grpc/grpc_exchange.h"

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.grpc.pb.h"
#include "server/grpc/grpc_loop.h"
#include "tests/testing/notification.h"
#include "tests/unit/grpc/one_loop_server.h"

namespace nmq::rpc {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

// A handler that does as the test says. The test has it until OnDone.
class Played final : public Handler {
 public:
  std::function<void()> on_message = [] {};
  std::function<void()> on_cancelled = [] {};
  std::function<void()> on_done = [] {};

  void OnSize(uint64_t) override { FAIL() << "gRPC cannot tell sizes"; }
  void OnMessage(const RequestBytes&) override { on_message(); }
  void OnNoMore() override {}
  void OnCancelled() override { on_cancelled(); }
  void OnDone() override { on_done(); }
};

// A server whose only method is Join.
class GrpcExchangeTest : public testing::Test {
 protected:
  void Start(MethodTable::Begin join) {
    loop().methods().Add("/nmq.v1.MessageQueue/Join", std::move(join));
    server_.Start();
    stub_ = v1::MessageQueue::NewStub(server_.NewChannel());
  }

  GrpcLoop& loop() { return *server_.loop(); }

  std::future<grpc::Status> Join(std::function<void(grpc::ClientContext*)> prepare = [](grpc::ClientContext*) {}) {
    return std::async(std::launch::async, [this, prepare = std::move(prepare)] {
      grpc::ClientContext context;
      context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
      prepare(&context);
      v1::JoinResponse response;
      return stub_->Join(&context, {}, &response);
    });
  }

  OneLoopServer server_;
  std::unique_ptr<v1::MessageQueue::Stub> stub_;
};

TEST_F(GrpcExchangeTest, ShowsWhatCameWithTheCall) {
  Played handler;
  std::string token;
  std::string bytes;
  bool others = true;
  bool deadline = false;
  Start([&](Exchange* exchange) {
    token = std::string(exchange->Metadata("token").value_or(""));
    bytes = std::string(exchange->Metadata("bytes-bin").value_or(""));
    others = exchange->Metadata("toke").has_value();
    const Call call = exchange->CallWith(Right::kJoin);
    deadline = call.deadline.has_value() && *call.deadline <= RealClock().Monotonic() + 2 * kPatience;
    exchange->Finish(absl::OutOfRangeError(call.peer));
    return &handler;
  });
  const grpc::Status status = Join([](grpc::ClientContext* context) {
                                context->AddMetadata("token", "secret");
                                context->AddMetadata("bytes-bin", std::string("\0\xff", 2));
                              }).get();
  server_.Stop();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(status.error_message(), testing::StartsWith("ipv4:127.0.0.1:"));
  EXPECT_EQ(token, "secret");
  EXPECT_EQ(bytes, std::string("\0\xff", 2));
  EXPECT_FALSE(others);
  EXPECT_TRUE(deadline);
}

TEST_F(GrpcExchangeTest, MethodThatIsNotThereIsNamed) {
  Start(nullptr);
  grpc::ClientContext context;
  v1::LeaveResponse response;
  const grpc::Status status = stub_->Leave(&context, {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_THAT(status.error_message(), testing::HasSubstr("\"/nmq.v1.MessageQueue/Leave\""));
}

TEST_F(GrpcExchangeTest, HandlerLearnsThatTheCallerIsGoneAndIsDoneOnceItHasFinished) {
  Played handler;
  Notification came;
  Notification cancelled;
  Notification done;
  Exchange* call = nullptr;
  std::promise<grpc::ClientContext*> caller;
  handler.on_message = [&] { came.Notify(); };
  handler.on_cancelled = [&] { cancelled.Notify(); };
  handler.on_done = [&] { done.Notify(); };
  Start([&](Exchange* exchange) {
    call = exchange;
    exchange->Read();
    return &handler;
  });
  auto status = Join([&](grpc::ClientContext* context) { caller.set_value(context); });
  came.WaitForNotification();
  caller.get_future().get()->TryCancel();
  EXPECT_EQ(status.get().error_code(), grpc::StatusCode::CANCELLED);
  cancelled.WaitForNotification();
  loop().Post([&] { call->Finish(absl::OkStatus()); });
  done.WaitForNotification();
}

TEST_F(GrpcExchangeTest, CallThatIsFinishedOnlyAfterTheLoopIsToldToEndIsDoneAllTheSame) {
  Played handler;
  Notification came;
  bool done = false;
  Exchange* call = nullptr;
  handler.on_message = [&] { came.Notify(); };
  handler.on_done = [&] { done = true; };
  Start([&](Exchange* exchange) {
    call = exchange;
    exchange->Read();
    return &handler;
  });
  auto status = Join();
  came.WaitForNotification();
  server_.Shutdown();
  // Both in the turn after this task's.
  loop().Post([&] {
    loop().Shutdown();
    loop().Post([&] { call->Finish(absl::OkStatus()); });
  });
  loop().Join();
  EXPECT_TRUE(done);
  EXPECT_FALSE(status.get().ok());
}

}  // namespace
}  // namespace nmq::rpc
