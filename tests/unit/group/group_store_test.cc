#include "server/group/group_store.h"

#include <memory>
#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/log/batch.h"
#include "server/log/store_log.h"
#include "tests/testing/fresh_directory.h"

namespace nmq::broker {
namespace {

using ::testing::SizeIs;

constexpr uint64_t kEnd = 10;  // of the queues

class GroupStoreTest : public testing::Test {
 protected:
  GroupStoreTest() {
    log::Store::Options options;
    options.directory = FreshDirectory();
    store_ = *log::Store::Open(options);
    log_.emplace(store_.get());
  }

  void Put(uint64_t queue, const std::string& name, const GroupState::Changes& changes) {
    storage::v1::Group group;
    group.mutable_options()->set_name(name);
    group.add_events("E");
    log::Batch batch;
    PutGroup(queue, name, group, &batch);
    PutChanges(queue, name, changes, &batch);
    ASSERT_TRUE(store_->Write(&batch, log::Sync::kNo).ok());
  }

  std::unique_ptr<log::Store> store_;
  std::optional<log::StoreLog> log_;
};

TEST_F(GroupStoreTest, GroupsComeBackAsTheyWere) {
  GroupState::Changes changes;
  changes.marks = true;
  changes.floor = 3;
  changes.delivered = 9;
  changes.put = {{5, true, 1}, {7, false, 4}};
  Put(1, "a", changes);
  Put(1, "a-b", GroupState::Changes());
  Put(2, "a", GroupState::Changes());
  const auto groups = LoadGroups(&*log_, 1, kEnd);
  ASSERT_TRUE(groups.ok()) << groups.status();
  ASSERT_THAT(*groups, SizeIs(2));
  const StoredGroup& a = groups->front();
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.group.events(0), "E");
  EXPECT_EQ(a.saved.floor, 3u);
  EXPECT_EQ(a.saved.delivered, 9u);
  ASSERT_THAT(a.saved.items, SizeIs(2));
  EXPECT_EQ(a.saved.items[0].sequence, 5u);
  EXPECT_TRUE(a.saved.items[0].done);
  EXPECT_EQ(a.saved.items[1].attempts, 4u);
  EXPECT_FALSE(a.saved.items[1].done);
  EXPECT_EQ(groups->back().name, "a-b");
}

TEST_F(GroupStoreTest, WhatIsErasedIsGone) {
  GroupState::Changes changes;
  changes.put = {{5, true, 1}};
  Put(1, "a", changes);
  changes.put.clear();
  changes.erase = {5};
  Put(1, "a", changes);
  EXPECT_THAT(LoadGroups(&*log_, 1, kEnd)->front().saved.items, SizeIs(0));
}

TEST_F(GroupStoreTest, WhatIsSaidOfMessagesThatTheQueueHasNotIsForgottenForGood) {
  GroupState::Changes changes;
  changes.marks = true;
  changes.floor = 3;
  changes.delivered = 9;
  changes.put = {{5, true, 1}, {7, false, 4}, {8, true, 1}};
  Put(1, "a", changes);
  changes.floor = 8;
  changes.put = {};
  Put(1, "b", changes);
  // The second time the queue has got further.
  for (const uint64_t end : {7, 20}) {
    const auto groups = LoadGroups(&*log_, 1, end);
    ASSERT_TRUE(groups.ok()) << groups.status();
    ASSERT_THAT(*groups, SizeIs(2));
    EXPECT_EQ(groups->front().saved.floor, 3u);
    EXPECT_EQ(groups->front().saved.delivered, 6u);
    ASSERT_THAT(groups->front().saved.items, SizeIs(1));
    EXPECT_EQ(groups->front().saved.items[0].sequence, 5u);
    EXPECT_EQ(groups->back().saved.floor, 6u);
    EXPECT_EQ(groups->back().saved.delivered, 6u);
  }
}

TEST_F(GroupStoreTest, DamagedGroupsAreAnError) {
  log::Batch batch;
  batch.Put(log::Table::kGroups, std::string("\0\0\0\0\0\0\0\1a\0m", 11), "short");
  ASSERT_TRUE(store_->Write(&batch, log::Sync::kNo).ok());
  EXPECT_EQ(LoadGroups(&*log_, 1, kEnd).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(*LoadGroups(&*log_, 2, kEnd), SizeIs(0));
}

TEST(GroupStints, RunsNumberThemApartAlsoIfTheClockWasSetBack) {
  storage::v1::Group group;
  const uint64_t first = ReserveStints(1'000'000, &group);
  EXPECT_EQ(first, 1'000'000u);
  const uint64_t second = ReserveStints(500'000, &group);
  EXPECT_GE(second, first + 1'000'000) << "for as many members as a run may have";
  const uint64_t third = ReserveStints(uint64_t{1} << 50, &group);
  EXPECT_EQ(third, uint64_t{1} << 50);
}

}  // namespace
}  // namespace nmq::broker
