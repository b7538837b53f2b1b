#include "server/queue/lane.h"

#include <thread>

#include "absl/time/clock.h"
#include "base/mutex.h"
#include "gtest/gtest.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

// A thread that serves a lane only when it is woken, like a loop that has nothing else to do.
class Server {
 public:
  explicit Server(Listener* listener, Lane* lane) : listener_(listener), lane_(lane) {
    lane->set_wake([this] {
      MutexLock lock(&mu_);
      woken_ = true;
      changed_.SignalAll();
    });
    thread_ = std::thread([this] { Run(); });
  }
  ~Server() {
    {
      MutexLock lock(&mu_);
      stop_ = true;
      changed_.SignalAll();
    }
    thread_.join();
  }

  // Whether `count` messages come in time.
  bool WaitFor(size_t count) {
    const absl::Time end = absl::Now() + absl::Seconds(20);
    MutexLock lock(&mu_);
    while (heard_ < count) {
      if (absl::Now() > end) return false;
      changed_.WaitWithTimeout(&mu_, absl::Seconds(1));
    }
    return true;
  }

 private:
  void Run() {
    while (true) {
      {
        MutexLock lock(&mu_);
        while (!woken_ && !stop_) changed_.Wait(&mu_);
        if (stop_) return;
        woken_ = false;
      }
      TakeTurn(lane_);
      const size_t count = listener_->HearAll().messages.size();
      MutexLock lock(&mu_);
      heard_ += count;
      changed_.SignalAll();
    }
  }

  Listener* const listener_;
  Lane* const lane_;
  Mutex mu_;
  CondVar changed_;
  bool woken_ = false;
  bool stop_ = false;
  size_t heard_ = 0;
  std::thread thread_;
};

// A post can be taken in the turn of an earlier one, before whoever posted it gets to wake the lane.
TEST(Lane, AWakeUpInVainDoesNotSilenceTheNextOne) {
  World world;
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  Server server(listener.get(), world.lane(0));
  constexpr size_t kMessages = 30000;
  for (size_t i = 1; i <= kMessages; ++i) {
    ASSERT_TRUE(world.Publish({}).ok());
    if (i % 100 == 0) {
      ASSERT_TRUE(server.WaitFor(i)) << "stuck before message " << i;
    }
  }
}

}  // namespace
}  // namespace nmq::broker
