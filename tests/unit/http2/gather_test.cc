#include "server/http2/gather.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "server/http2/socket.h"

namespace nmq::http2 {
namespace {

// Takes as many bytes at a time as it is told to, and then blocks.
class Taker final : public ByteStream {
 public:
  ssize_t Read(char*, size_t) override { return kEnded; }
  ssize_t Write(const iovec* pieces, size_t count) override {
    ++writes;
    if (broken) return kEnded;
    size_t left = room;
    for (size_t i = 0; i < count && left > 0; ++i) {
      const size_t part = std::min(left, pieces[i].iov_len);
      taken.append(static_cast<const char*>(pieces[i].iov_base), part);
      referred.push_back(static_cast<const char*>(pieces[i].iov_base));
      left -= part;
    }
    if (left == room) return kBlocked;
    const size_t moved = room - left;
    room = left;
    return static_cast<ssize_t>(moved);
  }
  void CloseWrite() override {}
  int descriptor() const override { return -1; }

  size_t room = std::numeric_limits<size_t>::max() / 2;
  bool broken = false;
  int writes = 0;
  std::string taken;
  std::vector<const char*> referred;
};

std::string Pattern(size_t size, char first) {
  std::string bytes(size, 0);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(first + i % 23);
  return bytes;
}

log::ByteRange RangeOf(const std::string& bytes) {
  auto chunk = log::ChunkRef::Adopt(new log::Chunk(bytes.size()));
  std::memcpy(chunk->Extend(bytes.size()), bytes.data(), bytes.size());
  return {std::move(chunk), 0, static_cast<uint32_t>(bytes.size())};
}

TEST(Gather, ShortPiecesAreOneVector) {
  Gather gather;
  Taker taker;
  Unsent unsent;
  gather.Copy("one ", 4);
  gather.Share(RangeOf("two "), 0, 4);
  gather.Copy("three", 5);
  EXPECT_EQ(gather.bytes(), 13u);
  EXPECT_TRUE(gather.Send(&taker, &unsent));
  EXPECT_EQ(taker.taken, "one two three");
  EXPECT_EQ(taker.referred.size(), 1u);
  EXPECT_TRUE(unsent.empty());
  EXPECT_TRUE(gather.empty());
}

TEST(Gather, LongRangeIsReferredTo) {
  const std::string bytes = Pattern(20'000, 'a');
  const log::ByteRange range = RangeOf(bytes);
  Gather gather;
  Taker taker;
  Unsent unsent;
  gather.Copy("head", 4);
  gather.Share(range, 100, 10'000);
  gather.Copy("tail", 4);
  EXPECT_TRUE(gather.Send(&taker, &unsent));
  EXPECT_EQ(taker.taken, "head" + bytes.substr(100, 10'000) + "tail");
  ASSERT_EQ(taker.referred.size(), 3u);
  EXPECT_EQ(taker.referred[1], range.data() + 100);
  EXPECT_EQ(taker.writes, 1);
}

TEST(Gather, WhatThePeerDoesNotTakeGoesOutLaterInOrderThoughTheGatherIsUsedMeanwhile) {
  const std::string bytes = Pattern(30'000, 'a');
  const std::string all = "head" + bytes + "tail";
  for (const size_t room : {0, 1, 4, 5, 12'000, 30'003, 30'004, 30'007}) {
    Gather gather;
    Unsent unsent;
    Taker taker;
    taker.room = room;
    gather.Copy("head", 4);
    {
      const log::ByteRange range = RangeOf(bytes);
      gather.Share(range, 0, bytes.size());
    }
    gather.Copy("tail", 4);
    ASSERT_TRUE(gather.Send(&taker, &unsent));
    EXPECT_EQ(taker.taken, all.substr(0, room));
    EXPECT_FALSE(unsent.empty());

    Taker other;
    Unsent nothing;
    gather.Copy("other connection's bytes", 24);
    ASSERT_TRUE(gather.Send(&other, &nothing));

    for (int i = 0; i < 1'000 && !unsent.empty(); ++i) {
      taker.room = 777;
      ASSERT_TRUE(unsent.Send(&taker));
    }
    EXPECT_EQ(taker.taken, all) << room;
    EXPECT_TRUE(unsent.empty());
  }
}

TEST(Gather, IsFullAtItsShareOfBytesOrPieces) {
  Gather gather;
  const std::string bytes = Pattern(Gather::kFrameBytesMax, 'a');
  size_t frames = 0;
  for (; !gather.full(); ++frames) gather.Copy(bytes.data(), bytes.size());
  EXPECT_EQ(frames, 4u);
  EXPECT_LT(gather.bytes(), Gather::kBytesMax + Gather::kFrameBytesMax);

  gather.Clear();
  EXPECT_FALSE(gather.full());
  // Tiny frames, each with a long range of its own, would need more vectors than one write has.
  const log::ByteRange range = RangeOf(Pattern(Gather::kShareBytesMin, 'a'));
  for (; !gather.full(); gather.Share(range, 0, range.length)) gather.Copy("h", 1);
  EXPECT_LE(gather.bytes(), Gather::kBytesMax + Gather::kFrameBytesMax);
}

TEST(Gather, SaysThatTheConnectionHasEnded) {
  Gather gather;
  Unsent unsent;
  Taker taker;
  taker.room = 3;
  gather.Copy("hello", 5);
  ASSERT_TRUE(gather.Send(&taker, &unsent));
  taker.broken = true;
  EXPECT_FALSE(unsent.Send(&taker));
  gather.Copy("more", 4);
  Unsent later;
  EXPECT_FALSE(gather.Send(&taker, &later));
  EXPECT_TRUE(later.empty());
  EXPECT_TRUE(gather.empty());
}

TEST(Gather, KeepsItsOrderOverARealSocketThatTakesLittle) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  Socket writer(ends[0]);
  Socket reader(ends[1]);
  Gather gather;
  std::string wanted;
  std::string got;
  for (int turn = 0; turn < 20; ++turn) {
    Unsent unsent;
    while (!gather.full()) {
      const std::string bytes = Pattern(9'000, static_cast<char>('a' + turn));
      gather.Copy("frame", 5);
      gather.Share(RangeOf(bytes), 0, bytes.size());
      wanted += "frame" + bytes;
    }
    ASSERT_TRUE(gather.Send(&writer, &unsent));
    char buffer[3'000];
    while (true) {
      const ssize_t size = reader.Read(buffer, sizeof(buffer));
      if (size > 0) got.append(buffer, static_cast<size_t>(size));
      if (size == ByteStream::kBlocked && unsent.empty()) break;
      ASSERT_NE(size, ByteStream::kEnded);
      ASSERT_TRUE(unsent.Send(&writer));
    }
  }
  EXPECT_EQ(got, wanted);
}

}  // namespace
}  // namespace nmq::http2
