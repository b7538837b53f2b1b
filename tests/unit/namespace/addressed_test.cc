#include "server/namespace/addressed.h"

#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/namespace/parts.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AddressedTest : public testing::Test {
 protected:
  absl::StatusOr<Addressed> Address(std::vector<v1::Message> messages, bool automatic = false,
                                    const Client* publisher = nullptr) {
    messages_ = std::move(messages);
    incoming_.clear();
    for (v1::Message& message : messages_) incoming_.push_back(ToIncoming(&message, &arena_));
    return parts_.Address(incoming_, automatic, publisher);
  }

  Parts parts_;
  google::protobuf::Arena arena_;
  std::vector<v1::Message> messages_;
  std::vector<Incoming> incoming_;
};

TEST_F(AddressedTest, MessagesAreKeptByQueueInTheOrderOfAppearance) {
  const auto db = parts_.AddQueue("DB");
  const auto fs = parts_.AddQueue("FS");
  const auto addressed = Address({NewMessage("FS", "a"), NewMessage("DB", "b"), NewMessage("FS", "c")});
  ASSERT_TRUE(addressed.ok());
  ASSERT_EQ(addressed->queues.size(), 2u);
  EXPECT_EQ(addressed->queues[0].queue, fs);
  ASSERT_EQ(addressed->queues[0].messages.size(), 2u);
  EXPECT_EQ(addressed->queues[0].messages[1].event, "c");
  EXPECT_EQ(addressed->queues[0].messages[1].index, 2u);
  EXPECT_EQ(addressed->queues[0].bytes,
            addressed->queues[0].messages[0].body.size() + addressed->queues[0].messages[1].body.size());
  EXPECT_EQ(addressed->queues[1].queue, db);
}

TEST_F(AddressedTest, AMissingQueueIsAnErrorUnlessItIsMadeByItself) {
  EXPECT_EQ(ReasonOf(Address({NewMessage("DB")}).status()), "QUEUE_NOT_FOUND");
  const auto addressed = Address({NewMessage("DB")}, /*automatic=*/true);
  ASSERT_TRUE(addressed.ok());
  EXPECT_TRUE(addressed->queue_missing);
  EXPECT_THAT(addressed->queues, IsEmpty());
}

TEST_F(AddressedTest, AnEventThatIsNotAcceptedIsNamedWithItsMessage) {
  parts_.AddQueue("DB", {"CREATE"});
  const absl::Status status = Address({NewMessage("DB", "CREATE"), NewMessage("DB", "DROP")}).status();
  EXPECT_EQ(ReasonOf(status), "EVENT_NOT_FOUND");
  EXPECT_EQ(MetadataOf(status, "event"), "DROP");
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("messages[1]"));
}

TEST_F(AddressedTest, AMessageForEveryoneHasNoAudience) {
  parts_.AddQueue("DB");
  const auto addressed = Address({NewMessage("DB")});
  EXPECT_EQ(addressed->queues[0].messages[0].audience, nullptr);
}

TEST_F(AddressedTest, AnAudienceIsResolvedForThePublisher) {
  parts_.AddQueue("DB");
  const auto client = parts_.AddClient("a");
  v1::Message message = NewMessage("DB");
  message.mutable_audience()->add_rooms("r");
  message.mutable_audience()->set_except_publisher(true);
  const auto addressed = Address({message}, /*automatic=*/false, client.get());
  const auto& audience = addressed->queues[0].messages[0].audience;
  EXPECT_THAT(audience->targets, ElementsAre(parts_.numbers.OfRoom("r")));
  EXPECT_THAT(audience->excepts, ElementsAre(client->number()));
  EXPECT_FALSE(audience->everyone);
}

TEST_F(AddressedTest, AMessageThatExpiresIsForEveryoneUntilThen) {
  parts_.AddQueue("DB");
  v1::Message message = NewMessage("DB");
  message.mutable_expire_at()->set_seconds(absl::ToUnixSeconds(parts_.clock.Now()) + 60);
  const auto addressed = Address({message});
  EXPECT_TRUE(addressed->queues[0].messages[0].audience->everyone);
  EXPECT_GT(addressed->queues[0].messages[0].audience->expire_us, absl::ToUnixMicros(parts_.clock.Now()));
}

TEST_F(AddressedTest, AMessageWaitsUnlessItsTimeHasCome) {
  const auto queue = parts_.AddQueue("DB");
  v1::Message later = NewMessage("DB");
  later.mutable_deliver_at()->set_seconds(absl::ToUnixSeconds(parts_.clock.Now()) + 60);
  v1::Message due = NewMessage("DB");
  due.mutable_deliver_at()->set_seconds(absl::ToUnixSeconds(parts_.clock.Now()));
  const auto addressed = Address({later, due});
  ASSERT_EQ(addressed->later.size(), 1u);
  EXPECT_EQ(addressed->later[0].first, queue);
  EXPECT_EQ(addressed->later[0].second, &incoming_[0]);
  EXPECT_EQ(addressed->queues[0].messages.size(), 1u);
}

TEST_F(AddressedTest, AClientThatIsGoneIsRefusedOrSkipped) {
  v1::Message message = NewMessage("DB");
  message.mutable_audience()->add_clients("gone");
  const Incoming incoming = ToIncoming(&message, &arena_);
  EXPECT_EQ(ReasonOf(AudienceOf(parts_.roster, 0, Roster::Absent::kRefuse, incoming).status()), "CLIENT_NOT_FOUND");
  const auto audience = AudienceOf(parts_.roster, 0, Roster::Absent::kSkip, incoming);
  ASSERT_TRUE(audience.ok());
  EXPECT_FALSE((*audience)->everyone);
  EXPECT_THAT((*audience)->targets, IsEmpty());
}

}  // namespace
}  // namespace nmq::broker
