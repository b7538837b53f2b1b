// Messages that are published once however often they come, and only where they are expected.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;

// A message with a request id; with `last`, published only after that sequence.
v1::PublishRequest WithId(const std::string& id, const Post& post = {}) {
  v1::PublishRequest request;
  *request.mutable_message() = ToMessage(post);
  request.mutable_message()->set_request_id(id);
  return request;
}
v1::PublishRequest After(uint64_t last, const Post& post = {}) {
  v1::PublishRequest request;
  *request.mutable_message() = ToMessage(post);
  request.set_expected_last_sequence(last);
  return request;
}

absl::StatusOr<v1::PublishResponse> Publish(World* world, v1::PublishRequest request) {
  return PublishTo(&world->broker(), &request);
}

v1::AcceptedBatch PublishBatch(World* world, const v1::PublishStreamRequest& request) {
  PublishStream stream(&world->broker(), TestCall());
  v1::PublishStreamResponse response;
  EXPECT_TRUE(PublishOn(&stream, request, &response).ok());
  EXPECT_TRUE(response.has_accepted()) << response.DebugString();
  return response.accepted();
}

void Add(v1::PublishStreamRequest* batch, const std::string& id, const Post& post) {
  *batch->add_messages() = ToMessage(post);
  batch->mutable_messages()->rbegin()->set_request_id(id);
}

TEST(Idempotent, MessageThatComesAgainIsWhereTheFirstOneIs) {
  World world;
  auto listener = world.Listen(world.Connect());
  const auto first = Publish(&world, WithId("a", {.payload = "1"}));
  const auto other = Publish(&world, WithId("b", {.payload = "2"}));
  v1::PublishRequest counted = WithId("a", {.payload = "again"});
  counted.set_count_matches(true);
  const auto again = Publish(&world, counted);
  ASSERT_TRUE(first.ok() && other.ok() && again.ok());
  EXPECT_FALSE(first->duplicate());
  EXPECT_FALSE(other->duplicate());
  EXPECT_TRUE(again->duplicate());
  EXPECT_EQ(again->sequence(), 1u);
  EXPECT_EQ(again->id(), first->id());
  EXPECT_EQ(again->epoch(), first->epoch());
  EXPECT_EQ(again->matched(), 0u);
  EXPECT_EQ(again->storage(), v1::STORAGE_MEMORY);
  EXPECT_THAT(listener->Payloads(), ElementsAre("1", "2"));
}

TEST(Idempotent, QueuesHaveIdsOfTheirOwn) {
  World world;
  EXPECT_TRUE(Publish(&world, WithId("a", {.queue = "one"})).ok());
  EXPECT_FALSE(Publish(&world, WithId("a", {.queue = "two"}))->duplicate());
}

TEST(Idempotent, MessagesWithoutAnIdAreNeverDuplicates) {
  World world;
  for (uint64_t sequence = 1; sequence <= 3; ++sequence) {
    const auto published = Publish(&world, WithId("", {.payload = "same"}));
    EXPECT_FALSE(published->duplicate());
    EXPECT_EQ(published->sequence(), sequence);
  }
}

TEST(Idempotent, IdIsKnownForTheWindow) {
  World world("limits { request_id_window { seconds: 10 } }");
  EXPECT_TRUE(Publish(&world, WithId("a")).ok());
  world.clock().Advance(absl::Milliseconds(9999));
  EXPECT_TRUE(Publish(&world, WithId("a"))->duplicate());
  world.clock().Advance(absl::Milliseconds(1));
  const auto later = Publish(&world, WithId("a"));
  EXPECT_FALSE(later->duplicate());
  EXPECT_EQ(later->sequence(), 2u);
  EXPECT_EQ(Publish(&world, WithId("a"))->sequence(), 2u);
}

TEST(Idempotent, QueueKnowsSoManyIdsAndForgetsTheOldestFirst) {
  World world("limits { request_ids: 3 }");
  for (const char* id : {"a", "b"}) EXPECT_TRUE(Publish(&world, WithId(id)).ok());
  EXPECT_TRUE(Publish(&world, WithId("a"))->duplicate());
  EXPECT_TRUE(Publish(&world, WithId("c")).ok());
  EXPECT_TRUE(Publish(&world, WithId("a"))->duplicate());
  EXPECT_TRUE(Publish(&world, WithId("d")).ok());
  EXPECT_TRUE(Publish(&world, WithId("b"))->duplicate());
  EXPECT_FALSE(Publish(&world, WithId("a"))->duplicate());
}

TEST(Idempotent, DuplicateIsKnownWhenItsMessageIsHeldNoMore) {
  World world("limits { queue_messages: 2 }");
  EXPECT_TRUE(Publish(&world, WithId("a")).ok());
  world.Overrun("DB", 5);
  EXPECT_EQ(Publish(&world, WithId("a"))->sequence(), 1u);
}

