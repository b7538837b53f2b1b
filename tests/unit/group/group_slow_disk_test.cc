// Groups whose disk takes its time, and those beside them.
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/notification.h"
#include "tests/unit/broker/harness.h"
#include "tests/unit/broker/held_reads.h"
#include "tests/unit/group/group_on_disk.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;

constexpr absl::Duration kPatience = absl::Seconds(20);

// Keeps threads of the disk where they are while it is shut. Thread-safe.
class Gate {
 public:
  void Shut() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    shut_ = true;
    come_ = false;
  }
  void Open() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    shut_ = false;
    changed_.SignalAll();
  }
  void Pass() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    come_ = true;
    changed_.SignalAll();
    while (shut_) changed_.Wait(&mu_);
  }
  // Waits until a thread has come since the gate was shut.
  void AwaitOne() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    while (!come_) changed_.Wait(&mu_);
  }

 private:
  Mutex mu_;
  CondVar changed_;
  bool shut_ ABSL_GUARDED_BY(mu_) = false;
  bool come_ ABSL_GUARDED_BY(mu_) = false;
};

// An acknowledgement on its way. Shared with the answer.
struct Said {
  Notification answered;
  absl::StatusOr<v1::AcknowledgeResponse> response;
};

class GroupSlowDisk : public GroupOnDisk {
 protected:
  GroupSlowDisk() {
    disk().OnWrite([this] { writes_.Pass(); });
    Start();
  }
  ~GroupSlowDisk() override {
    LetRead();
    writes_.Open();
    Stop();
  }

  Gate& writes() { return writes_; }

  std::unique_ptr<Listener> Enter(const std::string& queue) { return GroupOnDisk::Enter(world().Connect(), queue); }
  // A member of D has twelve messages, most of which are no longer in memory.
  std::unique_ptr<Listener> TakeTwelve() {
    auto member = Enter("D");
    for (int i = 1; i <= 12; ++i) Publish(std::to_string(i));
    heard_ = Hear(member.get());
    EXPECT_EQ(heard_.messages.size(), 12u);
    return member;
  }
  // What it has is delivered again, but the disk lets nobody read.
  std::unique_ptr<Listener> BeginToRead(std::unique_ptr<Listener> member) {
    HoldReads();
    member->Close();
    auto next = Enter("D");
    // What the turn began that has noted this.
    EXPECT_TRUE(IsNoted(*Say("D", Extended(heard_.messages.back())), /*messages=*/0));
    return next;
  }
  void HoldReads() { held_ = std::make_unique<HeldReads>(&world().storage().log()); }
  void LetRead() { held_ = nullptr; }

  std::shared_ptr<Said> Say(const std::string& queue, const v1::Acknowledgement& one) {
    auto group = world().name_space().FindGroup(queue, "g");
    EXPECT_TRUE(group.ok()) << group.status();
    v1::AcknowledgeRequest request;
    *request.add_acknowledgements() = one;
    auto said = std::make_shared<Said>();
    const absl::Status status =
        (*group)->Acknowledge(request, "nobody", [said](absl::StatusOr<v1::AcknowledgeResponse> response) {
          said->response = std::move(response);
          said->answered.Notify();
        });
    EXPECT_TRUE(status.ok()) << status;
    return said;
  }
  static v1::Acknowledgement Done(const v1::Message& message) {
    v1::Acknowledgement one;
    one.set_first(message.sequence());
    one.set_delivery(message.delivery());
    one.set_done(true);
    return one;
  }
  static v1::Acknowledgement Terminated(const v1::Message& message) {
    v1::Acknowledgement one = Done(message);
    one.set_terminate("no good");
    return one;
  }
  static v1::Acknowledgement Extended(const v1::Message& message) {
    v1::Acknowledgement one = Done(message);
    one.mutable_extend()->set_seconds(60);
    return one;
  }
  // Whether it is answered in time, and changes so many messages.
  static bool IsNoted(const Said& said, uint64_t messages = 1) {
    return said.answered.WaitForNotificationWithTimeout(kPatience) && said.response.ok() &&
           said.response->noted() == messages;
  }
  v1::GroupInfo Describe(const std::string& queue) {
    v1::GroupInfo info;
    (*world().name_space().FindGroup(queue, "g"))->Describe(&info);
    return info;
  }
  // Whether `task` ends though nobody can read. If not, reading is let go on.
  bool Passes(std::function<void()> task) {
    std::future<void> done = std::async(std::launch::async, std::move(task));
    const bool passes = done.wait_for(absl::ToChronoSeconds(kPatience)) == std::future_status::ready;
    LetRead();
    done.wait();
    return passes;
  }

  Heard heard_;  // by TakeTwelve's member

 private:
  Gate writes_;
  std::unique_ptr<HeldReads> held_;
};

TEST_F(GroupSlowDisk, AGroupThatReadsHoldsUpNoOther) {
  auto other = Enter("Other");
  Publish("other", "Other");
  const Heard heard = Hear(other.get());
  ASSERT_THAT(heard.payloads(), ElementsAre("other"));
  auto reader = BeginToRead(TakeTwelve());
  EXPECT_TRUE(IsNoted(*Say("Other", Done(heard.messages[0])))) << "the other group waits, too";
  LetRead();
  const Heard again = Hear(reader.get());
  ASSERT_EQ(again.messages.size(), 12u);
  EXPECT_EQ(again.messages[0].sequence(), 1u);
  EXPECT_EQ(again.messages[0].attempt(), 2u);
}

