// Housekeeping beside a disk that is slow: what clients wait for does not wait for it.
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/deadline.h"
#include "base/mutex.h"
#include "gtest/gtest.h"
#include "rocksdb/env.h"
#include "server/housekeeping/broker_tasks.h"
#include "server/housekeeping/housekeeper.h"
#include "tests/testing/fault_file_system.h"
#include "tests/testing/fresh_directory.h"
#include "tests/testing/simulated_clock.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

constexpr int kQueues = 200;
constexpr absl::Duration kPatience = absl::Seconds(30);

std::string Config() {
  std::string config = "namespace { name: \"default\" queue { name: \"LIVE\" }";
  for (int i = 0; i < kQueues; ++i) {
    absl::StrAppend(&config, " queue { name: \"D", i, "\" durability: DURABILITY_DURABLE retention { messages: 1 } }");
  }
  return config + " }";
}

// A server whose syncs are counted and can be held.
class SlowDisk : public testing::Test {
 protected:
  SlowDisk() {
    Start();
    fs_->OnSync([this] { Sync(); });
  }
  ~SlowDisk() override {
    Hold(false);
    world_ = nullptr;
    fs_->OnSync(nullptr);
  }

  void Start() {
    world_ = nullptr;
    world_ = std::make_unique<World>(Config(), /*lanes=*/1, directory_, env_.get());
  }
  World& world() { return *world_; }

  // More than the retention lets each queue keep.
  void Fill() {
    for (int i = 0; i < kQueues; ++i) {
      for (const char* payload : {"1", "2", "3"}) {
        ASSERT_TRUE(world_->Publish({.queue = absl::StrCat("D", i), .payload = payload}).ok());
      }
    }
  }
  // Queues that hold their last message only.
  int Trimmed() {
    int trimmed = 0;
    v1::ListQueuesRequest request;
    request.set_page_size(1000);
    v1::ListQueuesResponse response;
    EXPECT_TRUE(world_->registry().ListQueues(TestCall(), request, &response).ok());
    for (const v1::QueueInfo& queue : response.queues())
      trimmed += queue.name() != "LIVE" && queue.first_sequence() == 3;
    return trimmed;
  }
  uint64_t Clients() {
    v1::ListNamespacesResponse response;
    EXPECT_TRUE(world_->registry().ListNamespaces(TestCall(), {}, &response).ok());
    return response.namespaces(0).clients();
  }

  void Hold(bool hold) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    held_ = hold;
    changed_.SignalAll();
  }
  void AwaitHeldSync() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    while (waiting_ == 0) changed_.Wait(&mu_);
  }
  bool HoldsSync() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return waiting_ > 0;
  }
  int syncs() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return syncs_;
  }

 private:
  void Sync() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    ++syncs_;
    ++waiting_;
    changed_.SignalAll();
    while (held_) changed_.Wait(&mu_);
    --waiting_;
  }

  const std::string directory_ = FreshDirectory();
  const std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  const std::unique_ptr<rocksdb::Env> env_ = NewFaultEnv(fs_);
  std::unique_ptr<World> world_;
  mutable Mutex mu_;
  CondVar changed_;
  bool held_ ABSL_GUARDED_BY(mu_) = false;
  int waiting_ ABSL_GUARDED_BY(mu_) = 0;
  int syncs_ ABSL_GUARDED_BY(mu_) = 0;
};

TEST_F(SlowDisk, RetentionOfManyQueuesTakesAHandfulOfSyncs) {
  Fill();
  const int before = syncs();
  for (const Housekeeper::Task& task : MaintenanceTasks(&world().broker())) task.run();
  for (const Housekeeper::Task& task : MaintenanceTasks(&world().broker())) task.run();
  EXPECT_EQ(Trimmed(), kQueues);
  EXPECT_LE(syncs() - before, 10) << "of " << kQueues << " queues";
  Start();
  EXPECT_EQ(Trimmed(), kQueues) << "after a restart, too";
}

TEST_F(SlowDisk, LeasesAndDueMessagesDoNotWaitForMaintenance) {
  Fill();
  auto listener = world().Listen(world().Connect(), {{"LIVE", ""}});
  world().Connect();
  ASSERT_EQ(Clients(), 2u);
  Post later = {.queue = "LIVE", .payload = "due"};
  later.deliver_at = world().clock().Now() + absl::Seconds(60);
  ASSERT_TRUE(world().Publish(later).ok());
  Housekeeper prompt("housekeeper", PromptTasks(&world().broker()), &world().clock());
  Housekeeper maintenance("maintenance", MaintenanceTasks(&world().broker()), &world().clock());
  ASSERT_TRUE(prompt.Start().ok() && maintenance.Start().ok());

  const Deadline deadline = Deadline::In(kPatience);
  world().clock().Advance(absl::Seconds(1));
  while (Trimmed() < kQueues && !deadline.IsOver()) std::this_thread::yield();
  Hold(true);
  world().clock().Advance(absl::Seconds(1));
  AwaitHeldSync();
  world().clock().Advance(absl::Seconds(60));
  std::vector<std::string> heard;
  while ((heard.empty() || Clients() > 1) && !deadline.IsOver()) {
    TakeTurn(world().lane(0));
    for (std::string& payload : listener->Payloads()) heard.push_back(std::move(payload));
  }
  EXPECT_EQ(heard, std::vector<std::string>{"due"});
  EXPECT_EQ(Clients(), 1u) << "one has a stream, and the other's lease is over";
  EXPECT_TRUE(HoldsSync()) << "the disk is still not done";
  Hold(false);
  maintenance.Stop();
  prompt.Stop();
}

}  // namespace
}  // namespace nmq::broker
