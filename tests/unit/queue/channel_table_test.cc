#include "server/queue/channel_table.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nmq::broker {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr uint64_t kRoom = 7;

// The channels of a message, by target and event.
std::vector<std::pair<uint64_t, std::string>> Of(const ChannelTable& table, const std::vector<uint64_t>& targets,
                                                 absl::string_view event) {
  log::Audience audience;
  audience.everyone = targets.empty();
  audience.targets = targets;
  std::vector<std::pair<uint64_t, std::string>> channels;
  table.ForEach(&audience, event,
                [&](Channel* channel) { channels.emplace_back(channel->key.target, channel->key.event); });
  return channels;
}

TEST(ChannelTable, FindsByTargetAndByEvent) {
  ChannelTable table(1);
  for (uint64_t target : {kEveryone, kRoom}) {
    for (const char* event : {"", "a.x", "a.*", "*.x", "b.**"}) table.Open(target, event);
  }
  EXPECT_THAT(Of(table, {}, "a.x"), UnorderedElementsAre(Pair(kEveryone, ""), Pair(kEveryone, "a.x"),
                                                         Pair(kEveryone, "a.*"), Pair(kEveryone, "*.x")));
  EXPECT_THAT(Of(table, {kRoom}, "b.y"), UnorderedElementsAre(Pair(kRoom, ""), Pair(kRoom, "b.**")));
  EXPECT_THAT(Of(table, {8}, "a.x"), IsEmpty());
}

TEST(ChannelTable, OpensAChannelOnce) {
  ChannelTable table(1);
  EXPECT_EQ(table.Open(kRoom, "a.*"), table.Open(kRoom, "a.*"));
  EXPECT_NE(table.Open(kRoom, "a.*"), table.Open(kRoom, "b.*"));
  EXPECT_EQ(table.size(), 2u);
}

TEST(ChannelTable, DropsTheChannelAndNoOtherOfItsKey) {
  ChannelTable table(1);
  const std::shared_ptr<Channel> old = table.Open(kRoom, "a.*");
  table.Drop(old.get());
  EXPECT_THAT(Of(table, {kRoom}, "a.x"), IsEmpty());
  table.Open(kRoom, "a.*");
  table.Drop(old.get());
  EXPECT_THAT(Of(table, {kRoom}, "a.x"), UnorderedElementsAre(Pair(kRoom, "a.*")));
}

TEST(ChannelTable, TrimsAllChannelsInTurn) {
  ChannelTable table(1);
  std::vector<std::shared_ptr<Channel>> channels;
  for (uint64_t target = 1; target <= 3; ++target) {
    channels.push_back(table.Open(target, ""));
    channels.back()->Append(1, 1);
  }
  table.Trim(2, /*first_held=*/2);
  size_t left = 0;
  for (const auto& channel : channels) left += channel->sequences.size();
  EXPECT_EQ(left, 1u);
  table.Trim(1, /*first_held=*/2);
  for (const auto& channel : channels) EXPECT_TRUE(channel->sequences.empty());
}

}  // namespace
}  // namespace nmq::broker
