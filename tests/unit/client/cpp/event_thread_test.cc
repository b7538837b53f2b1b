#include "client/cpp/event_thread.h"

#include <memory>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "base/deadline.h"
#include "gtest/gtest.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

class EventThreadTest : public ::testing::Test {
 protected:
  ~EventThreadTest() override { events_->Close(); }

  const std::shared_ptr<EventThread> events_ = EventThread::Start();
  absl::Notification done_;
};

TEST_F(EventThreadTest, RunsTasksInTheirOrderOnOneThread) {
  std::string order;
  std::thread::id thread;
  events_->Post([&] {
    order += "a";
    thread = std::this_thread::get_id();
    // What is posted by a task comes after those that wait.
    events_->Post([&] {
      order += "c";
      EXPECT_EQ(std::this_thread::get_id(), thread);
      done_.Notify();
    });
    order += "b";
  });
  ASSERT_TRUE(done_.WaitForNotificationWithTimeout(kPatience));
  EXPECT_EQ(order, "abc");
  EXPECT_NE(thread, std::this_thread::get_id());
}

TEST_F(EventThreadTest, RunsTimersInTheOrderOfTheirTimes) {
  std::string order;
  events_->Post([&] {
    const auto at = [](int milliseconds) { return Deadline::In(absl::Milliseconds(milliseconds)); };
    events_->SetTimer(at(40), [&] {
      order += "c";
      done_.Notify();
    });
    events_->SetTimer(at(20), [&] { order += "b"; });
    events_->SetTimer(Deadline::Over(), [&] { order += "a"; });
    EXPECT_EQ(events_->SetTimer(Deadline::Never(), [&] { order += "never"; }), 0u);
  });
  ASSERT_TRUE(done_.WaitForNotificationWithTimeout(kPatience));
  EXPECT_EQ(order, "abc");
}

TEST_F(EventThreadTest, ATimerThatIsCancelledDoesNotRun) {
  bool ran = false;
  events_->Post([&] {
    EventThread::TimerId cancelled = events_->SetTimer(Deadline::In(absl::Milliseconds(20)), [&ran] { ran = true; });
    // Another one that has run meanwhile changes nothing.
    events_->SetTimer(Deadline::Over(), [this, cancelled]() mutable { events_->CancelTimer(&cancelled); });
    events_->SetTimer(Deadline::In(absl::Milliseconds(60)), [this] { done_.Notify(); });
  });
  ASSERT_TRUE(done_.WaitForNotificationWithTimeout(kPatience));
  EXPECT_FALSE(ran);
}

TEST(EventThread, DropsWhatIsPostedAfterItsEnd) {
  const std::shared_ptr<EventThread> events = EventThread::Start();
  events->Close();
  const auto kept = std::make_shared<int>(0);
  events->Post([kept] { ADD_FAILURE() << "ran"; });
  EXPECT_EQ(kept.use_count(), 1);
}

TEST(EventThread, MayBeClosedByOneOfItsTasks) {
  absl::Notification closed;
  const std::shared_ptr<EventThread> events = EventThread::Start();
  events->Post([&] {
    events->Close();
    closed.Notify();
  });
  EXPECT_TRUE(closed.WaitForNotificationWithTimeout(kPatience));
}

}  // namespace
}  // namespace internal
}  // namespace client
}  // namespace nmq
