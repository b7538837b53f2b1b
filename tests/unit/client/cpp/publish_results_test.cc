#include "client/cpp/publish_results.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

using testing::ElementsAre;

v1::PublishStreamRequest BatchOf(const std::vector<std::string>& queues) {
  v1::PublishStreamRequest batch;
  for (const std::string& queue : queues) batch.add_messages()->set_queue(queue);
  return batch;
}

void AddRange(const std::string& queue, uint64_t first, uint64_t last, BatchResult* result) {
  v1::SequenceRange* const range = result->accepted.add_ranges();
  range->set_queue(queue);
  range->set_epoch(7);
  range->set_first(first);
  range->set_last(last);
}

std::vector<uint64_t> SequencesOf(const v1::PublishStreamRequest& batch, const BatchResult& result) {
  std::vector<uint64_t> sequences;
  for (const absl::StatusOr<PublishResult>& one : ResultsOf(batch, result)) {
    EXPECT_TRUE(one.ok()) << one.status();
    sequences.push_back(one->sequence);
  }
  return sequences;
}

TEST(PublishResults, EachQueueCountsItsOwn) {
  BatchResult result{.outcome = BatchOutcome::kAccepted};
  AddRange("A", 10, 12, &result);
  AddRange("B", 1, 2, &result);
  result.accepted.set_storage(v1::STORAGE_SYNCED);
  const v1::PublishStreamRequest batch = BatchOf({"A", "B", "A", "A", "B"});
  EXPECT_THAT(SequencesOf(batch, result), ElementsAre(10, 1, 11, 12, 2));
  EXPECT_EQ(ResultsOf(batch, result)[3]->epoch, 7u);
  EXPECT_EQ(ResultsOf(batch, result)[3]->storage, v1::STORAGE_SYNCED);
}

TEST(PublishResults, WhatWasThereBeforeHasItsOldPlace) {
  BatchResult result{.outcome = BatchOutcome::kAccepted};
  AddRange("A", 10, 11, &result);
  v1::Duplicate* const duplicate = result.accepted.add_duplicates();
  duplicate->set_index(1);
  duplicate->mutable_position()->set_epoch(6);
  duplicate->mutable_position()->set_sequence(3);
  const v1::PublishStreamRequest batch = BatchOf({"A", "A", "A"});
  EXPECT_THAT(SequencesOf(batch, result), ElementsAre(10, 3, 11));
  const std::vector<absl::StatusOr<PublishResult>> results = ResultsOf(batch, result);
  EXPECT_FALSE(results[0]->duplicate);
  EXPECT_TRUE(results[1]->duplicate);
  EXPECT_EQ(results[1]->epoch, 6u);
}

TEST(PublishResults, WhatWaitsForItsTimeHasNoPlace) {
  BatchResult result{.outcome = BatchOutcome::kAccepted};
  AddRange("A", 10, 11, &result);
  v1::PublishStreamRequest batch = BatchOf({"A", "A", "A"});
  batch.mutable_messages(1)->mutable_deliver_at()->set_seconds(1);
  EXPECT_THAT(SequencesOf(batch, result), ElementsAre(10, 0, 11));
}

TEST(PublishResults, WhatHadItsTimeAlreadyHasItsPlace) {
  BatchResult result{.outcome = BatchOutcome::kAccepted};
  AddRange("A", 10, 12, &result);
  v1::PublishStreamRequest batch = BatchOf({"A", "A", "A"});
  batch.mutable_messages(1)->mutable_deliver_at()->set_seconds(1);
  EXPECT_THAT(SequencesOf(batch, result), ElementsAre(10, 11, 12));
}

TEST(PublishResults, WhatCannotBeKnownIsZero) {
  BatchResult result{.outcome = BatchOutcome::kAccepted};
  AddRange("A", 10, 11, &result);
  v1::PublishStreamRequest batch = BatchOf({"A", "A", "A"});
  batch.mutable_messages(1)->mutable_deliver_at()->set_seconds(1);
  batch.mutable_messages(2)->mutable_deliver_at()->set_seconds(2);
  EXPECT_THAT(SequencesOf(batch, result), ElementsAre(0, 0, 0));
}

TEST(PublishResults, ARefusalIsThatOfEach) {
  BatchResult result{.outcome = BatchOutcome::kRefused, .status = absl::NotFoundError("no such queue")};
  const std::vector<absl::StatusOr<PublishResult>> results = ResultsOf(BatchOf({"A", "B"}), result);
  ASSERT_EQ(results.size(), 2u);
  for (const absl::StatusOr<PublishResult>& one : results) EXPECT_EQ(one.status(), result.status);
}

}  // namespace
}  // namespace internal
}  // namespace client
}  // namespace nmq
