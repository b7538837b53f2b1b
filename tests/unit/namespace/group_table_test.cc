#include "server/namespace/group_table.h"

#include <memory>
#include <string>
#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/metrics/metrics.h"
#include "server/namespace/group_factory.h"
#include "server/queue/storage.h"
#include "tests/testing/fresh_directory.h"
#include "tests/unit/broker/harness.h"
#include "tests/unit/namespace/parts.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;

// Groups on a disk of their own.
class GroupTableTest : public testing::Test {
 protected:
  GroupTableTest() {
    log::Store::Options options;
    options.directory = directory_;
    storage_ = *Storage::Open(options, &parts_.clock, &random_);
    committer_ = std::make_unique<Committer>(&storage_->log(), &parts_.clock, parts_.lanes,
                                             Committer::Bounds{.unwritten = 1 << 20, .commit = 1 << 20}, &metrics_);
  }
  ~GroupTableTest() override { runner_.Stop(); }

  std::shared_ptr<Queue> NewQueue(const std::string& name) {
    const QueueFactory factory = parts_.NewFactory();
    return factory.Make(factory.DeadLetters(name), QueueOrigin::kDeclared,
                        *storage_->OpenQueue("N", name, v1::DURABILITY_DURABLE));
  }
  GroupFactory NewFactory() {
    return GroupFactory(
        {"N", &parts_.limits, &parts_.clock, &parts_.numbers, &storage_->log(), &runner_, committer_.get()});
  }
  std::shared_ptr<Group> Add(const std::shared_ptr<Queue>& queue, const std::shared_ptr<Queue>& dead_letters,
                             const std::string& name) {
    storage::v1::Group group;
    group.mutable_options()->set_name(name);
    group.mutable_options()->set_dead_letter_queue(dead_letters->name());
    auto made = NewFactory().Make(queue, dead_letters, group, /*start=*/1);
    EXPECT_TRUE(made.ok()) << made.status();
    table_.Add(*made);
    return *made;
  }

  const std::string directory_ = FreshDirectory();
  Parts parts_;
  TestRandom random_;
  Metrics metrics_;
  std::unique_ptr<Storage> storage_;
  GroupRunner runner_{&parts_.clock};
  std::unique_ptr<Committer> committer_;
  GroupTable table_{&parts_.limits};
};

TEST_F(GroupTableTest, KnowsAGroupByItsQueueAndName) {
  const auto db = NewQueue("DB");
  const auto dead = NewQueue("DEAD");
  const auto group = Add(db, dead, "g");
  EXPECT_EQ(table_.Find("DB", "g"), group);
  EXPECT_EQ(table_.Find("DEAD", "g"), nullptr);
  EXPECT_EQ(ReasonOf(table_.Get("DB", "h").status()), "GROUP_NOT_FOUND");
  table_.Remove("DB", "g");
  EXPECT_EQ(table_.Find("DB", "g"), nullptr);
}

TEST_F(GroupTableTest, AQueueThatGoesTakesItsOwnWithIt) {
  const auto db = NewQueue("DB");
  const auto other = NewQueue("DB-other");
  const auto dead = NewQueue("DEAD");
  Add(db, dead, "g");
  Add(db, dead, "h");
  Add(other, dead, "g");
  EXPECT_EQ(table_.TakeOf("DB").size(), 2u);
  EXPECT_EQ(table_.TakeOf("DB").size(), 0u);
  EXPECT_NE(table_.Find("DB-other", "g"), nullptr);
}

TEST_F(GroupTableTest, EachQueueHasRoomUpToTheLimit) {
  parts_.limits.groups_per_queue = 1;
  const auto db = NewQueue("DB");
  const auto dead = NewQueue("DEAD");
  EXPECT_TRUE(table_.CheckRoom("DB").ok());
  Add(db, dead, "g");
  EXPECT_EQ(MetadataOf(table_.CheckRoom("DB"), "limit"), "groups_per_queue");
  EXPECT_TRUE(table_.CheckRoom("DEAD").ok());
}

TEST_F(GroupTableTest, AQueueWithDeadLettersOfAnotherIsInUse) {
  const auto db = NewQueue("DB");
  const auto dead = NewQueue("DEAD");
  Add(db, dead, "g");
  EXPECT_TRUE(table_.CheckNoDeadLetters("DB").ok());
  EXPECT_EQ(ReasonOf(table_.CheckNoDeadLetters("DEAD")), "QUEUE_IN_USE");
}

TEST_F(GroupTableTest, GroupsComeBackFromTheDiskUnlessTheyWereDeleted) {
  const auto db = NewQueue("DB");
  const auto dead = NewQueue("DEAD");
  Add(db, dead, "g");
  Add(db, dead, "h");
  ASSERT_TRUE(NewFactory().Delete(*db, "h").ok());
  const auto loaded = NewFactory().Load(db, [&](const std::string& name) { return name == "DEAD" ? dead : nullptr; });
  ASSERT_EQ(loaded.size(), 1u);
  EXPECT_EQ(loaded[0]->name(), "g");
  EXPECT_EQ(NewFactory().Load(db, [](const std::string&) { return nullptr; }).size(), 0u);
}

}  // namespace
}  // namespace nmq::broker
