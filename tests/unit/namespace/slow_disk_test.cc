// Who does not wait for a disk that takes its time, nor for others who use it.
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "base/mutex.h"
#include "gtest/gtest.h"
#include "rocksdb/env.h"
#include "tests/testing/fault_file_system.h"
#include "tests/testing/fresh_directory.h"
#include "tests/testing/notification.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

constexpr char kQueues[] = R"(
    limits { scheduled_messages: 1 }
    namespace {
      name: "default" automatic_queues: true
      queue { name: "D" durability: DURABILITY_DURABLE }
      queue { name: "DEAD" durability: DURABILITY_DURABLE }
    })";
constexpr absl::Duration kPatience = absl::Seconds(20);

QueueConfig DurableQueue(const std::string& name) {
  QueueConfig config;
  config.name = name;
  config.durability = v1::DURABILITY_DURABLE;
  config.retention = {1 << 20, 1000, absl::Hours(1)};
  return config;
}

// Publishes one message after another to queue D, each as soon as the last one is on disk, until this ends.
class Chain {
 public:
  explicit Chain(Namespace* name_space) : name_space_(name_space) { Next(); }
  ~Chain() {
    stop_ = true;
    stopped_.WaitForNotification();
  }

 private:
  void Next() {
    google::protobuf::Arena arena;
    v1::Message message = ToMessage({.queue = "D"});
    Incoming incoming = FromMessage(&message);
    EncodeBody(&arena, &incoming);
    name_space_->Publish(/*publisher=*/nullptr, absl::MakeConstSpan(&incoming, 1), {},
                         [this](const absl::StatusOr<Published>& published) {
                           EXPECT_TRUE(published.ok()) << published.status();
                           stop_ ? stopped_.Notify() : Next();
                         });
  }

  Namespace* const name_space_;
  std::atomic<bool> stop_{false};
  Notification stopped_;
};

// A server whose disk writes nothing while it is held.
class SlowDisk : public testing::Test {
 protected:
  SlowDisk() {
    world_ = std::make_unique<World>(kQueues, /*lanes=*/1, directory_, env_.get());
    fs_->OnWrite([this] { Write(); });
  }
  ~SlowDisk() override {
    Release();
    if (slow_.joinable()) slow_.join();
    listener_ = nullptr;
    world_ = nullptr;
  }

  World& world() { return *world_; }

  // Runs `task`, which writes, until its write begins.
  void BeginToWrite(std::function<void()> task) {
    {
      MutexLock lock(&mu_);
      held_ = true;
      begun_ = false;
    }
    slow_ = std::thread(std::move(task));
    MutexLock lock(&mu_);
    while (!begun_) changed_.Wait(&mu_);
  }
  // Lets it write.
  void Finish() {
    Release();
    slow_.join();
  }
  void Release() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    held_ = false;
    changed_.SignalAll();
  }

  void ListenInGroup(const std::string& dead_letters, const std::string& name_space = "") {
    v1::SubscribeRequest request = SubscribeTo(world().Connect(name_space), {{"D", ""}});
    request.mutable_group()->set_name("g");
    request.mutable_group()->set_dead_letter_queue(dead_letters);
    auto listener = world().TryListen(request);
    EXPECT_TRUE(listener.ok()) << listener.status();
    if (listener.ok()) listener_ = *std::move(listener);
  }

  // Whether `task` is done though the disk is held. Otherwise the disk is let go, or `let_go` called, so that it ends.
  bool Passes(const std::function<void()>& task, const std::function<void()>& let_go = nullptr) {
    absl::Notification done;
    std::thread thread([&] {
      task();
      done.Notify();
    });
    const bool passes = done.WaitForNotificationWithTimeout(kPatience);
    if (!passes) let_go ? let_go() : Release();
    thread.join();
    return passes;
  }
  bool ClientsPass() {
    return Passes([this] {
      const Member member = world().Connect("", {"r"});
      EXPECT_TRUE(world().PublishAs(member, {.queue = "LIVE", .rooms = {"r"}}).ok());
      EXPECT_TRUE(world().Disconnect(member).ok());
    });
  }

 private:
  void Write() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    begun_ = true;
    changed_.SignalAll();
    while (held_) changed_.Wait(&mu_);
  }

  const std::string directory_ = FreshDirectory();
  const std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  const std::unique_ptr<rocksdb::Env> env_ = NewFaultEnv(fs_);
  std::unique_ptr<World> world_;
  std::unique_ptr<Listener> listener_;
  std::thread slow_;
  Mutex mu_;
  CondVar changed_;
  bool held_ ABSL_GUARDED_BY(mu_) = false;
  bool begun_ ABSL_GUARDED_BY(mu_) = false;
};

