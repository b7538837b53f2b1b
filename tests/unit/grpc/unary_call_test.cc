#include "server/rpc/unary_call.h"

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.grpc.pb.h"
#include "server/grpc/grpc_loop.h"
#include "server/rpc/unary_rpc.h"
#include "tests/unit/grpc/one_loop_server.h"

namespace nmq::rpc {
namespace {

using JoinDone = Done<v1::JoinResponse>;
using Handle = std::function<void(const Call&, v1::JoinRequest*, JoinDone)>;

constexpr absl::Duration kPatience = absl::Seconds(30);

v1::JoinResponse Members(uint64_t members) {
  v1::JoinResponse response;
  response.add_rooms()->set_members(members);
  return response;
}

// A server with one method.
class UnaryCallTest : public testing::Test {
 protected:
  void Start(Handle handle) {
    AddDeferredRpc<v1::JoinRequest, v1::JoinResponse>("nmq.v1.MessageQueue.Join", /*request_bytes=*/1000,
                                                      /*keeps=*/false, std::move(handle), &loop().methods());
    server_.Start();
    stub_ = v1::MessageQueue::NewStub(server_.NewChannel());
  }

  void Stop() {
    if (!server_.running()) return;
    EndCalls();
    server_.Shutdown(absl::Milliseconds(100));
    EndCalls();
    server_.Stop();
  }

  GrpcLoop& loop() { return *server_.loop(); }

  void EndCalls() {
    loop().Post([loop = &loop()] {
      for (Stream* stream : loop->streams()) stream->End(absl::UnavailableError("over"));
    });
  }

  ~UnaryCallTest() override { Stop(); }

  struct Outcome {
    grpc::Status status;
    v1::JoinResponse response;
  };
  Outcome Ask() {
    Outcome outcome;
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    outcome.status = stub_->Join(&context, {}, &outcome.response);
    return outcome;
  }

