#include "server/group/errands.h"

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "gtest/gtest.h"

namespace nmq::broker {
namespace {

TEST(Errands, NobodyWaitsIfNoneIsUnderWay) {
  Errands errands;
  errands.Await();
  { const Errands::Errand one = errands.Begin(); }
  errands.Await();
}

TEST(Errands, WhatHasBegunIsAwaitedAlsoIfItIsHandedOn) {
  Errands errands;
  std::optional<Errands::Errand> one;
  {
    Errands::Errand first = errands.Begin();
    one.emplace(std::move(first));
  }
  std::atomic<bool> ended = false;
  std::thread thread([&] {
    ended = true;
    one.reset();
  });
  errands.Await();
  EXPECT_TRUE(ended);
  thread.join();
}

TEST(Errands, WhatBeginsLaterIsNotAwaited) {
  Errands errands;
  std::atomic<bool> stop = false;
  std::promise<void> begun;
  std::thread thread([&] {
    // There is always one under way.
    std::optional<Errands::Errand> one = errands.Begin();
    begun.set_value();
    while (!stop) {
      Errands::Errand next = errands.Begin();
      one.emplace(std::move(next));
    }
  });
  begun.get_future().wait();
  errands.Await();
  stop = true;
  thread.join();
}

TEST(Errands, OneMayEndAfterAllOfThem) {
  auto errands = std::make_unique<Errands>();
  const Errands::Errand late = errands->Begin();
  errands = nullptr;
}

TEST(Errands, NobodyWaitsAfterStop) {
  Errands errands;
  const Errands::Errand one = errands.Begin();
  std::future<void> awaited = std::async(std::launch::async, [&] { errands.Await(); });
  errands.Stop();
  awaited.wait();
}

}  // namespace
}  // namespace nmq::broker
