#include "client/cli/stop.h"

#include <signal.h>
#include <unistd.h>

#include <thread>

#include "gtest/gtest.h"

namespace nmq {
namespace cli {
namespace {

TEST(Stop, WaitEndsAtItsTimeout) {
  Stop stop;
  EXPECT_FALSE(stop.Wait(absl::Milliseconds(1)));
}

TEST(Stop, RequestFromAnotherThreadEndsWaitForGood) {
  Stop stop;
  std::thread other([&stop] { stop.Request(); });
  EXPECT_TRUE(stop.Wait());
  EXPECT_TRUE(stop.Wait(absl::ZeroDuration()));
  other.join();
}

TEST(Stop, SignalsEndWaitAndDoNotStrikeAfterwards) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    Stop stop;
    kill(getpid(), signal);
    EXPECT_TRUE(stop.Wait());
  }
  // Had a signal been left pending, the process would be dead by now.
  SUCCEED();
}

}  // namespace
}  // namespace cli
}  // namespace nmq
