#include "client/cpp/receiver.h"

#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "grpcpp/alarm.h"
#include "gtest/gtest.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

TEST(Receiver, IsOneAsLongAsSomebodyHoldsIt) {
  const std::shared_ptr<Receiver> first = Receiver::Shared();
  EXPECT_EQ(Receiver::Shared(), first);
}

TEST(Receiver, IsMadeAnewAfterTheLastOneLetGo) {
  for (int i = 0; i < 3; ++i) {
    const std::shared_ptr<Receiver> receiver = Receiver::Shared();
    EXPECT_EQ(receiver.use_count(), 1);
    absl::Notification done;
    Receiver::Tag tag = [&](bool ok) {
      EXPECT_TRUE(ok);
      done.Notify();
    };
    grpc::Alarm alarm;
    alarm.Set(receiver->queue(), absl::ToChronoTime(absl::Now()), &tag);
    done.WaitForNotification();
  }
}

TEST(Receiver, RunsTagsOnAThreadOfItsOwn) {
  const std::shared_ptr<Receiver> receiver = Receiver::Shared();
  std::thread::id thread;
  absl::Notification done;
  Receiver::Tag tag = [&](bool) {
    thread = std::this_thread::get_id();
    done.Notify();
  };
  grpc::Alarm alarm;
  alarm.Set(receiver->queue(), absl::ToChronoTime(absl::Now()), &tag);
  done.WaitForNotification();
  EXPECT_NE(thread, std::this_thread::get_id());
}

}  // namespace
}  // namespace internal
}  // namespace client
}  // namespace nmq
