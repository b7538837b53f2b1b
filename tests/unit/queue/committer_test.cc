// The committer's syncs: who waits for whom, and for how long.
#include "server/queue/committer.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "base/under_way.h"
#include "gtest/gtest.h"
#include "rocksdb/env.h"
#include "tests/testing/fault_file_system.h"
#include "tests/testing/fresh_directory.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

constexpr char kQueues[] = R"(
    namespace { name: "default" queue { name: "D" durability: DURABILITY_DURABLE } })";
constexpr absl::Duration kPatience = absl::Seconds(30);
// Of syncs during which nobody can wait by mistake without the test seeing it.
constexpr absl::Duration kLong = absl::Hours(1);
// Writes that do not wait after one that did so in vain.
constexpr int kPause = 16;

// A server whose syncs take as long as the test says, by its clock, and can be held.
class CommitterTest : public testing::Test {
 protected:
  CommitterTest() {
    world_ = std::make_unique<World>(kQueues, /*lanes=*/1, directory_, env_.get());
    clock_ = &world_->clock();
    fs_->OnSync([this] { Sync(); });
  }
  ~CommitterTest() override { Stop(); }

  void Stop() {
    Release();
    world_ = nullptr;
    fs_->OnSync(nullptr);
  }

  // Publishes a message; to be awaited.
  std::shared_ptr<absl::Notification> Publish(const std::string& payload = "") {
    auto done = std::make_shared<absl::Notification>();
    v1::PublishRequest request;
    *request.mutable_message() = ToMessage({.queue = "D", .payload = payload});
    world_->broker().Publish(TestCall(), &request, [done](const absl::StatusOr<v1::PublishResponse>& response) {
      EXPECT_TRUE(response.ok()) << response.status();
      done->Notify();
    });
    return done;
  }
  // Publishes again whenever it is answered, until told to stop: there is never nothing that waits.
  void PublishOn(const std::shared_ptr<std::atomic<bool>>& stop) {
    publishers_.Begin();
    PublishAgain(stop);
  }
  void PublishAgain(const std::shared_ptr<std::atomic<bool>>& stop) {
    v1::PublishRequest request;
    *request.mutable_message() = ToMessage({.queue = "D"});
    world_->broker().Publish(TestCall(), &request, [this, stop](const absl::StatusOr<v1::PublishResponse>& response) {
      EXPECT_TRUE(response.ok()) << response.status();
      *stop ? publishers_.End() : PublishAgain(stop);
    });
  }
  Committer& committer() { return *world_->broker().committer(); }
  static bool Await(const std::shared_ptr<absl::Notification>& done) {
    return done->WaitForNotificationWithTimeout(kPatience);
  }
  // Publishes a message whose sync takes `sync_time`, and during it another one, which is written next.
  std::shared_ptr<absl::Notification> PublishTwo(absl::Duration sync_time) {
    Hold(sync_time);
    const auto first = Publish();
    AwaitSyncBegun();
    auto second = Publish();
    Release();
    EXPECT_TRUE(Await(first));
    return second;
  }

  // Each time two publish, who shared the last sync.
  void ExpectSharedSyncs(int rounds) {
    const int before = syncs();
    for (int round = 1; round <= rounds; ++round) {
      const auto one = Publish();
      const auto other = Publish();
      EXPECT_TRUE(Await(one) && Await(other));
      EXPECT_EQ(syncs(), before + round);
    }
  }

  void Hold(absl::Duration sync_time) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    held_ = true;
    begun_ = false;
    sync_time_ = sync_time;
  }
  void Release() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    held_ = false;
    changed_.SignalAll();
  }
  void AwaitSyncBegun() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    while (!begun_) changed_.Wait(&mu_);
  }
  int syncs() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return syncs_;
  }

  UnderWay publishers_;  // that never stop by themselves

 private:
  void Sync() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    ++syncs_;
    begun_ = true;
    changed_.SignalAll();
    while (held_) changed_.Wait(&mu_);
    clock_->Advance(sync_time_);
  }

  const std::string directory_ = FreshDirectory();
  const std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  const std::unique_ptr<rocksdb::Env> env_ = NewFaultEnv(fs_);
  std::unique_ptr<World> world_;
  SimulatedClock* clock_;  // the world's
  mutable Mutex mu_;
  CondVar changed_;
  bool held_ ABSL_GUARDED_BY(mu_) = false;
  bool begun_ ABSL_GUARDED_BY(mu_) = false;  // since Hold
  absl::Duration sync_time_ ABSL_GUARDED_BY(mu_) = absl::ZeroDuration();
  int syncs_ ABSL_GUARDED_BY(mu_) = 0;
};

