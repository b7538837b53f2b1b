// Messages of queues on disk that are published once however often they come, whatever happens to the server meanwhile.
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/env.h"
#include "server/log/batch.h"
#include "tests/testing/fault_file_system.h"
#include "tests/testing/fresh_directory.h"
#include "tests/testing/notification.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr char kQueues[] = R"(
    namespace {
      name: "default"
      queue { name: "D" durability: DURABILITY_DURABLE }
      queue { name: "B" durability: DURABILITY_BUFFERED }
      queue { name: "E" durability: DURABILITY_DURABLE retention { messages: 1 } }
    })";

std::string Limited(absl::string_view limit) { return absl::StrCat("limits { ", limit, " } ", kQueues); }

v1::PublishRequest WithId(const std::string& id, const std::string& queue = "D") {
  v1::PublishRequest request;
  *request.mutable_message() = ToMessage({.queue = queue, .payload = "payload"});
  request.mutable_message()->set_request_id(id);
  return request;
}

// A server that can be started again on the same directory, on a disk that can fail.
class IdempotentOnDisk : public testing::Test {
 protected:
  IdempotentOnDisk() { Start(); }

  void Start(const std::string& config = kQueues) {
    world_ = nullptr;
    world_ = std::make_unique<World>(config, /*lanes=*/1, directory_, env_.get());
  }

  absl::StatusOr<v1::PublishResponse> Publish(const std::string& id, const std::string& queue = "D") {
    v1::PublishRequest request = WithId(id, queue);
    return PublishTo(&world_->broker(), &request);
  }
  // "new" or "again", and the sequence.
  std::string Outcome(const std::string& id, const std::string& queue = "D") {
    const auto published = Publish(id, queue);
    if (!published.ok()) return ReasonOf(published.status());
    return absl::StrCat(published->duplicate() ? "again " : "new ", published->sequence());
  }

  // Publishes messages that are written together.
  std::vector<std::string> PublishTogether(const std::vector<std::string>& ids, const std::function<void()>& before) {
    Notification told;
    Notification go_on;
    v1::PublishRequest first = WithId("");
    world_->broker().Publish(TestCall(), &first, [&](const absl::StatusOr<v1::PublishResponse>&) {
      told.Notify();
      go_on.WaitForNotification();
    });
    told.WaitForNotification();
    before();
    std::vector<std::string> outcomes(ids.size());
    std::vector<v1::PublishRequest> requests;
    for (const std::string& id : ids) requests.push_back(WithId(id));
    for (size_t i = 0; i < ids.size(); ++i) {
      world_->broker().Publish(
          TestCall(), &requests[i], [&outcomes, i](const absl::StatusOr<v1::PublishResponse>& answer) {
            outcomes[i] = !answer.ok() ? ReasonOf(answer.status())
                                       : absl::StrCat(answer->duplicate() ? "again " : "new ", answer->sequence());
          });
    }
    go_on.Notify();
    world_->broker().FlushToDisk();
    return outcomes;
  }

  // How many ids the disk has.
  int Stored() {
    int count = 0;
    world_->broker().FlushToDisk();
    const absl::Status status =
        world_->storage().store().Scan(log::Table::kRequests, "", "", [&](absl::string_view, absl::string_view) {
          ++count;
          return true;
        });
    EXPECT_TRUE(status.ok()) << status;
    return count;
  }
  int Messages(const std::string& queue = "D") {
    auto listener = world_->Listen(world_->Connect(), {{queue, ""}}, Earliest());
    size_t count = 0;
    for (int quiet = 0; quiet < 2;) {
      const size_t heard = listener->HearAll().messages.size();
      quiet = heard == 0 ? quiet + 1 : 0;
      count += heard;
      // Blocks from disk.
      world_->storage().log().Flush();
    }
    return static_cast<int>(count);
  }

  World& world() { return *world_; }
  const std::shared_ptr<FaultFileSystem> disk_ = std::make_shared<FaultFileSystem>();

 private:
  const std::string directory_ = FreshDirectory();
  const std::unique_ptr<rocksdb::Env> env_ = NewFaultEnv(disk_);
  std::unique_ptr<World> world_;
};

TEST_F(IdempotentOnDisk, MessageThatComesAgainIsWhereTheFirstOneIs) {
  for (const std::string queue : {"D", "B"}) {
    const auto first = Publish("a", queue);
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_FALSE(first->duplicate());
    EXPECT_EQ(Outcome("b", queue), "new 2");
    const auto again = Publish("a", queue);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_TRUE(again->duplicate());
    EXPECT_EQ(again->sequence(), 1u);
    EXPECT_EQ(again->id(), first->id());
    EXPECT_EQ(again->epoch(), first->epoch());
    EXPECT_EQ(again->storage(), first->storage());
    EXPECT_EQ(Outcome("", queue), "new 3");
    EXPECT_EQ(Messages(queue), 3);
  }
}