TEST_F(SlowDisk, AGroupThatIsMadeKeepsNoClientWaiting) {
  BeginToWrite([this] { ListenInGroup("DEAD"); });
  EXPECT_TRUE(ClientsPass());
  Finish();
  EXPECT_TRUE(world().name_space().FindGroup("D", "g").ok());
}

TEST_F(SlowDisk, AQueueForDeadLettersThatIsMadeKeepsNoClientWaiting) {
  BeginToWrite([this] { ListenInGroup("DEAD.new"); });
  EXPECT_TRUE(ClientsPass());
  Finish();
  EXPECT_TRUE(world().name_space().FindQueue("DEAD.new").ok());
}

TEST_F(SlowDisk, AQueueThatIsMadeKeepsNoClientWaiting) {
  BeginToWrite([this] { EXPECT_TRUE(world().name_space().CreateQueue(DurableQueue("NEW")).ok()); });
  EXPECT_TRUE(ClientsPass());
  Finish();
  EXPECT_TRUE((*world().name_space().FindQueue("NEW"))->durable());
}

TEST_F(SlowDisk, ANamespaceIsMadeAndFoundWhileAQueueIsWritten) {
  BeginToWrite([this] { ListenInGroup("DEAD.new"); });
  NamespaceConfig config;
  config.name = "other";
  config.automatic_queues = true;
  EXPECT_TRUE(Passes([&] { EXPECT_TRUE(world().broker().AddNamespace(config).ok()); }));
  EXPECT_TRUE(Passes([this] { EXPECT_TRUE(world().Publish({.queue = "LIVE"}, "other").ok()); }));
  Finish();
}

TEST_F(SlowDisk, ADelayedMessageOfAQueueThatIsDeletedMeanwhileIsRefusedAndTakesNoRoom) {
  ASSERT_TRUE(world().name_space().CreateQueue(DurableQueue("NEW")).ok());
  absl::StatusOr<v1::PublishResponse> published;
  const Post later{.queue = "NEW", .deliver_at = world().clock().Now() + absl::Minutes(1)};
  BeginToWrite([&] { published = world().Publish(later); });
  absl::Notification removed;
  const auto listener = std::make_shared<const std::function<void()>>([&] {
    if (!removed.HasBeenNotified()) removed.Notify();
  });
  world().broker().changes().Listen(listener);
  std::thread remover([&] { EXPECT_TRUE(world().name_space().DeleteQueue("NEW").ok()); });
  removed.WaitForNotification();
  Finish();
  remover.join();
  world().broker().changes().Unlisten(listener);
  EXPECT_EQ(ReasonOf(published.status()), "QUEUE_DELETED");
  EXPECT_TRUE(world().Publish({.queue = "LIVE", .deliver_at = later.deliver_at}).ok());
}

TEST_F(SlowDisk, ANamespaceThatIsDeletedWhileAGroupIsMadeKeepsNothing) {
  for (int round = 0; round < 20; ++round) {
    NamespaceConfig config;
    config.name = absl::StrCat("other.", round);
    Namespace& other = **world().broker().AddNamespace(config);
    ASSERT_TRUE(other.CreateQueue(DurableQueue("D")).ok());
    v1::SubscribeRequest request = SubscribeTo(world().Connect(config.name), {{"D", ""}});
    request.mutable_group()->set_name("g");
    request.mutable_group()->set_dead_letter_queue("DEAD.new");
    BeginToWrite([&] { world().TryListen(request).IgnoreError(); });
    absl::Notification deleting;
    std::thread remover([&] {
      deleting.Notify();
      EXPECT_TRUE(other.Delete().ok());
    });
    deleting.WaitForNotification();
    Finish();
    remover.join();
    v1::NamespaceInfo info;
    other.Describe(&info);
    EXPECT_EQ(info.queues(), 0u);
    EXPECT_EQ(ReasonOf(other.FindGroup("D", "g").status()), "QUEUE_NOT_FOUND");
    EXPECT_TRUE(absl::IsNotFound(world().storage().Opened(config.name, "DEAD.new").status()));
  }
}

TEST_F(SlowDisk, AQueueIsDeletedAndAGroupSoughtWhileOthersPublish) {
  ASSERT_TRUE(world().name_space().CreateQueue(DurableQueue("NEW")).ok());
  ListenInGroup("DEAD");
  std::vector<std::unique_ptr<Chain>> chains;
  for (int i = 0; i < 2; ++i) chains.push_back(std::make_unique<Chain>(&world().name_space()));
  const auto stop = [&] { chains.clear(); };
  const bool sought = Passes([this] { EXPECT_TRUE(world().name_space().SeekGroup("D", "g", Start()).ok()); }, stop);
  EXPECT_TRUE(sought);
  EXPECT_TRUE(sought && Passes([this] { EXPECT_TRUE(world().name_space().DeleteQueue("NEW").ok()); }, stop));
}

}  // namespace
}  // namespace nmq::broker
