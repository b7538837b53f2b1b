#include "server/rpc/unary_call.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.pb.h"
#include "tests/unit/rpc/fake_transport.h"

namespace nmq::rpc {
namespace {

// Calls that come through an exchange that tells sizes, to a method that answers when the test says so.
class UnaryCallTest : public testing::Test {
 protected:
  UnaryCallTest() {
    method_.handle = [this](const Exchange&, const RequestBytes&, const std::shared_ptr<Answer>& answer) {
      answer_ = answer;
    };
    method_.request_bytes = 1 << 20;
    method_.keeps = true;
  }

  uint64_t taken() const { return loop_->memory().taken(); }
  uint64_t all() const { return loop_->memory().bytes_max(); }

  std::shared_ptr<FakeLoop> loop_ = std::make_shared<FakeLoop>();
  UnaryMethod method_;
  std::shared_ptr<Answer> answer_;
  FakeExchange first_{loop_.get(), /*tells_sizes=*/true};
  FakeExchange second_{loop_.get(), /*tells_sizes=*/true};
};

TEST_F(UnaryCallTest, RequestTakesWhatItHasUntilItIsAnswered) {
  auto* const call = new UnaryCall(&method_, &first_);
  EXPECT_EQ(first_.reads(), 1);
  EXPECT_EQ(taken(), 0u);
  call->OnSize(1'000);
  EXPECT_EQ(first_.reads(), 2);
  EXPECT_EQ(taken(), 1'000u);
  call->OnMessage(PlainRequestBytes(std::string(1'000, 'x')));
  EXPECT_EQ(taken(), 1'000u);
  Answer::Give(answer_, Frame(v1::PublishResponse()));
  EXPECT_TRUE(first_.status()->ok());
  EXPECT_EQ(taken(), 0u);
  call->OnDone();
}

TEST_F(UnaryCallTest, RequestForWhichThereIsNoRoomWaitsUntilAnotherIsAnswered) {
  auto* const one = new UnaryCall(&method_, &first_);
  auto* const other = new UnaryCall(&method_, &second_);
  one->OnSize(all());
  one->OnMessage(PlainRequestBytes(std::string(all(), 'x')));
  other->OnSize(1);
  EXPECT_EQ(second_.reads(), 1);
  Answer::Give(answer_, Frame(v1::PublishResponse()));
  loop_->intake().Continue();
  EXPECT_EQ(second_.reads(), 2);
  other->OnMessage(PlainRequestBytes("x"));
  Answer::Give(answer_, Frame(v1::PublishResponse()));
  one->OnDone();
  other->OnDone();
}

TEST_F(UnaryCallTest, CallThatEndsWhileItWaitsLeavesTheLine) {
  auto* const one = new UnaryCall(&method_, &first_);
  auto* const other = new UnaryCall(&method_, &second_);
  one->OnSize(all());
  other->OnSize(1);
  other->OnCancelled();
  EXPECT_EQ(second_.status()->code(), absl::StatusCode::kCancelled);
  one->OnNoMore();
  EXPECT_EQ(first_.status()->code(), absl::StatusCode::kInvalidArgument);
  loop_->intake().Continue();
  EXPECT_EQ(taken(), 0u);
  one->OnDone();
  other->OnDone();
}

TEST_F(UnaryCallTest, SmallRequestOfAMethodThatNeedsNoRoomIsReceivedAtOnce) {
  method_.request_bytes = 0;
  auto* const one = new UnaryCall(&method_, &first_);
  auto* const other = new UnaryCall(&method_, &second_);
  one->OnSize(all());
  other->OnSize(100);
  EXPECT_EQ(second_.reads(), 2);
  EXPECT_EQ(taken(), all());
  one->OnNoMore();
  other->OnNoMore();
  EXPECT_EQ(taken(), 0u);
  one->OnDone();
  other->OnDone();
}

}  // namespace
}  // namespace nmq::rpc
