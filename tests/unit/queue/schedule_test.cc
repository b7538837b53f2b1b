#include "server/queue/schedule.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/await.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/log/batch.h"
#include "server/log/store_log.h"
#include "tests/testing/fresh_directory.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<int64_t> Dues(const std::vector<Schedule::Item>& items) {
  std::vector<int64_t> dues;
  for (const Schedule::Item& item : items) dues.push_back(item.place.due_us);
  return dues;
}

absl::StatusOr<storage::v1::Scheduled> Read(const Schedule& schedule, const Schedule::Item& item) {
  return Await<absl::StatusOr<storage::v1::Scheduled>>(
      [&](Schedule::ReadDone done) { schedule.Read(item, std::move(done)); });
}

class ScheduleTest : public testing::Test {
 protected:
  // As whoever schedules does.
  void Add(Schedule* schedule, int64_t due_us, const std::string& bytes = "") {
    ++total_.messages;
    bytes_ += bytes.size();
    schedule->Add({schedule->NewPlace(due_us), bytes});
  }

  std::atomic<uint64_t> bytes_{0};
  ScheduleTotal total_{&bytes_};
  log::RingTotal rings_{1 << 20};
};

TEST_F(ScheduleTest, WhatIsDueComesInTheOrderOfTimeAndOfComing) {
  Schedule schedule(&total_, &rings_, nullptr, 0);
  Add(&schedule, 30, "30");
  Add(&schedule, 10, "10 first");
  Add(&schedule, 20, "20");
  Add(&schedule, 10, "10 second");
  EXPECT_THAT(schedule.TakeDue(9, 100), IsEmpty());
  const std::vector<Schedule::Item> items = schedule.TakeDue(20, 100);
  ASSERT_THAT(Dues(items), ElementsAre(10, 10, 20));
  EXPECT_EQ(items[0].bytes, "10 first");
  EXPECT_EQ(items[1].bytes, "10 second");
  EXPECT_THAT(schedule.TakeDue(20, 100), IsEmpty());
  EXPECT_EQ(schedule.size(), 4u);
}

TEST_F(ScheduleTest, SomeAreTakenAtATime) {
  Schedule schedule(&total_, &rings_, nullptr, 0);
  for (int64_t due : {1, 2, 3}) Add(&schedule, due);
  EXPECT_THAT(Dues(schedule.TakeDue(5, 2)), ElementsAre(1, 2));
  EXPECT_THAT(Dues(schedule.TakeDue(5, 2)), ElementsAre(3));
}

TEST_F(ScheduleTest, WhatIsReturnedComesAgainWhereItWas) {
  Schedule schedule(&total_, &rings_, nullptr, 0);
  for (int64_t due : {1, 2}) Add(&schedule, due, "x");
  std::vector<Schedule::Item> items = schedule.TakeDue(1, 100);
  schedule.Return(std::move(items[0]));
  EXPECT_THAT(Dues(schedule.TakeDue(5, 100)), ElementsAre(1, 2));
  EXPECT_EQ(schedule.size(), 2u);
}

TEST_F(ScheduleTest, CountsAndBytesGoWithTheMessages) {
  Schedule schedule(&total_, &rings_, nullptr, 0);
  for (int64_t due : {1, 2, 3}) Add(&schedule, due, "12345");
  EXPECT_EQ(total_.messages, 3u);
  EXPECT_EQ(rings_.bytes, 15u);
  const std::vector<Schedule::Item> items = schedule.TakeDue(2, 100);
  EXPECT_EQ(total_.messages, 3u);
  schedule.Done(items[0]);
  EXPECT_EQ(schedule.size(), 2u);
  EXPECT_EQ(total_.messages, 2u);
  EXPECT_EQ(bytes_, 10u);
  EXPECT_EQ(rings_.bytes, 10u);
  schedule.Done(items[1]);
  for (const Schedule::Item& item : schedule.TakeDue(INT64_MAX, SIZE_MAX)) schedule.Done(item);
  EXPECT_EQ(total_.messages, 0u);
  EXPECT_EQ(bytes_, 0u);
  EXPECT_EQ(rings_.bytes, 0u);
}

TEST_F(ScheduleTest, StoreKeepsWhatWaitsForEachQueue) {
  log::Store::Options options;
  options.directory = FreshDirectory();
  auto store = log::Store::Open(options);
  ASSERT_TRUE(store.ok()) << store.status();
  log::StoreLog log(store->get());
  Schedule first(&total_, &rings_, &log, 7);
  storage::v1::Scheduled scheduled;
  scheduled.set_publisher("c-1");
  scheduled.mutable_message()->set_payload("text");
  log::Batch batch;
  for (const int64_t due : std::vector<int64_t>{500, 300, 1'700'000'000'000'000}) {
    first.Put(first.NewPlace(due), scheduled.SerializeAsString(), &batch);
  }
  Schedule(&total_, &rings_, &log, 8).Put({1, 1}, "other", &batch);
  ASSERT_TRUE((*store)->Write(&batch, log::Sync::kNo).ok());

  Schedule loaded(&total_, &rings_, &log, 7);
  ASSERT_TRUE(loaded.Load().ok());
  EXPECT_EQ(total_.messages, 3u);
  EXPECT_GT(loaded.NewPlace(1).number, 3u);
  const std::vector<Schedule::Item> items = loaded.TakeDue(1000, 100);
  ASSERT_THAT(Dues(items), ElementsAre(300, 500));
  const auto read = Read(loaded, items[0]);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->publisher(), "c-1");
  EXPECT_EQ(read->message().payload(), "text");

  batch.Clear();
  loaded.Delete(items[0].place, &batch);
  ASSERT_TRUE((*store)->Write(&batch, log::Sync::kNo).ok());
  EXPECT_TRUE(absl::IsNotFound(Read(loaded, items[0]).status()));
  EXPECT_TRUE(Read(loaded, items[1]).ok());
}

TEST_F(ScheduleTest, AClosedScheduleGivesItsRoomBackAndTakesNothing) {
  Schedule schedule(&total_, &rings_, nullptr, 0);
  for (int64_t due : {1, 2}) Add(&schedule, due, "xy");
  std::vector<Schedule::Item> taken = schedule.TakeDue(1, 100);
  schedule.Close();
  EXPECT_EQ(schedule.size(), 1u) << "the one that was taken";
  schedule.Return(std::move(taken[0]));
  EXPECT_FALSE(schedule.Add({schedule.NewPlace(3), "xy"}));
  EXPECT_EQ(schedule.size(), 0u);
  EXPECT_EQ(total_.messages.load(), 0u);
  EXPECT_EQ(bytes_.load(), 0u);
  EXPECT_EQ(rings_.bytes.load(), 0u);
}

}  // namespace
}  // namespace nmq::broker
