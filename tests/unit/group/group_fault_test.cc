// Groups whose disk fails, or whose neighbours have to wait.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/broker/harness.h"
#include "tests/unit/group/group_on_disk.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;

constexpr absl::Duration kPatience = absl::Seconds(30);

class GroupFault : public GroupOnDisk {
 protected:
  GroupFault() { Start(); }

  std::unique_ptr<Listener> Enter(const std::string& queue = "D", uint32_t attempts_max = 5) {
    last_ = world().Connect();
    return GroupOnDisk::Enter(last_, queue, attempts_max);
  }
  // How many messages come.
  uint64_t HearFromDisk(Listener* listener) {
    uint64_t all = 0;
    for (int quiet = 0; quiet < 2;) {
      const uint64_t some = listener->HearAll().messages.size();
      quiet = some == 0 ? quiet + 1 : 0;
      all += some;
      world().storage().log().Flush();
    }
    return all;
  }

  Member last_;  // that entered
};

TEST_F(GroupFault, MessageThatCannotBeReadIsNotDelivered) {
  auto a = Enter("D", /*attempts_max=*/3);
  Publish("1");
  // More than the store keeps in memory of its files, by far: it keeps them in parts, and those fill up unevenly.
  constexpr int kLarge = 72;
  for (int i = 0; i < kLarge; ++i) Publish(std::string(1 << 20, 'x'));
  ASSERT_EQ(Hear(a.get()).messages.size(), 1u);
  a = nullptr;
  Start();
  a = Enter("D", 3);
  const Heard again = Hear(a.get());
  ASSERT_FALSE(again.messages.empty());
  ASSERT_EQ(again.messages[0].sequence(), 1u);
  ASSERT_EQ(again.messages[0].attempt(), 2u);
  ASSERT_EQ(HearFromDisk(world().Listen(world().Connect(), {{"D", ""}}, Earliest()).get()), kLarge + 1u);
  disk().FailReads(true);
  a->Close();
  for (int i = 0; i < 5; ++i) {
    auto b = Enter("D", 3);
    const Heard heard = Hear(b.get());
    EXPECT_EQ(heard.messages.size(), 0u);
    EXPECT_EQ(heard.status.code(), absl::StatusCode::kUnavailable) << "it is told why: " << heard.status;
    b->Close();
    world().clock().Advance(absl::Seconds(2));
    world().Housekeep();
  }
  disk().FailReads(false);
  auto c = Enter("D", 3);
  const Heard last = Hear(c.get());
  ASSERT_FALSE(last.messages.empty());
  EXPECT_EQ(last.messages[0].sequence(), 1u);
  EXPECT_EQ(last.messages[0].attempt(), 3u) << "what nobody saw is no attempt";
  EXPECT_EQ(HearFromDisk(world().Listen(world().Connect(), {{"D.dead", ""}}, Earliest()).get()), 0u);
}

TEST_F(GroupFault, SeekOfOneGroupHoldsUpNoOther) {
  auto of_d = Enter("D");
  auto other = Enter("Other");
  Publish("1");
  Publish("2", "Other");
  ASSERT_THAT(Hear(of_d.get()).payloads(), ElementsAre("1"));
  const Heard heard = Hear(other.get());
  ASSERT_THAT(heard.payloads(), ElementsAre("2"));

  // The committer is busy for as long as a publisher takes with its answer.
  absl::Notification answered;
  absl::Notification release;
  v1::PublishRequest publish;
  *publish.mutable_message() = ToMessage({.queue = "D", .payload = "3"});
  world().broker().Publish(TestCall(), &publish, [&](const absl::StatusOr<v1::PublishResponse>&) {
    answered.Notify();
    release.WaitForNotification();
  });
  answered.WaitForNotification();
  auto group = world().name_space().FindGroup("D", "g");
  ASSERT_TRUE(group.ok()) << group.status();
  absl::Notification sought;
  (*group)->Seek(1, [&](const absl::Status& status) {
    EXPECT_TRUE(status.ok()) << status;
    sought.Notify();
  });

  absl::Notification noted;
  v1::AcknowledgeRequest acknowledge;
  acknowledge.set_session(last_.session);
  acknowledge.set_queue("Other");
  acknowledge.set_group("g");
  v1::Acknowledgement* const one = acknowledge.add_acknowledgements();
  one->set_first(1);
  one->set_done(true);
  world().broker().Acknowledge(TestCall(), &acknowledge, [&](const absl::StatusOr<v1::AcknowledgeResponse>& response) {
    EXPECT_TRUE(response.ok()) << response.status();
    noted.Notify();
  });
  EXPECT_TRUE(noted.WaitForNotificationWithTimeout(kPatience)) << "the other group waits, too";
  EXPECT_FALSE(sought.HasBeenNotified()) << "before what was on its way is written";
  release.Notify();
  EXPECT_TRUE(sought.WaitForNotificationWithTimeout(kPatience));
  EXPECT_THAT(Hear(of_d.get()).payloads(), ElementsAre("1", "3"));
}

}  // namespace
}  // namespace nmq::broker