TEST_F(IdempotentOnDisk, IdIsKnownAcrossARestart) {
  for (const std::string queue : {"D", "B"}) {
    Publish("a", queue).IgnoreError();
    Publish("b", queue).IgnoreError();
  }
  for (int restart = 0; restart < 2; ++restart) {
    Start();
    for (const std::string queue : {"D", "B"}) {
      EXPECT_EQ(Outcome("b", queue), "again 2");
      EXPECT_EQ(Outcome("a", queue), "again 1");
    }
  }
  EXPECT_EQ(Outcome("c"), "new 3");
  EXPECT_EQ(Messages(), 3);
}

TEST_F(IdempotentOnDisk, IdIsKnownWhenItsMessageIsHeldNoMore) {
  for (const char* id : {"a", "b", "c"}) Publish(id, "E").IgnoreError();
  world().Housekeep();
  EXPECT_EQ(Messages("E"), 1);
  Start();
  EXPECT_EQ(Outcome("a", "E"), "again 1");
}

TEST_F(IdempotentOnDisk, WindowGoesOnWhileTheServerIsDown) {
  const std::string config = Limited("request_id_window { seconds: 10 }");
  Start(config);
  const absl::Time now = world().clock().Now();
  world().clock().SetWall(now - absl::Milliseconds(10'000));
  EXPECT_EQ(Outcome("a"), "new 1");
  world().clock().SetWall(now - absl::Milliseconds(9'000));
  EXPECT_EQ(Outcome("b"), "new 2");
  Start(config);
  EXPECT_EQ(Outcome("a"), "new 3");
  world().clock().Advance(absl::Milliseconds(999));
  EXPECT_EQ(Outcome("b"), "again 2");
  world().clock().Advance(absl::Milliseconds(1));
  EXPECT_EQ(Outcome("b"), "new 4");
  EXPECT_EQ(Outcome("a"), "again 3");
}

TEST_F(IdempotentOnDisk, ClockThatWasSetBackMakesNoIdLastLongerThanTheWindow) {
  const std::string config = Limited("request_id_window { seconds: 10 }");
  Start(config);
  world().clock().SetWall(world().clock().Now() + absl::Hours(1));
  EXPECT_EQ(Outcome("a"), "new 1");
  Start(config);
  EXPECT_EQ(Outcome("a"), "again 1");
  world().clock().Advance(absl::Seconds(10));
  EXPECT_EQ(Outcome("a"), "new 2");
}

TEST_F(IdempotentOnDisk, IdsThatAreTooOldGoFromTheDisk) {
  Start(Limited("request_id_window { seconds: 10 }"));
  for (const char* id : {"a", "b", "c"}) Publish(id).IgnoreError();
  Publish("a", "B").IgnoreError();
  world().clock().Advance(absl::Seconds(5));
  Publish("d").IgnoreError();
  world().Housekeep();
  EXPECT_EQ(Stored(), 5);
  world().clock().Advance(absl::Seconds(5));
  world().Housekeep();
  EXPECT_EQ(Stored(), 1);
  EXPECT_EQ(Outcome("d"), "again 4");
  world().clock().Advance(absl::Seconds(5));
  world().Housekeep();
  EXPECT_EQ(Stored(), 0);
  EXPECT_EQ(Outcome("d"), "new 5");
  EXPECT_EQ(Stored(), 1);
}

TEST_F(IdempotentOnDisk, QueueKnowsSoManyIdsAndSoDoesTheDisk) {
  const std::string config = Limited("request_ids: 3");
  Start(config);
  for (const char* id : {"a", "b", "c", "d"}) Publish(id).IgnoreError();
  world().Housekeep();
  EXPECT_EQ(Stored(), 3);
  Start(config);
  EXPECT_EQ(Outcome("b"), "again 2");
  EXPECT_EQ(Outcome("a"), "new 5");
}

TEST_F(IdempotentOnDisk, LimitThatWasLoweredHoldsFromTheStartOn) {
  for (const char* id : {"a", "b", "c", "d"}) Publish(id).IgnoreError();
  Start(Limited("request_ids: 2"));
  world().Housekeep();
  EXPECT_EQ(Stored(), 2);
  EXPECT_EQ(Outcome("d"), "again 4");
  EXPECT_EQ(Outcome("b"), "new 5");
}

TEST_F(IdempotentOnDisk, DuplicatesInOneBatchAreFoundAndLeftOut) {
  Publish("b").IgnoreError();
  v1::PublishStreamRequest batch;
  for (const char* id : {"a", "b", "", "a", "c"}) {
    *batch.add_messages() = ToMessage({.queue = "D"});
    batch.mutable_messages()->rbegin()->set_request_id(id);
  }
  PublishStream stream(&world().broker(), TestCall());
  v1::PublishStreamResponse response;
  ASSERT_TRUE(PublishOn(&stream, batch, &response).ok());
  const v1::AcceptedBatch& accepted = response.accepted();
  ASSERT_THAT(accepted.ranges(), SizeIs(1));
  EXPECT_EQ(accepted.ranges(0).first(), 2u);
  EXPECT_EQ(accepted.ranges(0).last(), 4u);
  std::vector<std::string> duplicates;
  for (const v1::Duplicate& duplicate : accepted.duplicates()) {
    duplicates.push_back(absl::StrCat(duplicate.index(), " is ", duplicate.position().sequence()));
  }
  EXPECT_THAT(duplicates, ElementsAre("1 is 1", "3 is 2"));
  Start();
  EXPECT_EQ(Outcome("c"), "again 4");
  EXPECT_EQ(Outcome("a"), "again 2");
  EXPECT_EQ(Messages(), 4);
}

TEST_F(IdempotentOnDisk, BatchOfDuplicatesOnlyHasNoRanges) {
  Publish("a").IgnoreError();
  v1::PublishStreamRequest batch;
  *batch.add_messages() = ToMessage({.queue = "D"});
  batch.mutable_messages()->rbegin()->set_request_id("a");
  PublishStream stream(&world().broker(), TestCall());
  v1::PublishStreamResponse response;
  ASSERT_TRUE(PublishOn(&stream, batch, &response).ok());
  EXPECT_THAT(response.accepted().ranges(), SizeIs(0));
  EXPECT_THAT(response.accepted().duplicates(), SizeIs(1));
  EXPECT_EQ(Outcome("b"), "new 2");
}

TEST_F(IdempotentOnDisk, MessageThatWaitsToBeWrittenIsKnownAlready) {
  EXPECT_THAT(PublishTogether({"a", "a", "b", "a"}, [] {}), ElementsAre("new 2", "again 2", "new 3", "again 2"));
  EXPECT_EQ(Messages(), 3);
}

TEST_F(IdempotentOnDisk, DuplicateOfWhatCannotBeWrittenIsNoneAndLeavesNoId) {
  EXPECT_THAT(PublishTogether({"a", "a"}, [this] { disk_->SetSpace(0); }), ElementsAre("DISK_FULL", "DISK_FULL"));
  disk_->SetSpace(1 << 30);
  world().Housekeep();
  EXPECT_EQ(Outcome("a"), "new 2");
  EXPECT_EQ(Outcome("a"), "again 2");
  EXPECT_EQ(Messages(), 2);
}

TEST_F(IdempotentOnDisk, QueueWhoseIdsCannotBeReadTakesNoIds) {
  log::Batch batch;
  batch.Put(log::Table::kRequests, std::string(7, '\0') + std::string(1, '\1') + "damaged", "");
  ASSERT_TRUE(world().storage().store().Write(&batch, log::Sync::kNo).ok());
  Start();
  const absl::Status status = Publish("a").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_EQ(Outcome(""), "new 1");
  EXPECT_EQ(Outcome("a", "B"), "new 1");
}

TEST_F(IdempotentOnDisk, ExpectedLastSequenceDoesNotMatterForADuplicate) {
  v1::PublishRequest request = WithId("a");
  request.set_expected_last_sequence(0);
  EXPECT_FALSE(PublishTo(&world().broker(), &request)->duplicate());
  Start();
  request = WithId("a");
  request.set_expected_last_sequence(0);
  const auto again = PublishTo(&world().broker(), &request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->duplicate());
}

TEST_F(IdempotentOnDisk, MessageThatIsRefusedLeavesNoId) {
  v1::PublishRequest request = WithId("a");
  request.set_expected_last_sequence(7);
  EXPECT_EQ(ReasonOf(PublishTo(&world().broker(), &request).status()), "SEQUENCE_MISMATCH");
  EXPECT_EQ(Outcome("a"), "new 1");
}

}  // namespace
}  // namespace nmq::broker
