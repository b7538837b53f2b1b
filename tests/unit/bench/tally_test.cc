#include "tests/bench/harness/tally.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/bench/harness/payload.h"

namespace nmq::bench {
namespace {

std::string Numbered(uint64_t number) { return MakePayload({.number = number}, 32); }

TEST(Tally, MessagesMayComeInAnyOrder) {
  Tally tally(100);
  for (uint64_t number = 100; number-- > 0;) tally.Heard(Numbered(number));
  EXPECT_EQ(tally.messages(), 100u);
  EXPECT_EQ(tally.wrong(), 0u);
}

TEST(Tally, MessageHeardTwiceIsWrong) {
  Tally tally(100);
  tally.Heard(Numbered(64));
  tally.Heard(Numbered(64));
  EXPECT_EQ(tally.messages(), 1u);
  EXPECT_EQ(tally.wrong(), 1u);
}

TEST(Tally, MessageThatIsNotExpectedIsWrong) {
  Tally tally(100);
  tally.Heard(Numbered(100));
  tally.Heard(MakePayload({.publisher = 1, .number = 5}, 32));
  tally.Heard("short");
  EXPECT_EQ(tally.messages(), 0u);
  EXPECT_EQ(tally.wrong(), 3u);
}

TEST(Tally, SeveralThreadsCountEachMessageOnce) {
  Tally tally(10000);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&tally] {
      for (uint64_t number = 0; number < 10000; ++number) tally.Heard(Numbered(number));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(tally.messages(), 10000u);
  EXPECT_EQ(tally.wrong(), 30000u);
}

}  // namespace
}  // namespace nmq::bench
