#include "base/circular_buffer.h"

#include <deque>
#include <memory>
#include <random>

#include "gtest/gtest.h"

namespace nmq::log {
namespace {

TEST(CircularBuffer, BeginsEmpty) {
  CircularBuffer<int> buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.size(), 0u);
}

TEST(CircularBuffer, IsFirstInFirstOut) {
  CircularBuffer<int> buffer;
  for (int i = 0; i < 20; ++i) buffer.push_back(i);
  EXPECT_EQ(buffer.front(), 0);
  EXPECT_EQ(buffer.back(), 19);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(buffer.front(), i);
    EXPECT_EQ(buffer[buffer.size() - 1], 19);
    buffer.pop_front();
  }
  EXPECT_TRUE(buffer.empty());
}

TEST(CircularBuffer, AgreesWithADequeWhateverComesAndGoes) {
  std::mt19937 random(7);
  CircularBuffer<int> buffer;
  std::deque<int> model;
  // It grows, then shrinks, then grows again.
  for (const int growth : {70, 30, 60, 20}) {
    for (int i = 0; i < 20000; ++i) {
      if (static_cast<int>(random() % 100) < growth || model.empty()) {
        buffer.push_back(i);
        model.push_back(i);
      } else {
        buffer.pop_front();
        model.pop_front();
      }
      ASSERT_EQ(buffer.size(), model.size());
      if (model.empty()) continue;
      ASSERT_EQ(buffer.front(), model.front());
      ASSERT_EQ(buffer.back(), model.back());
      const size_t at = random() % model.size();
      ASSERT_EQ(buffer[at], model[at]);
    }
  }
}

TEST(CircularBuffer, LetsGoOfWhatIsTakenOut) {
  CircularBuffer<std::shared_ptr<int>> buffer;
  auto held = std::make_shared<int>(1);
  for (int i = 0; i < 10; ++i) buffer.push_back(held);
  EXPECT_EQ(held.use_count(), 11);
  for (int i = 0; i < 7; ++i) buffer.pop_front();
  EXPECT_EQ(held.use_count(), 4);
}

TEST(CircularBuffer, GivesBackWhatCameLast) {
  CircularBuffer<std::shared_ptr<int>> buffer;
  auto held = std::make_shared<int>(1);
  for (int i = 0; i < 10; ++i) buffer.push_back(i < 5 ? nullptr : held);
  for (int i = 0; i < 4; ++i) buffer.pop_front();
  for (int i = 0; i < 4; ++i) buffer.pop_back();
  EXPECT_EQ(buffer.size(), 2u);
  EXPECT_EQ(buffer.front(), nullptr);
  EXPECT_EQ(buffer.back(), held);
  EXPECT_EQ(held.use_count(), 2);
  buffer.pop_back();
  buffer.pop_back();
  EXPECT_TRUE(buffer.empty());
  buffer.push_back(held);
  EXPECT_EQ(buffer.front(), held);
}

TEST(CircularBuffer, HoldsWhatCanOnlyBeMoved) {
  CircularBuffer<std::unique_ptr<int>> buffer;
  for (int i = 0; i < 100; ++i) buffer.push_back(std::make_unique<int>(i));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(*buffer.front(), i);
    buffer.pop_front();
  }
}

}  // namespace
}  // namespace nmq::log
