// From when on, and until when, messages are delivered.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/broker.h"
#include "tests/integration/fixture.h"
#include "tests/testing/simulated_clock.h"

namespace nmq::integration {
namespace {

using testing::HasSubstr;

class MessageTimes : public testing::Test {
 protected:
  int64_t Seconds() const { return absl::ToUnixSeconds(clock_.Now()); }

  SimulatedClock clock_;
  TestServer server_{{.clock = &clock_}};
  Api api_{server_};
  TestClient client_{&api_};
};

TEST_F(MessageTimes, ExpiredMessageIsToldAsAGap) {
  v1::Message brief = MakeMessage("DB", "E", "brief");
  brief.mutable_expire_at()->set_seconds(Seconds() + 10);
  client_.Publish(brief);
  client_.Publish("DB", "E", "lasting");
  v1::SubscribeRequest request = client_.SubscribeRequest("DB");
  request.mutable_start()->set_earliest(true);
  const v1::Message heard = client_.Subscribe(request)->NextMessage();
  EXPECT_EQ(heard.payload(), "brief");
  EXPECT_EQ(heard.expire_at().seconds(), Seconds() + 10);

  clock_.Advance(absl::Seconds(10));
  auto late = client_.Subscribe(request);
  const v1::Gap gap = late->NextGap();
  EXPECT_EQ(gap.first(), 1);
  EXPECT_EQ(gap.last(), 1);
  EXPECT_EQ(gap.count(), 1);
  EXPECT_EQ(gap.reason(), v1::GAP_REASON_EXPIRED);
  EXPECT_EQ(late->NextMessage().payload(), "lasting");
}

TEST_F(MessageTimes, TimeThatIsOverIsRefused) {
  v1::PublishRequest request;
  *request.mutable_message() = MakeMessage("DB", "E", "");
  request.mutable_message()->mutable_expire_at()->set_seconds(Seconds());
  const grpc::Status status = api_.Try(&v1::MessageQueue::Stub::Publish, request);
  EXPECT_EQ(Summary(status), "INVALID_ARGUMENT INVALID_FIELD field=expire_at");
  EXPECT_THAT(status.error_message(), HasSubstr("is past"));
}

TEST_F(MessageTimes, DelayedMessageComesByItselfAtItsTime) {
  auto listener = client_.Subscribe("DB");
  v1::Message later = MakeMessage("DB", "E", "later");
  later.mutable_deliver_at()->set_seconds(Seconds() + 10);
  const v1::PublishResponse answer = client_.Publish(later);
  EXPECT_EQ(answer.sequence(), 0);
  EXPECT_EQ(answer.id(), "");
  client_.Publish("DB", "E", "now");
  EXPECT_EQ(listener->NextMessage().payload(), "now");
  v1::ListQueuesResponse queues = api_.Get(&v1::Registry::Stub::ListQueues, v1::ListQueuesRequest());
  EXPECT_EQ(queues.queues(0).scheduled(), 1);

  clock_.Advance(absl::Seconds(10));
  const v1::Message message = listener->NextMessage();
  EXPECT_EQ(message.payload(), "later");
  EXPECT_EQ(message.sequence(), 2);
  queues = api_.Get(&v1::Registry::Stub::ListQueues, v1::ListQueuesRequest());
  EXPECT_EQ(queues.queues(0).scheduled(), 0);
}

}  // namespace
}  // namespace nmq::integration
