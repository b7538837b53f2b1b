#include "server/group/outbox.h"

#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/log/block.h"

namespace nmq::broker {
namespace {

// A block of messages with these payloads, from sequence 1 on.
log::Block BlockOf(const std::vector<std::string>& payloads) {
  std::string bytes;
  log::Block block;
  block.first = 1;
  EntrySuffix suffix(5, absl::UnixEpoch(), "c-1");
  for (const std::string& payload : payloads) {
    v1::Message message;
    message.set_queue("Q");
    message.set_event("E");
    message.set_payload(payload);
    const std::string body = message.SerializeAsString();
    suffix.SetSequence(block.end());
    std::string entry(suffix.EntrySize(body.size()), '\0');
    suffix.WriteEntry(body, entry.data());
    block.items.push_back({0, 0, 0, 0, static_cast<uint32_t>(bytes.size()), static_cast<uint32_t>(entry.size())});
    bytes += entry;
  }
  block.chunk = log::ChunkRef::Adopt(new log::Chunk(bytes.size()));
  memcpy(block.chunk->Extend(bytes.size()), bytes.data(), bytes.size());
  return block;
}

TEST(Outbox, StampsEachEntryAndPutsThemSideBySide) {
  Outbox outbox;
  EXPECT_TRUE(outbox.empty());
  {
    const log::Block block = BlockOf({"one", "two", std::string(100'000, 'x')});
    outbox.Add({.sequence = 1, .member = 7, .attempt = 1, .delivery = 1025}, block);
    outbox.Add({.sequence = 3, .member = 7, .attempt = 2, .delivery = 1026}, block);
  }
  EXPECT_FALSE(outbox.empty());
  const std::vector<log::ByteRange> entries = outbox.Take();
  EXPECT_TRUE(outbox.empty());
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].data(), entries[0].data() + entries[0].length) << "so that they go out as one";
  v1::Batch batch;
  ASSERT_TRUE(batch.ParseFromArray(entries[0].data(), static_cast<int>(entries[0].length + entries[1].length)));
  ASSERT_EQ(batch.messages_size(), 2);
  EXPECT_EQ(batch.messages(0).payload(), "one");
  EXPECT_EQ(batch.messages(0).attempt(), 0u);
  EXPECT_EQ(batch.messages(0).delivery(), 1025u);
  EXPECT_EQ(batch.messages(1).sequence(), 3u);
  EXPECT_EQ(batch.messages(1).attempt(), 2u);
  EXPECT_EQ(batch.messages(1).delivery(), 1026u);
}

TEST(Outbox, SaysWhatWasNeverTaken) {
  const log::Block block = BlockOf({"one", "two"});
  Outbox outbox;
  outbox.Add({.sequence = 1, .member = 7, .attempt = 1, .delivery = 1025}, block);
  outbox.Take();
  EXPECT_TRUE(outbox.Unsent().empty());
  outbox.Add({.sequence = 2, .member = 7, .attempt = 1, .delivery = 2049}, block);
  ASSERT_EQ(outbox.Unsent().size(), 1u);
  EXPECT_EQ(outbox.Unsent()[0].sequence, 2u);
  EXPECT_EQ(outbox.Unsent()[0].delivery, 2049u);
}

}  // namespace
}  // namespace nmq::broker
