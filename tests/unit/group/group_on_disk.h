#ifndef NMQ_TESTS_UNIT_GROUP_GROUP_ON_DISK_H_
#define NMQ_TESTS_UNIT_GROUP_GROUP_ON_DISK_H_

#include <cstdint>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "rocksdb/env.h"
#include "tests/testing/fault_file_system.h"
#include "tests/testing/fresh_directory.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {

// A server with two durable queues, D and Other, on a disk that tests disturb. The rings in memory hold five messages.
class GroupOnDisk : public testing::Test {
 protected:
  // Starts the server, anew if it runs.
  void Start() {
    Stop();
    world_ = std::make_unique<World>(R"(
        limits { queue_messages: 5 }
        namespace {
          name: "default"
          queue { name: "D" durability: DURABILITY_DURABLE }
          queue { name: "Other" durability: DURABILITY_DURABLE }
        })",
                                     /*lanes=*/1, directory_, env_.get());
  }
  void Stop() { world_ = nullptr; }

  World& world() { return *world_; }
  FaultFileSystem& disk() { return *disk_; }

  // `member` becomes one of the queue's group g, which takes the default for 0. Null, which fails the test, if it is
  // refused.
  std::unique_ptr<Listener> Enter(const Member& member, const std::string& queue, uint32_t attempts_max = 0) {
    v1::SubscribeRequest request = SubscribeTo(member, {{queue, ""}});
    request.mutable_group()->set_name("g");
    request.mutable_group()->set_attempts_max(attempts_max);
    auto listener = world().TryListen(request);
    EXPECT_TRUE(listener.ok()) << listener.status();
    return listener.ok() ? *std::move(listener) : nullptr;
  }
  void Publish(const std::string& payload, const std::string& queue = "D") {
    EXPECT_TRUE(world().Publish({.queue = queue, .payload = payload}).ok());
  }
  // What has come once the disk has written, and the groups have had their turns.
  Heard Hear(Listener* listener) {
    for (int i = 0; i < 4; ++i) {
      world().broker().FlushToDisk();
      TakeTurn(world().lane(0));
    }
    return listener->HearAll();
  }

 private:
  const std::string directory_ = FreshDirectory();
  const std::shared_ptr<FaultFileSystem> disk_ = std::make_shared<FaultFileSystem>();
  const std::unique_ptr<rocksdb::Env> env_ = NewFaultEnv(disk_);
  std::unique_ptr<World> world_;
};

}  // namespace nmq::broker

#endif  // NMQ_TESTS_UNIT_GROUP_GROUP_ON_DISK_H_
