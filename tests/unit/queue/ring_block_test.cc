// What a queue on disk has in memory as well: the same as the disk has, for groups that keep up.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/log/block.h"
#include "server/log/log_wait.h"
#include "tests/testing/fresh_directory.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;

// The ring in memory holds five messages.
constexpr char kConfig[] = R"(
    limits { queue_messages: 5 }
    namespace { name: "default" queue { name: "D" durability: DURABILITY_DURABLE } })";
constexpr uint64_t kMuch = 1 << 20;

// A queue of eight messages, some of them for rooms, of which memory has the last five.
class RingBlock : public testing::Test {
 protected:
  RingBlock() {
    world_ = std::make_unique<World>(kConfig, /*lanes=*/1, directory_);
    member_ = world_->Connect("", {"kitchen"});
    for (int i = 1; i <= 8; ++i) {
      Post post = {.queue = "D", .payload = std::string(10 * i, 'x')};
      if (i % 2 == 0) post.rooms = {"kitchen"};
      EXPECT_TRUE(world_->PublishAs(member_, post).ok());
    }
    world_->name_space().VisitQueues("", 1, [this](const Queue& queue) {
      queue_ = &queue;
      return true;
    });
  }

  std::shared_ptr<const log::Block> FromRing(uint64_t from, uint64_t end, uint64_t bytes_max = kMuch) const {
    return queue_->BlockFromRing(from, end, bytes_max);
  }
  std::shared_ptr<const log::Block> FromDisk(uint64_t from, uint64_t end) const {
    auto block = log::ReadAndWait(queue_->disk().log, queue_->disk().number, from, end, kMuch);
    EXPECT_TRUE(block.ok()) << block.status();
    return block.ok() ? *std::move(block) : nullptr;
  }
  static std::string Entry(const log::Block& block, size_t i) {
    return std::string(block.chunk->data() + block.items[i].entry_offset, block.items[i].entry_length);
  }
  static std::string Audience(const log::Block& block, size_t i) {
    return std::string(block.chunk->data() + block.items[i].audience_offset, block.items[i].audience_length);
  }

  const std::string directory_ = FreshDirectory();
  std::unique_ptr<World> world_;
  Member member_;
  const Queue* queue_ = nullptr;
};

TEST_F(RingBlock, IsWhatTheDiskHas) {
  for (uint64_t from = 4; from < 9; ++from) {
    for (uint64_t end = from + 1; end <= 9; ++end) {
      const auto ring = FromRing(from, end);
      const auto disk = FromDisk(from, end);
      ASSERT_TRUE(ring != nullptr && disk != nullptr) << from << " to " << end;
      EXPECT_EQ(ring->first, disk->first);
      ASSERT_EQ(ring->items.size(), disk->items.size());
      for (size_t i = 0; i < ring->items.size(); ++i) {
        EXPECT_EQ(Entry(*ring, i), Entry(*disk, i));
        EXPECT_EQ(Audience(*ring, i), Audience(*disk, i));
        EXPECT_EQ(ring->items[i].stamp, disk->items[i].stamp);
      }
    }
  }
}

TEST_F(RingBlock, OfWhatMemoryHasNotGotThereIsNone) {
  EXPECT_EQ(FromRing(3, 9), nullptr);
  EXPECT_EQ(FromRing(9, 10), nullptr);
  EXPECT_EQ(FromRing(5, 5), nullptr);
  EXPECT_EQ(FromRing(4, 100)->end(), 9u);
}

TEST_F(RingBlock, HasAtLeastOneMessageAndOtherwiseNoMoreBytesThanAskedFor) {
  EXPECT_EQ(FromRing(4, 9, 1)->items.size(), 1u);
  const auto all = FromRing(4, 9);
  const uint64_t two = all->items[0].entry_length + all->items[1].entry_length;
  EXPECT_EQ(FromRing(4, 9, two - 1)->items.size(), 1u);
  EXPECT_EQ(FromRing(4, 9, two)->items.size(), 2u);
}

TEST_F(RingBlock, OfWhatWasPurgedThereIsNone) {
  ASSERT_TRUE(world_->name_space().PurgeQueue("D", 6).ok());
  EXPECT_EQ(FromRing(6, 9), nullptr);
  EXPECT_EQ(FromRing(7, 9)->items.size(), 2u);
}

TEST_F(RingBlock, IsWhatAGroupReadsThatKeepsUp) {
  v1::SubscribeRequest request = SubscribeTo(member_, {{"D", ""}}, FromSequence(4));
  request.mutable_group()->set_name("g");
  request.mutable_group()->add_rooms("kitchen");
  // Of the disk, nothing is left.
  ASSERT_TRUE(log::TrimAndWait(queue_->disk().log, queue_->disk().number, 9, log::Sync::kYes).ok());
  auto member = world_->TryListen(request);
  ASSERT_TRUE(member.ok()) << member.status();
  for (int i = 0; i < 4; ++i) {
    world_->broker().FlushToDisk();
    TakeTurn(world_->lane(0));
  }
  std::vector<uint64_t> sequences;
  for (const v1::Message& message : (*member)->HearAll().messages) sequences.push_back(message.sequence());
  EXPECT_THAT(sequences, ElementsAre(4, 5, 6, 7, 8));
}

}  // namespace
}  // namespace nmq::broker