  OneLoopServer server_;
  std::unique_ptr<v1::MessageQueue::Stub> stub_;
};

TEST_F(UnaryCallTest, AnswerInTheHandlerIsTheAnswer) {
  Start([](const Call&, v1::JoinRequest*, const JoinDone& done) { done(Members(7)); });
  const Outcome outcome = Ask();
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_EQ(outcome.response.rooms(0).members(), 7);
}

TEST_F(UnaryCallTest, AnswerMayComeFromAnotherThread) {
  std::thread answerer;
  Start([&](const Call&, v1::JoinRequest*, JoinDone done) {
    answerer = std::thread([done = std::move(done)] { done(Members(8)); });
  });
  const Outcome outcome = Ask();
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_EQ(outcome.response.rooms(0).members(), 8);
  answerer.join();
}

TEST_F(UnaryCallTest, AnswersThatCrossTheEndOfTheirCallsDoNoHarm) {
  constexpr size_t kCalls = 50;
  std::promise<std::vector<JoinDone>> given;
  std::vector<JoinDone> waiting;  // of the loop's thread
  Start([&](const Call&, v1::JoinRequest*, JoinDone done) {
    waiting.push_back(std::move(done));
    if (waiting.size() == kCalls) given.set_value(std::move(waiting));
  });
  std::vector<std::future<Outcome>> outcomes;
  for (size_t i = 0; i < kCalls; ++i) outcomes.push_back(std::async(std::launch::async, [this] { return Ask(); }));
  const std::vector<JoinDone> dones = given.get_future().get();
  std::thread answerer([&] {
    for (const JoinDone& done : dones) done(Members(3));
  });
  Stop();
  answerer.join();
  for (auto& outcome : outcomes) {
    const Outcome got = outcome.get();
    if (got.status.ok()) {
      EXPECT_EQ(got.response.rooms(0).members(), 3);
    } else {
      EXPECT_EQ(got.status.error_code(), grpc::StatusCode::UNAVAILABLE);
    }
  }
}

TEST_F(UnaryCallTest, ErrorArrivesAsAStatus) {
  Start([](const Call&, v1::JoinRequest*, const JoinDone& done) { done(NotFound("NOTHING", "there is nothing")); });
  const grpc::Status status = Ask().status;
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "there is nothing");
}

TEST_F(UnaryCallTest, FirstAnswerCounts) {
  Start([](const Call&, v1::JoinRequest*, const JoinDone& done) {
    done(Members(1));
    done(Members(2));
    done(absl::InternalError("no"));
  });
  EXPECT_EQ(Ask().response.rooms(0).members(), 1);
  EXPECT_EQ(Ask().response.rooms(0).members(), 1);
}

TEST_F(UnaryCallTest, WaitingCallsKeepNoOthersWaiting) {
  constexpr size_t kCalls = 20;
  std::vector<JoinDone> waiting;  // of the loop's thread
  Start([&](const Call&, v1::JoinRequest*, JoinDone done) {
    waiting.push_back(std::move(done));
    // Each one is answered only when the last has come.
    if (waiting.size() < kCalls) return;
    for (const JoinDone& each : waiting) each(Members(kCalls));
  });
  std::vector<std::future<Outcome>> outcomes;
  for (size_t i = 0; i < kCalls; ++i) outcomes.push_back(std::async(std::launch::async, [this] { return Ask(); }));
  for (auto& outcome : outcomes) EXPECT_TRUE(outcome.get().status.ok());
}

TEST_F(UnaryCallTest, EndedCallAnswersWithThatStatusAndIgnoresALaterAnswer) {
  std::promise<JoinDone> given;
  Start([&](const Call&, v1::JoinRequest*, JoinDone done) { given.set_value(std::move(done)); });
  std::future<Outcome> outcome = std::async(std::launch::async, [this] { return Ask(); });
  const JoinDone done = given.get_future().get();
  while (loop().stream_count() == 0) std::this_thread::yield();
  EndCalls();
  EXPECT_EQ(outcome.get().status.error_message(), "over");
  done(Members(1));
  Stop();
}

TEST_F(UnaryCallTest, AnswerAfterTheServersEndDoesNothing) {
  std::promise<JoinDone> given;
  Start([&](const Call&, v1::JoinRequest*, JoinDone done) { given.set_value(std::move(done)); });
  std::future<Outcome> outcome = std::async(std::launch::async, [this] { return Ask(); });
  const JoinDone done = given.get_future().get();
  Stop();
  server_.ReleaseLoop();
  done(Members(1));
  EXPECT_EQ(outcome.get().status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(UnaryCallTest, AnswerMayComeFromATimerOfTheLoop) {
  JoinDone waiting;  // of the loop's thread
  GrpcLoop::Timer timer([&] { waiting(Members(9)); });
  Start([&](const Call&, v1::JoinRequest*, JoinDone done) {
    waiting = std::move(done);
    loop().SetTimer(&timer, RealClock().Monotonic() + absl::Milliseconds(1));
  });
  const Outcome outcome = Ask();
  EXPECT_TRUE(outcome.status.ok()) << outcome.status.error_message();
  Stop();
}

TEST_F(UnaryCallTest, CancelledCallMayStillBeAnswered) {
  std::promise<JoinDone> given;
  Start([&](const Call&, v1::JoinRequest*, JoinDone done) { given.set_value(std::move(done)); });
  grpc::ClientContext context;
  std::future<grpc::Status> status = std::async(std::launch::async, [&] {
    v1::JoinResponse response;
    return stub_->Join(&context, {}, &response);
  });
  const JoinDone done = given.get_future().get();
  context.TryCancel();
  EXPECT_EQ(status.get().error_code(), grpc::StatusCode::CANCELLED);
  done(Members(1));
  while (loop().stream_count() > 0) std::this_thread::yield();
}

}  // namespace
}  // namespace nmq::rpc