TEST(Idempotent, LongIdsAreRefused) {
  World world("limits { name_bytes: 10 }");
  EXPECT_TRUE(Publish(&world, WithId(std::string(10, 'i'))).ok());
  const absl::Status status = Publish(&world, WithId(std::string(11, 'i'))).status();
  EXPECT_EQ(MetadataOf(status, "limit"), "name_bytes");
  EXPECT_EQ(MetadataOf(status, "field"), "request_id");
}

TEST(IdempotentBatch, DuplicatesAreToldByIndexAndLeftOutOfTheRanges) {
  World world;
  auto listener = world.Listen(world.Connect());
  EXPECT_TRUE(Publish(&world, WithId("b", {.payload = "before"})).ok());
  v1::PublishStreamRequest batch;
  batch.set_count_matches(true);
  Add(&batch, "a", {.payload = "0"});
  Add(&batch, "x", {.queue = "FS", .payload = "1"});
  Add(&batch, "b", {.payload = "2"});
  Add(&batch, "a", {.payload = "3"});
  Add(&batch, "x", {.queue = "FS", .payload = "4"});
  Add(&batch, "", {.payload = "5"});
  const v1::AcceptedBatch accepted = PublishBatch(&world, batch);
  ASSERT_EQ(accepted.ranges_size(), 2);
  EXPECT_EQ(accepted.ranges(0).queue(), "DB");
  EXPECT_EQ(accepted.ranges(0).first(), 2u);
  EXPECT_EQ(accepted.ranges(0).last(), 3u);
  EXPECT_EQ(accepted.ranges(1).queue(), "FS");
  EXPECT_EQ(accepted.ranges(1).first(), 1u);
  EXPECT_EQ(accepted.ranges(1).last(), 1u);
  EXPECT_EQ(accepted.matched(), 3u);
  EXPECT_EQ(accepted.storage(), v1::STORAGE_MEMORY);
  std::vector<std::string> duplicates;
  for (const v1::Duplicate& duplicate : accepted.duplicates()) {
    duplicates.push_back(
        absl::StrCat(duplicate.index(), " ", duplicate.position().queue(), " ", duplicate.position().sequence()));
    EXPECT_NE(duplicate.position().epoch(), 0u);
  }
  EXPECT_THAT(duplicates, ElementsAre("2 DB 1", "3 DB 2", "4 FS 1"));
  EXPECT_THAT(listener->Payloads(), testing::UnorderedElementsAre("before", "0", "1", "5"));
}

TEST(IdempotentBatch, OfDuplicatesOnlyHasNoRanges) {
  World world;
  v1::PublishStreamRequest batch;
  Add(&batch, "a", {});
  Add(&batch, "b", {});
  EXPECT_EQ(PublishBatch(&world, batch).ranges_size(), 1);
  const v1::AcceptedBatch again = PublishBatch(&world, batch);
  EXPECT_EQ(again.ranges_size(), 0);
  EXPECT_EQ(again.duplicates_size(), 2);
  EXPECT_EQ(world.Publish(Post())->sequence(), 3u);
}

TEST(ExpectedLastSequence, IsThatOfTheQueueOrTheMessageIsRefused) {
  World world;
  EXPECT_EQ(Publish(&world, After(0))->sequence(), 1u);
  EXPECT_EQ(Publish(&world, After(1))->sequence(), 2u);
  for (const uint64_t last : {uint64_t{0}, uint64_t{1}, uint64_t{3}}) {
    const absl::Status status = Publish(&world, After(last)).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_EQ(ReasonOf(status), "SEQUENCE_MISMATCH");
    EXPECT_EQ(MetadataOf(status, "queue"), "DB");
    EXPECT_EQ(MetadataOf(status, "value"), absl::StrCat(last));
    EXPECT_EQ(MetadataOf(status, "bound"), "2");
  }
  EXPECT_EQ(Publish(&world, After(2))->sequence(), 3u);
}

TEST(ExpectedLastSequence, OfAQueueThatIsNotThereIsZeroAndMakesNoneOtherwise) {
  World world;
  EXPECT_EQ(ReasonOf(Publish(&world, After(1)).status()), "SEQUENCE_MISMATCH");
  v1::NamespaceInfo info;
  world.name_space().Describe(&info);
  EXPECT_EQ(info.queues(), 0u);
  EXPECT_TRUE(Publish(&world, After(0)).ok());
}

TEST(ExpectedLastSequence, DoesNotMatterForADuplicate) {
  World world;
  v1::PublishRequest request = After(0);
  request.mutable_message()->set_request_id("a");
  EXPECT_FALSE(Publish(&world, request)->duplicate());
  EXPECT_TRUE(Publish(&world, request)->duplicate()) << "the publisher did not hear that it succeeded";
}

TEST(ExpectedLastSequence, RefusedMessageLeavesNoId) {
  World world;
  v1::PublishRequest request = After(0);
  EXPECT_TRUE(Publish(&world, request).ok());
  request.mutable_message()->set_request_id("a");
  EXPECT_FALSE(Publish(&world, request).ok());
  request.set_expected_last_sequence(1);
  EXPECT_FALSE(Publish(&world, request)->duplicate());
}

}  // namespace
}  // namespace nmq::broker
