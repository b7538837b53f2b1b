#include "server/http2/outgoing.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/http2/message_reader.h"

namespace nmq::http2 {
namespace {

class Taker final : public ByteStream {
 public:
  ssize_t Read(char*, size_t) override { return kEnded; }
  ssize_t Write(const iovec* pieces, size_t count) override {
    ssize_t moved = 0;
    for (size_t i = 0; i < count; ++i) {
      taken.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
      moved += static_cast<ssize_t>(pieces[i].iov_len);
    }
    return moved;
  }
  void CloseWrite() override {}
  int descriptor() const override { return -1; }

  std::string taken;
};

log::ByteRange RangeOf(const std::string& bytes) {
  auto chunk = log::ChunkRef::Adopt(new log::Chunk(bytes.size()));
  std::memcpy(chunk->Extend(bytes.size()), bytes.data(), bytes.size());
  return {std::move(chunk), 0, static_cast<uint32_t>(bytes.size())};
}

std::string Pattern(size_t size, char first) {
  std::string bytes(size, 0);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(first + i % 23);
  return bytes;
}

// All of it, `step` bytes at a time, over several gathers.
std::string Take(Outgoing* outgoing, size_t step) {
  Taker taker;
  Gather gather;
  Unsent unsent;
  while (outgoing->left() > 0) {
    outgoing->Give(std::min(step, outgoing->left()), &gather);
    EXPECT_TRUE(gather.Send(&taker, &unsent));
  }
  return taker.taken;
}

std::string OnlyMessage(const std::string& bytes) {
  MessageReader reader(std::numeric_limits<uint32_t>::max());
  absl::string_view rest = bytes;
  const auto size = reader.Size(&rest);
  EXPECT_TRUE(size.ok() && size->has_value());
  const auto message = reader.Body(&rest);
  EXPECT_TRUE(message.has_value());
  EXPECT_TRUE(rest.empty());
  return std::string(message->bytes);
}

TEST(Outgoing, MessageOfAFrameComesInWholeHoweverItIsTaken) {
  for (const size_t step : {1, 4, 5, 6, 4'000, 16'384, 1'000'000}) {
    Outgoing outgoing;
    for (int again = 0; again < 2; ++again) {
      // Short, long, long, short.
      const std::vector<std::string> parts = {Pattern(300, 'a'), Pattern(20'000, 'A'), Pattern(9'000, '0'),
                                              Pattern(10, 'b')};
      std::vector<log::ByteRange> ranges;
      std::string all;
      for (const std::string& part : parts) {
        ranges.push_back(RangeOf(part));
        all += part;
      }
      outgoing.Set(Frame(std::move(ranges), all.size()));
      const std::string message = OnlyMessage(Take(&outgoing, step));
      ASSERT_GE(message.size(), all.size());
      EXPECT_EQ(message.substr(message.size() - all.size()), all) << step;
    }
  }
}

TEST(Outgoing, MessageOfItsOwn) {
  v1::PublishResponse response;
  response.set_id("id");
  response.set_sequence(7);
  Outgoing outgoing;
  outgoing.Set(Frame(response));
  EXPECT_EQ(OnlyMessage(Take(&outgoing, 100)), response.SerializeAsString());
  outgoing.Set(Frame(v1::PublishResponse()));
  EXPECT_EQ(Take(&outgoing, 100), std::string(5, '\0'));
}

}  // namespace
}  // namespace nmq::http2
