#include "server/log/ring.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace nmq::log {
namespace {

constexpr RingBounds kLarge = {1 << 30, 1'000'000, 1'000'000'000};

class RingTest : public ::testing::Test {
 protected:
  static void Append(Ring* ring, absl::string_view bytes, int64_t time_us = 0, uint64_t stamp = 0,
                     std::shared_ptr<const Audience> audience = nullptr) {
    memcpy(ring->Append(bytes.size(), stamp, time_us, std::move(audience)), bytes.data(), bytes.size());
  }
  static std::string At(const Ring& ring, uint64_t sequence) {
    const Record& record = ring.at(sequence);
    return std::string(Ring::data(record), record.length);
  }

  RingTotal total_{uint64_t{1} << 40};
};

TEST_F(RingTest, BeginsAtSequenceOneWithNothing) {
  Ring ring(kLarge, &total_);
  EXPECT_EQ(ring.first(), 1u);
  EXPECT_EQ(ring.end(), 1u);
  EXPECT_EQ(ring.bytes(), 0u);
  ring.Trim(1'000'000);
  EXPECT_EQ(ring.end(), 1u);
}

TEST_F(RingTest, HoldsWhatWasAppended) {
  Ring ring(kLarge, &total_);
  auto audience = std::make_shared<const Audience>();
  Append(&ring, "one", 10, 100);
  Append(&ring, "", 11, 101);
  Append(&ring, "three", 12, 102, audience);
  EXPECT_EQ(ring.first(), 1u);
  EXPECT_EQ(ring.end(), 4u);
  EXPECT_EQ(At(ring, 1), "one");
  EXPECT_EQ(At(ring, 2), "");
  EXPECT_EQ(At(ring, 3), "three");
  EXPECT_EQ(ring.at(1).stamp, 100u);
  EXPECT_EQ(ring.at(3).time_us, 12);
  EXPECT_EQ(ring.at(1).audience, nullptr);
  EXPECT_EQ(ring.at(3).audience, audience);
}

TEST_F(RingTest, NeighboursStandNextToEachOther) {
  Ring ring(kLarge, &total_);
  for (int i = 0; i < 10; ++i) Append(&ring, "0123456789");
  for (uint64_t sequence = 2; sequence < ring.end(); ++sequence) {
    EXPECT_EQ(Ring::data(ring.at(sequence)), Ring::data(ring.at(sequence - 1)) + 10);
  }
}

TEST_F(RingTest, BytesOfManySizesStayAsTheyWere) {
  Ring ring(kLarge, &total_);
  for (size_t i = 0; i < 300; ++i) Append(&ring, std::string((i * 977) % 200'000, static_cast<char>('a' + i % 26)));
  for (size_t i = 0; i < 300; ++i) {
    EXPECT_EQ(At(ring, i + 1), std::string((i * 977) % 200'000, static_cast<char>('a' + i % 26)));
  }
}

TEST_F(RingTest, IsBoundedInMessages) {
  Ring ring({1 << 30, 3, 1'000'000'000}, &total_);
  for (int i = 1; i <= 3; ++i) Append(&ring, std::to_string(i));
  ring.Trim(0);
  EXPECT_EQ(ring.first(), 1u);
  Append(&ring, "4");
  ring.Trim(0);
  EXPECT_EQ(ring.first(), 2u);
  EXPECT_EQ(At(ring, 2), "2");
  EXPECT_EQ(At(ring, 4), "4");
}

TEST_F(RingTest, IsBoundedInBytesWithItsBookkeeping) {
  Ring ring({10'000, 1'000'000, 1'000'000'000}, &total_);
  for (int i = 0; i < 1000; ++i) {
    Append(&ring, "0123456789");
    ring.Trim(0);
    EXPECT_LE(ring.bytes(), 10'000u);
  }
  const uint64_t held = ring.end() - ring.first();
  EXPECT_GT(held, 50u);
  EXPECT_LT(held, 10'000u / (10 + sizeof(Record)));
}

TEST_F(RingTest, AudiencesCountAsBytes) {
  Ring ring(kLarge, &total_);
  Append(&ring, "x");
  const uint64_t plain = ring.bytes();
  auto audience = std::make_shared<Audience>();
  audience->targets.resize(100);
  Append(&ring, "x", 0, 0, audience);
  EXPECT_GE(ring.bytes() - 2 * plain, 800u);
}

TEST_F(RingTest, IsBoundedInAge) {
  Ring ring({1 << 30, 1'000'000, 100}, &total_);
  Append(&ring, "1", 1000);
  Append(&ring, "2", 1050);
  ring.Trim(1100);
  EXPECT_EQ(ring.first(), 1u) << "as old as allowed";
  ring.Trim(1101);
  EXPECT_EQ(ring.first(), 2u);
  ring.Trim(2000);
  EXPECT_EQ(ring.first(), 3u);
  EXPECT_EQ(ring.end(), 3u);
  EXPECT_EQ(ring.bytes(), 0u);
  Append(&ring, "3", 2000);
  EXPECT_EQ(At(ring, 3), "3");
}

TEST_F(RingTest, NewestStaysHoweverLargeItIs) {
  Ring ring({100, 1'000'000, 1'000'000'000}, &total_);
  Append(&ring, "small");
  Append(&ring, std::string(1000, 'x'));
  ring.Trim(0);
  EXPECT_EQ(ring.first(), 2u);
  EXPECT_EQ(At(ring, 2), std::string(1000, 'x'));
}

TEST_F(RingTest, TotalIsBoundedByWhoAppends) {
  RingTotal total(10'000);
  Ring first(kLarge, &total);
  Ring second(kLarge, &total);
  for (int i = 0; i < 50; ++i) Append(&first, "0123456789");
  first.Trim(0);
  EXPECT_EQ(first.first(), 1u);
  const uint64_t of_first = first.bytes();
  for (int i = 0; i < 1000; ++i) {
    Append(&second, "0123456789");
    second.Trim(0);
  }
  EXPECT_EQ(first.first(), 1u);
  EXPECT_EQ(first.bytes(), of_first);
  EXPECT_LE(total.bytes.load(), 10'000u);
  EXPECT_GT(second.first(), 900u);
}

TEST_F(RingTest, TotalIsWhatAllHoldAndNothingInTheEnd) {
  {
    Ring first(kLarge, &total_);
    Ring second({1 << 30, 10, 1'000'000'000}, &total_);
    for (int i = 0; i < 100; ++i) {
      Append(&first, std::string(i, 'x'));
      Append(&second, std::string(i, 'x'));
      first.Trim(0);
      second.Trim(0);
      EXPECT_EQ(total_.bytes.load(), first.bytes() + second.bytes());
    }
  }
  EXPECT_EQ(total_.bytes.load(), 0u);
}

TEST_F(RingTest, BytesThatWereHandedOutOutliveTheRing) {
  std::vector<ByteRange> ranges;
  {
    Ring ring({1 << 30, 2, 1'000'000'000}, &total_);
    for (int i = 0; i < 1000; ++i) {
      Append(&ring, "message " + std::to_string(i));
      const Record& record = ring.at(ring.end() - 1);
      record.chunk->Ref();
      ranges.push_back({ChunkRef::Adopt(record.chunk), record.offset, record.length});
      ring.Trim(0);
    }
  }
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(std::string(ranges[i].data(), ranges[i].length), "message " + std::to_string(i));
  }
}

}  // namespace
}  // namespace nmq::log
