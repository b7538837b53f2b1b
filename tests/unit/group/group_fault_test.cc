// Groups whose disk fails, or whose neighbours have to wait.
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/env.h"
#include "tests/testing/fault_file_system.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;

constexpr absl::Duration kPatience = absl::Seconds(30);
// The ring in memory holds five messages.
constexpr char kQueues[] = R"(
    limits { queue_messages: 5 }
    namespace {
      name: "default"
      queue { name: "D" durability: DURABILITY_DURABLE }
      queue { name: "Other" durability: DURABILITY_DURABLE }
    })";

class GroupFault : public testing::Test {
 protected:
  GroupFault()
      : directory_(
            absl::StrCat(testing::TempDir(), "/", testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(directory_);
    Start();
  }

  void Start() {
    world_ = nullptr;
    world_ = std::make_unique<World>(kQueues, /*lanes=*/1, directory_, env_.get());
  }
  World& world() { return *world_; }

  std::unique_ptr<Listener> Enter(const std::string& queue = "D", uint32_t attempts_max = 5) {
    last_ = world_->Connect();
    v1::SubscribeRequest request = SubscribeTo(last_, {{queue, ""}});
    request.mutable_group()->set_name("g");
    request.mutable_group()->set_attempts_max(attempts_max);
    auto listener = world_->TryListen(request);
    EXPECT_TRUE(listener.ok()) << listener.status();
    return listener.ok() ? *std::move(listener) : nullptr;
  }
  void Publish(const std::string& payload, const std::string& queue = "D") {
    EXPECT_TRUE(world_->Publish({.queue = queue, .payload = payload}).ok());
  }
  Heard Hear(Listener* listener) {
    for (int i = 0; i < 4; ++i) {
      world_->broker().FlushToDisk();
      TakeTurn(world_->lane(0));
    }
    return listener->HearAll();
  }
  // How many messages come.
  uint64_t HearFromDisk(Listener* listener) {
    uint64_t all = 0;
    for (int quiet = 0; quiet < 2;) {
      const uint64_t some = listener->HearAll().messages.size();
      quiet = some == 0 ? quiet + 1 : 0;
      all += some;
      world_->storage().log().Flush();
    }
    return all;
  }

  Member last_;  // that entered
  const std::string directory_;
  const std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  const std::unique_ptr<rocksdb::Env> env_ = NewFaultEnv(fs_);

 private:
  std::unique_ptr<World> world_;
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
  fs_->FailReads(true);
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
  fs_->FailReads(false);
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
