// Who does not wait for others that read from a disk that takes its time.
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "base/await.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/admin/admin.h"
#include "tests/testing/fresh_directory.h"
#include "tests/testing/notification.h"
#include "tests/unit/broker/harness.h"
#include "tests/unit/broker/held_reads.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;

constexpr char kQueues[] = R"(
    namespace {
      name: "default" automatic_queues: true
      queue { name: "D" durability: DURABILITY_DURABLE }
    })";

v1::StartPosition Last(uint64_t count) {
  v1::StartPosition start;
  start.set_last(count);
  return start;
}

// The disk reads nothing until it is let go. Who waited for it would wait for ever.
class SlowRead : public testing::Test {
 protected:
  SlowRead() {
    world_ = std::make_unique<World>(kQueues, /*lanes=*/1, directory_);
    reads_ = std::make_unique<HeldReads>(&world_->storage().log());
  }
  ~SlowRead() override {
    reads_ = nullptr;
    world_ = nullptr;
  }
  World& world() { return *world_; }
  void Release() { reads_ = nullptr; }
  void Settle() {
    world().broker().FlushToDisk();
    world().storage().log().Flush();
  }

  Broker::Wish WishFor(const std::string& queue) {
    const v1::SubscribeRequest request = SubscribeTo(world().Connect(), {{queue, ""}}, Last(1));
    auto wish = world().broker().CheckSubscribe(TestCall(), request, world().lane(0), /*owner=*/nullptr);
    EXPECT_TRUE(wish.ok()) << wish.status();
    return *std::move(wish);
  }

 private:
  const std::string directory_ = FreshDirectory();
  std::unique_ptr<World> world_;
  std::unique_ptr<HeldReads> reads_;
};

TEST_F(SlowRead, MessagesWhoseTimeHasComeAreLetIntoOtherQueues) {
  const absl::Time due = world().clock().Now() + absl::Seconds(1);
  ASSERT_TRUE(world().Publish({.queue = "D", .payload = "on disk", .deliver_at = due}).ok());
  ASSERT_TRUE(world().Publish({.queue = "LIVE", .payload = "in memory", .deliver_at = due}).ok());
  auto listener = world().Listen(world().Connect(), {{"*", ""}});
  world().clock().Advance(absl::Seconds(2));
  world().broker().DeliverDue();
  EXPECT_THAT(listener->HearAll().order, ElementsAre("in memory"));
  Release();
  Settle();
  EXPECT_THAT(listener->HearAll().order, ElementsAre("on disk"));
}

TEST_F(SlowRead, AStartInMemoryIsFoundWhileOneOnDiskIsLookedFor) {
  ASSERT_TRUE(world().Publish({.queue = "D"}).ok());
  ASSERT_TRUE(world().Publish({.queue = "LIVE"}).ok());
  Broker::Wish on_disk = WishFor("D");
  Broker::Wish in_memory = WishFor("LIVE");
  std::atomic<bool> is_found{false};
  Notification found;
  ASSERT_TRUE(world()
                  .broker()
                  .PrepareSubscribe(&on_disk, /*stop=*/nullptr,
                                    [&](const absl::Status& status) {
                                      EXPECT_TRUE(status.ok()) << status;
                                      is_found = true;
                                      found.Notify();
                                    })
                  .ok());
  const absl::Status status = Await<absl::Status>([&](std::function<void(const absl::Status&)> done) {
    EXPECT_TRUE(world().broker().PrepareSubscribe(&in_memory, /*stop=*/nullptr, std::move(done)).ok());
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_FALSE(is_found);
  Release();
  found.WaitForNotification();
  EXPECT_EQ(on_disk.options.start.found.at("D").sequence, 1u);
  EXPECT_EQ(in_memory.options.start.found.at("LIVE").sequence, 1u);
}

TEST_F(SlowRead, OtherCallsOfAdminAreAnsweredWhileDeadLettersAreRedriven) {
  ASSERT_TRUE(world().Publish({.queue = "D"}).ok());
  Admin admin(&world().broker());
  v1::RedriveDeadLettersRequest request;
  request.set_queue("D");
  std::atomic<bool> is_redriven{false};
  Notification redriven;
  admin.RedriveDeadLetters(TestCall(), request, [&](absl::StatusOr<v1::RedriveDeadLettersResponse> response) {
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->stopped_at_sequence(), 1u);
    is_redriven = true;
    redriven.Notify();
  });
  v1::CreateQueueRequest create;
  create.set_name("NEW");
  v1::CreateQueueResponse created;
  EXPECT_TRUE(admin.CreateQueue(TestCall(), create, &created).ok());
  EXPECT_FALSE(is_redriven);
  Release();
  redriven.WaitForNotification();
}

}  // namespace
}  // namespace nmq::broker