TEST_F(GroupSlowDisk, AGroupThatReadsNotesWhatIsAcknowledgedMeanwhile) {
  auto reader = BeginToRead(TakeTwelve());
  EXPECT_TRUE(IsNoted(*Say("D", Done(heard_.messages[0]))));
  LetRead();
  const Heard again = Hear(reader.get());
  ASSERT_EQ(again.messages.size(), 11u);
  EXPECT_EQ(again.messages[0].sequence(), 2u);
}

TEST_F(GroupSlowDisk, AGroupThatReadsWhatWaitsGoesOnWithWhatIsNew) {
  auto reader = BeginToRead(TakeTwelve());
  Publish("13");
  // The turn after this has taken in the new message.
  EXPECT_TRUE(IsNoted(*Say("D", Done(heard_.messages[0]))));
  EXPECT_TRUE(IsNoted(*Say("D", Done(heard_.messages[1]))));
  TakeTurn(world().lane(0));
  EXPECT_THAT(reader->HearAll().payloads(), ElementsAre("13"));
  LetRead();
  EXPECT_EQ(Hear(reader.get()).messages.size(), 10u);
}

TEST_F(GroupSlowDisk, AGroupThatReadsADeadMessageNotesWhatIsAcknowledgedMeanwhile) {
  const auto member = TakeTwelve();
  HoldReads();
  const auto dead = Say("D", Terminated(heard_.messages[0]));
  EXPECT_TRUE(IsNoted(*Say("D", Done(heard_.messages[1]))));
  EXPECT_FALSE(dead->answered.HasBeenNotified()) << "before the dead letter is in its queue";
  LetRead();
  EXPECT_TRUE(IsNoted(*dead));
  const auto letters = world().Listen(world().Connect(), {{"D.dead", ""}}, Earliest());
  EXPECT_THAT(letters->HearAll().payloads(), ElementsAre("1"));
}

TEST_F(GroupSlowDisk, AGroupThatSavesHoldsUpNoOther) {
  auto saver = Enter("D");
  auto other = Enter("Other");
  Publish("1");
  Publish("2", "Other");
  const Heard of_d = Hear(saver.get());
  ASSERT_THAT(of_d.payloads(), ElementsAre("1"));
  const Heard of_other = Hear(other.get());
  ASSERT_THAT(of_other.payloads(), ElementsAre("2"));
  writes().Shut();
  const auto done = Say("D", Done(of_d.messages[0]));
  writes().AwaitOne();
  EXPECT_TRUE(IsNoted(*Say("Other", Extended(of_other.messages[0])))) << "the other group waits, too";
  EXPECT_FALSE(done->answered.HasBeenNotified()) << "before it is written";
  writes().Open();
  EXPECT_TRUE(IsNoted(*done));
}

TEST_F(GroupSlowDisk, WhatWaitsForASaveIsSavedWhenAFlushReturns) {
  auto saver = Enter("D");
  Publish("1");
  Publish("2");
  const Heard heard = Hear(saver.get());
  ASSERT_THAT(heard.payloads(), ElementsAre("1", "2"));
  writes().Shut();
  const auto first = Say("D", Done(heard.messages[0]));
  writes().AwaitOne();
  const auto second = Say("D", Done(heard.messages[1]));
  std::future<void> flushed = std::async(std::launch::async, [this] { world().broker().FlushToDisk(); });
  writes().Open();
  flushed.wait();
  EXPECT_TRUE(first->answered.HasBeenNotified());
  EXPECT_TRUE(second->answered.HasBeenNotified());
  EXPECT_EQ(Describe("D").done_messages(), 2u);
}

TEST_F(GroupSlowDisk, WhatIsReadForAGroupThatWasSoughtMeanwhileIsNotDelivered) {
  auto reader = BeginToRead(TakeTwelve());
  EXPECT_TRUE(Passes([this] {
    Notification sought;
    (*world().name_space().FindGroup("D", "g"))->Seek(13, [&](const absl::Status& status) {
      EXPECT_TRUE(status.ok()) << status;
      sought.Notify();
    });
    sought.WaitForNotification();
  }));
  Publish("13");
  EXPECT_THAT(Hear(reader.get()).payloads(), ElementsAre("13"));
}

TEST_F(GroupSlowDisk, AGroupThatReadsCanBeDeleted) {
  auto reader = BeginToRead(TakeTwelve());
  EXPECT_TRUE(Passes([this] {
    const absl::Status deleted = world().name_space().DeleteGroup("D", "g");
    EXPECT_TRUE(deleted.ok()) << deleted;
  }));
  EXPECT_EQ(Hear(reader.get()).status.code(), absl::StatusCode::kNotFound);
}

TEST_F(GroupSlowDisk, WhatWasNotedBeforeAGroupWasPausedIsWrittenBefore) {
  auto saver = Enter("D");
  Publish("1");
  const Heard heard = Hear(saver.get());
  ASSERT_THAT(heard.payloads(), ElementsAre("1"));
  writes().Shut();
  const auto group = *world().name_space().FindGroup("D", "g");
  const auto done = Say("D", Done(heard.messages[0]));
  Notification paused;
  group->SetPaused(true, [&](const absl::Status& status) {
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_TRUE(done->answered.HasBeenNotified());
    paused.Notify();
  });
  writes().AwaitOne();
  writes().Open();
  paused.WaitForNotification();
  EXPECT_TRUE(IsNoted(*done));
  EXPECT_TRUE(Describe("D").paused());
}

}  // namespace
}  // namespace nmq::broker
