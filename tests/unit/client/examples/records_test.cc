#include "client/examples/records.h"

#include "gtest/gtest.h"
#include "tests/unit/client/examples/scratch.h"

namespace nmq {
namespace examples {
namespace {

const absl::Time kNoon = absl::FromUnixSeconds(1'700'000'000);

class RecordsTest : public testing::Test {
 protected:
  Scratch scratch_;
  std::unique_ptr<Records> records_ = *Records::Open(scratch_ / "records.db");
};

TEST_F(RecordsTest, ACreatedRecordIsThere) {
  const Record created = *records_->Create("{\"a\":1}", kNoon);
  EXPECT_EQ(created.ToJson(), R"({"id":1,"body":{"a":1},"time":"2023-11-14T22:13:20.000Z"})");
  EXPECT_EQ(records_->Get(1)->ToJson(), created.ToJson());
}

TEST_F(RecordsTest, AnUpdateReplacesBodyAndTime) {
  EXPECT_TRUE(records_->Create("1", kNoon).ok());
  EXPECT_TRUE(records_->Update(1, "2", kNoon + absl::Seconds(1)).ok());
  EXPECT_EQ(records_->Get(1)->ToJson(), R"({"id":1,"body":2,"time":"2023-11-14T22:13:21.000Z"})");
}

TEST_F(RecordsTest, ADeletedRecordIsHandedBackAndItsIdIsNotUsedAgain) {
  EXPECT_TRUE(records_->Create("1", kNoon).ok());
  EXPECT_EQ(records_->Delete(1)->body, "1");
  EXPECT_TRUE(absl::IsNotFound(records_->Get(1).status()));
  EXPECT_EQ(records_->Create("2", kNoon)->id, 2);
}

TEST_F(RecordsTest, WhatIsNotThereIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(records_->Get(7).status()));
  EXPECT_TRUE(absl::IsNotFound(records_->Update(7, "1", kNoon).status()));
  EXPECT_TRUE(absl::IsNotFound(records_->Delete(7).status()));
}

TEST_F(RecordsTest, ListsTheNewestFirst) {
  for (const char* body : {"1", "2", "3"}) EXPECT_TRUE(records_->Create(body, kNoon).ok());
  const std::vector<Record> list = *records_->List(2);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].id, 3);
  EXPECT_EQ(list[1].id, 2);
}

TEST_F(RecordsTest, SurviveTheProgram) {
  EXPECT_TRUE(records_->Create("1", kNoon).ok());
  records_.reset();
  records_ = *Records::Open(scratch_ / "records.db");
  EXPECT_EQ(records_->Get(1)->body, "1");
}

}  // namespace
}  // namespace examples
}  // namespace nmq
