#include "server/rpc/call_worker.h"

#include <deque>
#include <memory>
#include <vector>

#include "base/errors.h"
#include "gtest/gtest.h"
#include "nmq/v1/registry.pb.h"
#include "server/rpc/unary_rpc.h"
#include "tests/testing/notification.h"
#include "tests/unit/rpc/fake_transport.h"

namespace nmq::rpc {
namespace {

// A method that a worker answers, which is busy until Go.
class CallWorkerTest : public testing::Test {
 protected:
  CallWorkerTest() {
    AddWorkerRpc<v1::ListRoomsRequest, v1::ListRoomsResponse>(
        "nmq.v1.Registry.ListRooms",
        [this](const Call&, v1::ListRoomsRequest*, const Done<v1::ListRoomsResponse>& done) {
          ++handled_;
          if (handled_ == 1) go_.WaitForNotification();
          done(v1::ListRoomsResponse());
        },
        &worker_, &loop_->methods());
  }
  ~CallWorkerTest() override {
    for (Handler* handler : handlers_) handler->OnDone();
  }

  // A call whose request has come.
  FakeExchange& Begin() {
    exchanges_.emplace_back(loop_.get());
    handlers_.push_back(loop_->methods().Serve("/nmq.v1.Registry/ListRooms", &exchanges_.back()));
    EXPECT_EQ(exchanges_.back().reads(), 1);
    handlers_.back()->OnMessage(PlainRequestBytes(""));
    return exchanges_.back();
  }
  Handler* last() { return handlers_.back(); }
  void Go() {
    go_.Notify();
    worker_.Flush();
  }

  const std::shared_ptr<FakeLoop> loop_ = std::make_shared<FakeLoop>();
  Notification go_;
  int handled_ = 0;  // of the worker's thread, until it is flushed
  std::deque<FakeExchange> exchanges_;
  std::vector<Handler*> handlers_;
  CallWorker worker_;
};

TEST_F(CallWorkerTest, AnswersOneAfterTheOther) {
  FakeExchange& first = Begin();
  FakeExchange& second = Begin();
  Go();
  EXPECT_EQ(first.status(), absl::OkStatus());
  EXPECT_EQ(second.status(), absl::OkStatus());
  EXPECT_EQ(handled_, 2);
}

TEST_F(CallWorkerTest, PassesOverCallsWhoseCallersAreGone) {
  Begin();
  FakeExchange& gone = Begin();
  last()->OnCancelled();
  FakeExchange& patient = Begin();
  Go();
  EXPECT_EQ(gone.status()->code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(patient.status(), absl::OkStatus());
  EXPECT_EQ(handled_, 2);
}

TEST_F(CallWorkerTest, RefusesMoreCallsThanMayWait) {
  for (size_t i = 0; i < CallWorker::kCallsMax; ++i) EXPECT_FALSE(Begin().status().has_value());
  const FakeExchange& refused = Begin();
  ASSERT_TRUE(refused.status().has_value());
  EXPECT_EQ(refused.status()->code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(*refused.status()), "TOO_MANY_CALLS");
  Go();
  const FakeExchange& later = Begin();
  worker_.Flush();
  EXPECT_EQ(later.status(), absl::OkStatus());
}

}  // namespace
}  // namespace nmq::rpc
