#include "server/http2/poller.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"

namespace nmq::http2 {
namespace {

constexpr int kLongMs = 60'000;

// Two connected sockets that do not block: ours is watched, the peer's is not.
class Pair {
 public:
  Pair() {
    int sockets[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
    ours_ = sockets[0];
    peers_ = sockets[1];
  }
  ~Pair() {
    CloseOurs();
    ClosePeers();
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  int ours() const { return ours_; }
  void Say() const { EXPECT_EQ(write(peers_, "x", 1), 1); }
  void Hear() const {
    char byte;
    EXPECT_EQ(read(ours_, &byte, 1), 1);
  }
  // Writes until the peer's room is full.
  void Fill() const {
    const std::string much(1 << 20, 'x');
    while (write(ours_, much.data(), much.size()) > 0) continue;
  }
  void Empty() const {
    std::string much(1 << 20, 'x');
    while (read(peers_, much.data(), much.size()) > 0) continue;
  }
  void CloseOurs() {
    if (ours_ >= 0) close(ours_);
    ours_ = -1;
  }
  void ClosePeers() {
    if (peers_ >= 0) close(peers_);
    peers_ = -1;
  }

 private:
  int ours_ = -1;
  int peers_ = -1;
};

class PollerTest : public testing::Test {
 protected:
  PollerTest() { EXPECT_TRUE(poller_.ok()); }

  // What has come by now for `owner`.
  uint32_t Come(const Pair& owner) { return In(poller_.Wait(0), owner); }
  // The same of the first that comes.
  uint32_t WaitFor(const Pair& owner) { return In(poller_.Wait(kLongMs), owner); }

  Poller poller_;

 private:
  static uint32_t In(absl::Span<const Poller::Event> events, const Pair& owner) {
    uint32_t what = 0;
    for (const Poller::Event& event : events) {
      if (event.owner == &owner) what |= event.what;
    }
    return what;
  }
};

TEST_F(PollerTest, WhatCanBeReadComesUntilItIsRead) {
  Pair pair;
  const Poller::Watch watch(&poller_, pair.ours(), &pair);
  ASSERT_TRUE(watch.ok());
  EXPECT_EQ(Come(pair), 0u);
  pair.Say();
  pair.Say();
  EXPECT_EQ(WaitFor(pair), Poller::kReadable);
  EXPECT_EQ(WaitFor(pair), Poller::kReadable);
  pair.Hear();
  EXPECT_EQ(WaitFor(pair), Poller::kReadable);
  pair.Hear();
  EXPECT_EQ(Come(pair), 0u);
  pair.Say();
  EXPECT_EQ(WaitFor(pair), Poller::kReadable);
}

TEST_F(PollerTest, ThatItCanBeWrittenComesWhileItIsAwaited) {
  Pair pair;
  Poller::Watch watch(&poller_, pair.ours(), &pair);
  EXPECT_EQ(Come(pair), 0u);
  watch.Await(true, true);
  EXPECT_EQ(WaitFor(pair), Poller::kWritable);
  EXPECT_EQ(WaitFor(pair), Poller::kWritable);
  pair.Fill();
  EXPECT_EQ(Come(pair), 0u);
  pair.Empty();
  EXPECT_EQ(WaitFor(pair), Poller::kWritable);
  pair.Say();
  EXPECT_EQ(WaitFor(pair), Poller::kReadable | Poller::kWritable);
  watch.Await(true, false);
  EXPECT_EQ(WaitFor(pair), Poller::kReadable);
}

TEST_F(PollerTest, WhatCanBeReadDoesNotComeToWhomDoesNotAwaitIt) {
  Pair pair;
  Poller::Watch watch(&poller_, pair.ours(), &pair);
  watch.Await(false, false);
  pair.Say();
  EXPECT_EQ(Come(pair), 0u);
  watch.Await(false, true);
  EXPECT_EQ(WaitFor(pair), Poller::kWritable);
  watch.Await(true, false);
  EXPECT_EQ(WaitFor(pair), Poller::kReadable);
}

TEST_F(PollerTest, WhatAWaitHasToldIsNotToldAgainOnceItIsNotAwaited) {
  Pair pair;
  Poller::Watch watch(&poller_, pair.ours(), &pair);
  pair.Say();
  EXPECT_EQ(WaitFor(pair), Poller::kReadable);
  watch.Await(false, false);
  EXPECT_EQ(Come(pair), 0u);
}

TEST_F(PollerTest, ThatThePeerHasGoneComesInAnyCase) {
  Pair pair;
  Poller::Watch watch(&poller_, pair.ours(), &pair);
  watch.Await(false, false);
  pair.Say();
  EXPECT_EQ(Come(pair), 0u);
  pair.ClosePeers();
  EXPECT_EQ(WaitFor(pair), Poller::kReadable);
}

TEST_F(PollerTest, NothingComesForAWatchThatHasEnded) {
  Pair gone;
  Pair stays;
  auto watch = std::make_unique<Poller::Watch>(&poller_, gone.ours(), &gone);
  const Poller::Watch other(&poller_, stays.ours(), &stays);
  gone.Say();
  watch.reset();
  stays.Say();
  EXPECT_EQ(Come(gone), 0u);
  EXPECT_EQ(WaitFor(stays), Poller::kReadable);
}

TEST_F(PollerTest, AWatchMayEndBetweenItsEventAndTheNextWait) {
  Pair gone;
  auto watch = std::make_unique<Poller::Watch>(&poller_, gone.ours(), &gone);
  watch->Await(true, true);
  gone.Say();
  EXPECT_NE(WaitFor(gone), 0u);
  watch.reset();
  EXPECT_EQ(Come(gone), 0u);
}

TEST_F(PollerTest, ADescriptorOfTheSameNumberHasItsOwnWatch) {
  Pair before;
  auto watch = std::make_unique<Poller::Watch>(&poller_, before.ours(), &before);
  watch->Await(true, true);
  before.Say();
  watch.reset();
  const int number = before.ours();
  before.CloseOurs();
  Pair after;
  ASSERT_EQ(after.ours(), number);
  const Poller::Watch next(&poller_, after.ours(), &after);
  after.Say();
  EXPECT_EQ(Come(before), 0u);
  EXPECT_EQ(WaitFor(after), Poller::kReadable);
}

TEST_F(PollerTest, AllOfManyComeThoughNoWaitTellsMoreThanItsShare) {
  constexpr size_t kPairs = 400;
  std::vector<std::unique_ptr<Pair>> pairs;
  std::vector<std::unique_ptr<Poller::Watch>> watches;
  for (size_t i = 0; i < kPairs; ++i) {
    pairs.push_back(std::make_unique<Pair>());
    watches.push_back(std::make_unique<Poller::Watch>(&poller_, pairs.back()->ours(), pairs.back().get()));
    pairs.back()->Say();
  }
  size_t heard = 0;
  while (heard < kPairs) {
    const absl::Span<const Poller::Event> events = poller_.Wait(kLongMs);
    ASSERT_LE(events.size(), 256u);
    for (const Poller::Event& event : events) {
      static_cast<Pair*>(event.owner)->Hear();
      ++heard;
    }
  }
  EXPECT_TRUE(poller_.Wait(0).empty());
}

TEST_F(PollerTest, AnInterruptionEndsOneWait) {
  std::thread other([this] { poller_.Interrupt(); });
  // What is not asked for may end a wait, too.
  do {
    EXPECT_TRUE(poller_.Wait(kLongMs).empty());
  } while (!poller_.interrupted());
  other.join();
  poller_.Wait(0);
  EXPECT_FALSE(poller_.interrupted());
  poller_.Interrupt();
  poller_.Wait(kLongMs);
  EXPECT_TRUE(poller_.interrupted());
}

TEST_F(PollerTest, AWaitEndsWhenItsTimeIsOver) {
  Pair pair;
  const Poller::Watch watch(&poller_, pair.ours(), &pair);
  EXPECT_TRUE(poller_.Wait(5).empty());
  EXPECT_FALSE(poller_.interrupted());
}

TEST_F(PollerTest, AWatchOfNoDescriptorSaysSo) {
  Pair pair;
  const int number = pair.ours();
  pair.CloseOurs();
  Poller::Watch watch(&poller_, number, &pair);
  EXPECT_FALSE(watch.ok());
  watch.Await(true, true);
  EXPECT_EQ(Come(pair), 0u);
}

TEST(PollerWithoutDescriptors, SaysThatItIsNotOk) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  // The next descriptor would have this number.
  const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(next);
  rlimit few = before;
  few.rlim_cur = static_cast<rlim_t>(next) + 1;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  EXPECT_FALSE(Poller().ok());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(Poller().ok());
}

}  // namespace
}  // namespace nmq::http2
