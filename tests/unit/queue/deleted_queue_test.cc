// What is published to a queue while it is deleted: it is refused, or it was there before, and never acknowledged
// after.
#include <memory>
#include <string>
#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fresh_directory.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

constexpr char kConfig[] = R"(
    namespace { name: "default" automatic_queues: true queue { name: "D" durability: DURABILITY_DURABLE } })";

class DeletedQueue : public testing::Test {
 protected:
  DeletedQueue() {
    world_ = std::make_unique<World>(kConfig, /*lanes=*/1, directory_);
    for (const char* queue : {"L", "M"}) EXPECT_TRUE(world_->Publish({.queue = queue}).ok());
  }

  std::shared_ptr<Queue> Find(const std::string& queue) { return *world_->name_space().FindQueue(queue); }
  // Has the queue been deleted, but for its name: as it is for a publisher that found it just before.
  void BeginToDelete(const std::string& queue) { Find(queue)->StopTaking(); }
  uint64_t LastOf(const std::string& queue) { return Find(queue)->Held().end - 1; }

  // Publishes one message to each of these queues together.
  absl::Status PublishTogether(const std::vector<std::string>& queues, absl::Time deliver_at = absl::InfinitePast()) {
    PublishStream stream(&world_->broker(), TestCall());
    v1::PublishStreamRequest request;
    for (const std::string& queue : queues) {
      *request.add_messages() = ToMessage({.queue = queue, .deliver_at = deliver_at});
    }
    v1::PublishStreamResponse response;
    const absl::Status status = PublishOn(&stream, request, &response);
    if (!status.ok() || !response.has_refused()) return status;
    return absl::Status(static_cast<absl::StatusCode>(response.refused().code()), response.refused().message());
  }

  const std::string directory_ = FreshDirectory();
  std::unique_ptr<World> world_;
};

TEST_F(DeletedQueue, APublisherThatFoundItJustBeforeIsRefused) {
  const std::shared_ptr<Queue> queue = Find("L");
  ASSERT_TRUE(world_->name_space().DeleteQueue("L").ok());
  const Queue::Outgoing message;
  const auto appended = queue->Append({&message, 1}, absl::UnixEpoch(), 0, "", /*count_matches=*/false);
  EXPECT_EQ(appended.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(appended.status()), "QUEUE_DELETED");
  Queue::Heard heard;
  const auto asked = queue->AppendQuestion(message, absl::UnixEpoch(), 0, "", "token", &heard);
  EXPECT_EQ(ReasonOf(asked.status()), "QUEUE_DELETED");
  EXPECT_EQ(queue->Held().end, queue->Held().first);
}

TEST_F(DeletedQueue, ABatchForItAndAnotherIsTakenByNeither) {
  BeginToDelete("M");
  EXPECT_EQ(PublishTogether({"L", "M"}).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(PublishTogether({"M", "L"}).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(LastOf("L"), 1u);
  EXPECT_EQ(LastOf("M"), 1u);
  EXPECT_TRUE(PublishTogether({"L"}).ok());
  EXPECT_EQ(LastOf("L"), 2u);
}

TEST_F(DeletedQueue, ABatchForItAndADurableOneIsTakenByNeither) {
  BeginToDelete("M");
  EXPECT_EQ(PublishTogether({"D", "M"}).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(LastOf("D"), 0u);
  EXPECT_EQ(LastOf("M"), 1u);
}

TEST_F(DeletedQueue, TakesNothingForLaterEither) {
  BeginToDelete("M");
  const absl::Time later = world_->clock().Now() + absl::Seconds(1);
  EXPECT_EQ(PublishTogether({"M"}, later).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Find("M")->schedule().size(), 0u);
}

TEST_F(DeletedQueue, IsMadeAnewByTheNextMessage) {
  ASSERT_TRUE(world_->name_space().DeleteQueue("L").ok());
  const auto published = world_->Publish({.queue = "L"});
  ASSERT_TRUE(published.ok()) << published.status();
  EXPECT_EQ(published->sequence(), 1u);
}

}  // namespace
}  // namespace nmq::broker
