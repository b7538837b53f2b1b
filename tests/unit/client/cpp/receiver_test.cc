#include "client/cpp/receiver.h"

#include <atomic>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "base/deadline.h"
#include "base/grpc_deadline.h"
#include "grpcpp/alarm.h"
#include "gtest/gtest.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

// Something that waits for operations of its own.
class Party {
 public:
  explicit Party(std::shared_ptr<Receiver> receiver) : receiver_(std::move(receiver)) {}

  // Starts an operation that is over after `delay`.
  void Begin(absl::Duration delay = absl::ZeroDuration()) {
    alarm_.Set(receiver_->queue(), ToGrpc(Deadline::In(delay)), &tag_);
  }

  void Await(int operations) {
    while (over_ < operations) receiver_->Wait(&waiter_, Deadline::Never());
  }

  void AwaitUntil(Deadline deadline) { receiver_->Wait(&waiter_, deadline); }

  int over() const { return over_; }

 private:
  const std::shared_ptr<Receiver> receiver_;
  Receiver::Waiter waiter_;
  std::atomic<int> over_ = 0;
  Receiver::Tag tag_ = [this](bool) {
    ++over_;
    receiver_->Notify(&waiter_);
  };
  grpc::Alarm alarm_;
};

TEST(Receiver, IsOneAsLongAsSomebodyHoldsIt) {
  const std::shared_ptr<Receiver> first = Receiver::Shared();
  EXPECT_EQ(Receiver::Shared(), first);
}

TEST(Receiver, IsMadeAnewAfterTheLastOneLetGo) {
  for (int i = 0; i < 3; ++i) {
    Party party(Receiver::Shared());
    party.Begin();
    party.Await(1);
  }
  EXPECT_EQ(Receiver::Shared().use_count(), 1);
}

TEST(Receiver, OneThreadAlonePollsForItself) {
  Party party(Receiver::Shared());
  for (int i = 1; i <= 100; ++i) {
    party.Begin();
    party.Await(i);
  }
  EXPECT_EQ(party.over(), 100);
}

TEST(Receiver, GivesUpAtTheDeadline) {
  Party party(Receiver::Shared());
  const Deadline deadline = Deadline::In(absl::Milliseconds(20));
  party.AwaitUntil(deadline);
  EXPECT_TRUE(deadline.IsOver());
  party.AwaitUntil(Deadline::Over());
  EXPECT_EQ(party.over(), 0);
}

TEST(Receiver, AnotherPollsWhenTheOneThatPolledIsThrough) {
  Party first(Receiver::Shared());
  Party second(Receiver::Shared());
  std::thread other([&] { second.Await(1); });
  first.Begin();
  first.Await(1);
  // From here on only the other thread may poll.
  second.Begin();
  other.join();
  EXPECT_EQ(second.over(), 1);
}

TEST(Receiver, AnotherPollsWhenTheOneThatPolledGaveUp) {
  Party first(Receiver::Shared());
  Party second(Receiver::Shared());
  std::thread giving_up([&] { first.AwaitUntil(Deadline::In(absl::Milliseconds(20))); });
  std::thread staying([&] { second.Await(1); });
  giving_up.join();
  second.Begin();
  staying.join();
  EXPECT_EQ(first.over(), 0);
}

TEST(Receiver, ManyThreadsEachHearTheirOwn) {
  const std::shared_ptr<Receiver> receiver = Receiver::Shared();
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      Party party(receiver);
      for (int operation = 1; operation <= 500; ++operation) {
        party.Begin(absl::Microseconds(operation % 7 * 100));
        party.Await(operation);
        ASSERT_EQ(party.over(), operation);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace internal
}  // namespace client
}  // namespace nmq