TEST_F(CommitterTest, WhoSharedASyncSharesTheNextOne) {
  const auto second = PublishTwo(kLong);
  // Whoever was answered publishes again.
  const auto again = Publish();
  EXPECT_TRUE(Await(second) && Await(again));
  EXPECT_EQ(syncs(), 2) << "one for the first message, and one for both others";
  ExpectSharedSyncs(8);
}

TEST_F(CommitterTest, ALonePublisherNeverWaits) {
  Hold(kLong);
  Release();
  for (int i = 1; i <= 5; ++i) {
    ASSERT_TRUE(Await(Publish()));
    EXPECT_EQ(syncs(), i);
  }
}

TEST_F(CommitterTest, NobodyWaitsLongerThanAPartOfASync) {
  const auto second = PublishTwo(absl::Milliseconds(20));
  EXPECT_TRUE(Await(second)) << "though nobody else comes";
}

TEST_F(CommitterTest, AfterWaitingInVainTheNextWritesGoWithout) {
  ASSERT_TRUE(Await(PublishTwo(absl::Milliseconds(2))));
  // Each has two writes.
  for (int writes = 0; writes < kPause; writes += 2) {
    ASSERT_TRUE(Await(PublishTwo(kLong))) << "after " << writes << " writes";
  }
  const int before = syncs();
  const auto second = PublishTwo(kLong);
  const auto again = Publish();
  EXPECT_TRUE(Await(second) && Await(again));
  EXPECT_EQ(syncs(), before + 2) << "then they wait again";
  ExpectSharedSyncs(8);
}

TEST_F(CommitterTest, AFlushReturnsThoughPublishersNeverStop) {
  const auto stop = std::make_shared<std::atomic<bool>>(false);
  PublishOn(stop);
  PublishOn(stop);
  absl::Notification flushed;
  std::thread flushing([&] {
    committer().Flush();
    flushed.Notify();
  });
  EXPECT_TRUE(flushed.WaitForNotificationWithTimeout(kPatience));
  *stop = true;
  flushing.join();
  publishers_.WaitForNone();
}

TEST_F(CommitterTest, ACallComesAfterAllThatWasSubmittedBefore) {
  Hold(absl::ZeroDuration());
  const auto first = Publish();
  AwaitSyncBegun();
  const auto second = Publish();
  bool both_done = false;
  auto called = std::make_shared<absl::Notification>();
  committer().CallAfter([&both_done, first, second, called] {
    both_done = first->HasBeenNotified() && second->HasBeenNotified();
    called->Notify();
  });
  EXPECT_FALSE(called->HasBeenNotified()) << "the first is not even written";
  Release();
  ASSERT_TRUE(Await(called));
  EXPECT_TRUE(both_done);
}

TEST_F(CommitterTest, MoreThanIsWrittenAtOnceIsWrittenInTurnAndACallComesAfterAll) {
  // With 1 GiB of memory, 16 MiB are written at once.
  constexpr int kMessages = 24;
  Hold(absl::ZeroDuration());
  ASSERT_NE(Publish(), nullptr);
  AwaitSyncBegun();
  std::vector<std::shared_ptr<absl::Notification>> messages;
  for (int i = 0; i < kMessages; ++i) messages.push_back(Publish(std::string(1'000'000, 'x')));
  size_t done = 0;
  auto called = std::make_shared<absl::Notification>();
  committer().CallAfter([&] {
    done = static_cast<size_t>(std::count_if(messages.begin(), messages.end(),
                                             [](const auto& message) { return message->HasBeenNotified(); }));
    called->Notify();
  });
  Release();
  ASSERT_TRUE(Await(called));
  EXPECT_EQ(done, messages.size());
}

TEST_F(CommitterTest, ACallComesAlsoWhenNothingWaits) {
  auto called = std::make_shared<absl::Notification>();
  committer().CallAfter([called] { called->Notify(); });
  EXPECT_TRUE(Await(called));
}

TEST_F(CommitterTest, WhoWaitsIsDoneWhenTheServerStops) {
  const auto second = PublishTwo(kLong);
  Stop();
  EXPECT_TRUE(second->HasBeenNotified());
}

}  // namespace
}  // namespace nmq::broker
