#include "server/rpc/subscribe_stream.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "nmq/v1/message_queue.pb.h"
#include "tests/unit/broker/harness.h"
#include "tests/unit/rpc/fake_transport.h"

namespace nmq::rpc {
namespace {

class SubscribeStreamTest : public testing::Test {
 protected:
  ~SubscribeStreamTest() override {
    stream_->OnCancelled();
    stream_->OnDone();
  }

  // The kinds of the frames that it has written.
  std::vector<v1::SubscribeResponse::FrameCase> Written() const {
    std::vector<v1::SubscribeResponse::FrameCase> kinds;
    for (const std::string& bytes : exchange_.written()) {
      v1::SubscribeResponse frame;
      EXPECT_TRUE(frame.ParseFromString(bytes));
      kinds.push_back(frame.frame_case());
    }
    return kinds;
  }

  const std::vector<v1::SubscribeResponse::FrameCase> kReady = {v1::SubscribeResponse::kReady};
  const std::vector<v1::SubscribeResponse::FrameCase> kReadyAndHeartbeat = {v1::SubscribeResponse::kReady,
                                                                            v1::SubscribeResponse::kHeartbeat};
  broker::World world_{"limits { heartbeat { seconds: 16 } }"};
  const std::shared_ptr<FakeLoop> loop_ = std::make_shared<FakeLoop>(&world_.clock());
  FakeExchange exchange_{loop_.get()};
  Handler* const stream_ = new SubscribeStream(&world_.broker(), &exchange_);
};

TEST_F(SubscribeStreamTest, SendsItsHeartbeatWithOthersWhenItIsNearlyDue) {
  stream_->OnPulse();
  const std::string request = broker::SubscribeTo(world_.Connect(), {{"DB", ""}}).SerializeAsString();
  stream_->OnMessage(PlainRequestBytes(request));
  stream_->OnWritten(true);
  world_.clock().Advance(absl::Seconds(13));
  stream_->OnPulse();
  EXPECT_EQ(Written(), kReady);
  world_.clock().Advance(absl::Seconds(1));
  stream_->OnPulse();
  EXPECT_EQ(Written(), kReadyAndHeartbeat);
  stream_->OnWritten(true);
  stream_->OnPulse();
  EXPECT_EQ(Written(), kReadyAndHeartbeat);
}

TEST_F(SubscribeStreamTest, WhoseFrameIsOnItsWaySendsNoHeartbeat) {
  const std::string request = broker::SubscribeTo(world_.Connect(), {{"DB", ""}}).SerializeAsString();
  stream_->OnMessage(PlainRequestBytes(request));
  world_.clock().Advance(absl::Seconds(15));
  stream_->OnPulse();
  EXPECT_EQ(Written(), kReady);
}

}  // namespace
}  // namespace nmq::rpc
