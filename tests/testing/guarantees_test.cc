// Each checker passes a history that keeps its promise, and sees one that does not.
#include "tests/testing/guarantees.h"

#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A history of one queue, told briefly.
class Tale {
 public:
  explicit Tale(Mode mode = Mode::kDurable) : mode_(mode) {}

  Tale& Add(EventKind kind, const std::function<void(Event*)>& fill = nullptr) {
    Event event;
    event.kind = kind;
    event.mode = mode_;
    event.queue = "q";
    event.epoch = epoch;
    event.time_us = time_us;
    if (fill != nullptr) fill(&event);
    history_.Record(std::move(event));
    return *this;
  }
  Tale& Invoke(const std::string& token, std::vector<std::string> rooms = {}, const std::string& request_id = "",
               const std::string& batch = "") {
    return Add(EventKind::kPublishInvoked, [&](Event* event) {
      event->token = token;
      event->rooms = rooms;
      event->request_id = request_id;
      event->batch = batch;
    });
  }
  Tale& Answer(const std::string& token, uint64_t sequence) {
    return Add(EventKind::kPublishAcknowledged, [&](Event* event) {
      event->token = token;
      event->sequence = sequence;
      event->id = absl::StrCat("id", sequence);
    });
  }
  Tale& Publish(const std::string& token, uint64_t sequence, std::vector<std::string> rooms = {}) {
    return Invoke(token, std::move(rooms)).Answer(token, sequence);
  }
  Tale& Subscribe(const std::string& name, const std::function<void(Event*)>& fill = nullptr) {
    Add(EventKind::kSubscribing, [&](Event* event) {
      event->name = name;
      event->client = absl::StrCat("client of ", name);
      if (fill != nullptr) fill(event);
    });
    return Add(EventKind::kSubscribed, [&](Event* event) { event->name = name; });
  }
  Tale& Replay(const std::string& name) {
    return Subscribe(name, [](Event* event) { event->replay = true; });
  }
  Tale& Group(const std::string& name, std::vector<std::string> rooms = {}) {
    return Subscribe(name, [&](Event* event) {
      event->group = "g";
      event->rooms = rooms;
    });
  }
  Tale& Hear(const std::string& name, const std::string& token, uint64_t sequence, uint32_t attempt = 0) {
    return Add(EventKind::kDelivered, [&](Event* event) {
      event->name = name;
      event->token = token;
      event->sequence = sequence;
      event->id = absl::StrCat("id", sequence);
      event->attempt = attempt;
    });
  }
  Tale& Gap(const std::string& name, uint64_t first, uint64_t last, uint64_t count) {
    return Add(EventKind::kGap, [&](Event* event) {
      event->name = name;
      event->sequence = first;
      event->last = last;
      event->count = count;
    });
  }
  Tale& CaughtUp(const std::string& name) {
    return Add(EventKind::kCaughtUp, [&](Event* event) { event->name = name; });
  }
  Tale& Room(EventKind kind, const std::string& name) {
    return Add(kind, [&](Event* event) {
      event->client = absl::StrCat("client of ", name);
      event->rooms = {"room"};
    });
  }
  Tale& Settle(EventKind kind, uint64_t sequence) {
    return Add(kind, [&](Event* event) {
      event->group = "g";
      event->sequence = sequence;
    });
  }
  Tale& Restart(EventKind how = EventKind::kRestarted) { return Add(EventKind::kKilling).Add(how); }

  std::vector<Event> events() const { return history_.events(); }

  uint64_t epoch = 1;
  int64_t time_us = 0;

 private:
  const Mode mode_;
  History history_;
};

TEST(Durable, AcknowledgedIsThereAfterPowerLoss) {
  Tale tale;
  tale.Publish("a", 1).Publish("b", 2).Restart(EventKind::kPowerLost).Replay("r").Hear("r", "a", 1).CaughtUp("r");
  EXPECT_THAT(Durable(tale.events()), ElementsAre(HasSubstr("message b (q 1/2) is lost")));
}

TEST(Durable, WhatRetentionTookIsToldByAGap) {
  Tale tale;
  tale.Publish("a", 1).Restart().Replay("r").Gap("r", 1, 1, 1).CaughtUp("r");
  EXPECT_THAT(Durable(tale.events()), IsEmpty());
}

TEST(Durable, BufferedMayLoseWithPowerAndNotWithTheProcess) {
  Tale killed(Mode::kBuffered);
  killed.Publish("a", 1).Restart().Replay("r").CaughtUp("r");
  EXPECT_THAT(Durable(killed.events()), ElementsAre(HasSubstr("is lost")));
  Tale power(Mode::kBuffered);
  power.Publish("a", 1).Restart(EventKind::kPowerLost).Replay("r").CaughtUp("r");
  EXPECT_THAT(Durable(power.events()), IsEmpty());
  Tale live(Mode::kLive);
  live.Publish("a", 1).Restart().Replay("r").CaughtUp("r");
  EXPECT_THAT(Durable(live.events()), IsEmpty());
}

TEST(Durable, NobodyReadsIsVoid) {
  Tale tale;
  tale.Publish("a", 1).Restart();
  EXPECT_THAT(Durable(tale.events()), ElementsAre(HasSubstr("void")));
}

TEST(Durable, DoneStaysDone) {
  Tale tale;
  tale.Group("m").Publish("a", 1).Hear("m", "a", 1).Settle(EventKind::kAcknowledged, 1).Restart();
  tale.Replay("r").Hear("r", "a", 1).CaughtUp("r");
  EXPECT_THAT(Durable(tale.events()), IsEmpty());
  tale.Group("n").Hear("n", "a", 1, 2);
  EXPECT_THAT(Durable(tale.events()), ElementsAre(HasSubstr("comes again after it was done")));
}

TEST(Honest, RefusedIsNeverHeardAndUnknownMayBe) {
  Tale tale;
  tale.Subscribe("s").Invoke("a").Add(EventKind::kPublishUnknown, [](Event* event) { event->token = "a"; });
  tale.Invoke("b").Add(EventKind::kPublishFailed, [](Event* event) { event->token = "b"; }).Hear("s", "a", 1);
  EXPECT_THAT(Honest(tale.events()), IsEmpty());
  tale.Hear("s", "b", 2);
  EXPECT_THAT(Honest(tale.events()), ElementsAre(HasSubstr("was refused")));
}

TEST(Honest, NothingIsHeardThatNobodyPublished) {
  Tale tale;
  tale.Subscribe("s").Hear("s", "x", 1);
  EXPECT_THAT(Honest(tale.events()), ElementsAre(HasSubstr("was published by nobody")));
}

TEST(Honest, PositionIsTheAcknowledgedOne) {
  Tale tale;
  tale.Subscribe("s").Publish("a", 1).Hear("s", "a", 2);
  EXPECT_THAT(Honest(tale.events()), ElementsAre(HasSubstr("was acknowledged as")));
}

TEST(Honest, BatchIsWholeOrNotThere) {
  Tale tale;
  tale.Invoke("a", {}, "", "b1").Invoke("b", {}, "", "b1").Invoke("c", {}, "", "b2").Restart();
  tale.Replay("r").Hear("r", "a", 1).Hear("r", "b", 2).CaughtUp("r");
  EXPECT_THAT(Honest(tale.events()), IsEmpty());
  tale.Replay("r2").Hear("r2", "a", 1).CaughtUp("r2");
  EXPECT_THAT(Honest(tale.events()), ElementsAre(HasSubstr("of the 2 messages of batch b1 1 are in r2")));
}

TEST(Ordered, SequencesRise) {
  Tale tale;
  tale.Subscribe("s").Publish("a", 1).Publish("b", 2).Hear("s", "b", 2);
  EXPECT_THAT(Ordered(tale.events()), IsEmpty());
  tale.Hear("s", "a", 1);
  EXPECT_THAT(Ordered(tale.events()), ElementsAre(HasSubstr("comes after 2")));
}

TEST(Ordered, RedeliveriesMayComeLater) {
  Tale tale;
  tale.Group("m").Publish("a", 1).Publish("b", 2).Hear("m", "b", 2).Hear("m", "a", 1, 2);
  EXPECT_THAT(Ordered(tale.events()), IsEmpty());
}

TEST(Ordered, WhatWasAnsweredFirstIsFirst) {
  Tale concurrent;
  concurrent.Invoke("a").Invoke("b").Answer("b", 2).Answer("a", 1);
  EXPECT_THAT(Ordered(concurrent.events()), IsEmpty());
  Tale tale;
  tale.Publish("a", 2).Publish("b", 1);
  EXPECT_THAT(Ordered(tale.events()), ElementsAre(HasSubstr("was published after 2")));
}

TEST(Ordered, RepetitionMayBeAnsweredForTheFirstTry) {
  Tale tale;
  tale.Invoke("a", {}, "r1").Invoke("b").Answer("b", 2).Invoke("a", {}, "r1").Answer("a", 1);
  EXPECT_THAT(Ordered(tale.events()), IsEmpty());
  tale.Invoke("c", {}, "r2").Answer("c", 1);
  EXPECT_THAT(Ordered(tale.events()), ElementsAre(HasSubstr("was published after 2")));
}

TEST(Unique, NoPositionTwice) {
  Tale tale;
  tale.Subscribe("s").Hear("s", "a", 1).Subscribe("t").Hear("t", "a", 1);
  EXPECT_THAT(Unique(tale.events()), IsEmpty());
  tale.Hear("s", "a", 1);
  EXPECT_THAT(Unique(tale.events()), ElementsAre(HasSubstr("comes twice")));
}

TEST(Unique, PositionHasOneMessage) {
  Tale tale;
  tale.Subscribe("s").Hear("s", "a", 1).Subscribe("t").Hear("t", "b", 1);
  EXPECT_THAT(Unique(tale.events()), ElementsAre(HasSubstr("has the position of a")));
}

TEST(Unique, GroupSaysThatADeliveryIsNotTheFirst) {
  Tale tale;
  tale.Group("m").Group("n").Hear("m", "a", 1).Hear("n", "a", 1, 2);
  EXPECT_THAT(Unique(tale.events()), IsEmpty());
  tale.Restart().Group("o").Hear("o", "a", 1);
  EXPECT_THAT(Unique(tale.events()), IsEmpty()) << "the delivery may not have been written";
  tale.Group("p").Hear("p", "a", 1);
  EXPECT_THAT(Unique(tale.events()), ElementsAre(HasSubstr("as if for the first time")));
}

TEST(Reliable, NothingIsLeftOutWithoutAGap) {
  Tale tale;
  tale.Publish("z", 1).Subscribe("s").Publish("a", 2).Publish("b", 3).Publish("c", 4).Publish("d", 5);
  tale.Gap("s", 2, 2, 1).Hear("s", "b", 3);
  EXPECT_THAT(Reliable(tale.events()), IsEmpty()) << "c and d may still come";
  tale.Hear("s", "d", 5);
  EXPECT_THAT(Reliable(tale.events()), ElementsAre(HasSubstr("message c (q 1/4) is missing in s")));
}

TEST(Reliable, GapsCountWhatTheyCanHold) {
  Tale tale;
  tale.Subscribe("s").Gap("s", 1, 3, 4);
  EXPECT_THAT(Reliable(tale.events()), ElementsAre(HasSubstr("gap 1-3 of 4")));
}

TEST(Reliable, GroupSettlesEachMessage) {
  Tale tale;
  tale.Group("m").Publish("a", 1).Publish("b", 2).Publish("other's", 3, {"room"});
  tale.Settle(EventKind::kAcknowledged, 1);
  EXPECT_THAT(Reliable(tale.events()), ElementsAre(HasSubstr("message b (q 1/2) is neither done nor dead")));
  tale.Settle(EventKind::kDeadLetter, 2);
  EXPECT_THAT(Reliable(tale.events()), IsEmpty());
}

TEST(Reliable, GroupHearsItsRooms) {
  Tale tale;
  tale.Group("m", {"room"}).Publish("a", 1, {"room"});
  EXPECT_THAT(Reliable(tale.events()), ElementsAre(HasSubstr("is neither done nor dead")));
}

TEST(Reliable, MembersOfTheRoomHearIt) {
  Tale tale;
  tale.Subscribe("s").Room(EventKind::kJoining, "s").Room(EventKind::kJoined, "s");
  tale.Publish("a", 1, {"room"}).Publish("b", 2).Hear("s", "b", 2);
  EXPECT_THAT(Reliable(tale.events()), ElementsAre(HasSubstr("message a (q 1/1) is missing")));
}

TEST(Reliable, ReplayOfADurableQueueIsForThoseWhoAreMembersWhenTheyRead) {
  for (const Mode mode : {Mode::kDurable, Mode::kLive}) {
    Tale tale(mode);
    tale.Publish("a", 1, {"room"}).Room(EventKind::kJoining, "s").Room(EventKind::kJoined, "s");
    tale.Replay("s").CaughtUp("s");
    EXPECT_EQ(Reliable(tale.events()).empty(), mode == Mode::kLive);
  }
}

TEST(Resumable, GoesOnBehindItsPosition) {
  Tale tale;
  tale.Publish("a", 1).Publish("b", 2).Publish("c", 3);
  const auto resume = [](Event* event) {
    event->resume = true;
    event->epoch = 1;
    event->sequence = 1;
  };
  tale.Subscribe("s", resume).Hear("s", "b", 2).Hear("s", "c", 3);
  EXPECT_THAT(Resumable(tale.events()), IsEmpty());
  tale.Subscribe("t", resume).Hear("t", "c", 3);
  EXPECT_THAT(Resumable(tale.events()), ElementsAre(HasSubstr("message b (q 1/2) is missing in t")));
}

TEST(Resumable, NothingComesAgain) {
  Tale tale;
  tale.Publish("a", 1).Subscribe("s", [](Event* event) {
    event->resume = true;
    event->sequence = 1;
  });
  tale.Hear("s", "a", 1);
  EXPECT_THAT(Resumable(tale.events()), ElementsAre(HasSubstr("comes again after 1")));
}

TEST(Resumable, NewEpochIsTold) {
  for (const bool told : {true, false}) {
    Tale tale(Mode::kLive);
    tale.Publish("a", 1).Restart().Subscribe("s", [](Event* event) { event->resume = true; });
    tale.epoch = 2;
    if (told) tale.Gap("s", 1, 1, 1);
    tale.Publish("b", 1).Hear("s", "b", 1);
    EXPECT_EQ(Resumable(tale.events()).empty(), told);
  }
}

TEST(Isolated, NamespacesAreApart) {
  Tale tale;
  tale.Publish("a", 1).Subscribe("s", [](Event* event) { event->name_space = "other"; }).Hear("s", "a", 1);
  EXPECT_THAT(Isolated(tale.events()), ElementsAre(HasSubstr("is not for this subscriber")));
}

TEST(Isolated, RoomIsForWhoMayHaveBeenIn) {
  Tale tale(Mode::kLive);
  tale.Subscribe("s").Room(EventKind::kJoining, "s").Publish("a", 1, {"room"}).Hear("s", "a", 1);
  tale.Room(EventKind::kJoined, "s").Room(EventKind::kLeaving, "s").Publish("b", 2, {"room"}).Hear("s", "b", 2);
  EXPECT_THAT(Isolated(tale.events()), IsEmpty()) << "on the way in and out";
  tale.Room(EventKind::kLeft, "s").Publish("c", 3, {"room"}).Hear("s", "c", 3);
  EXPECT_THAT(Isolated(tale.events()), ElementsAre(HasSubstr("c at 1/3 in s is not for")));
}

TEST(Isolated, GroupHearsNoOtherRooms) {
  Tale tale;
  tale.Group("m", {"room"}).Publish("a", 1, {"room"}).Publish("b", 2, {"yard"}).Hear("m", "a", 1).Hear("m", "b", 2);
  EXPECT_THAT(Isolated(tale.events()), ElementsAre(HasSubstr("b at 1/2 in m")));
}

TEST(Idempotent, RepetitionHasTheFirstAnswer) {
  Tale tale;
  tale.Invoke("a", {}, "r1").Answer("a", 1).Restart().Invoke("a", {}, "r1").Answer("a", 1);
  EXPECT_THAT(Idempotent(tale.events()), IsEmpty());
  tale.Invoke("a", {}, "r1").Answer("a", 2);
  EXPECT_THAT(Idempotent(tale.events()), ElementsAre(HasSubstr("request r1 is")));
}

TEST(Idempotent, RepetitionIsHeardOnce) {
  Tale tale;
  tale.Invoke("a", {}, "r1").Invoke("a", {}, "r1").Answer("a", 2).Subscribe("s").Hear("s", "a", 1).Hear("s", "a", 2);
  EXPECT_THAT(Idempotent(tale.events()), ElementsAre(HasSubstr("was taken twice")));
}

TEST(Bounded, NothingIsAboveItsBound) {
  Tale tale;
  const auto measure = [&tale](uint64_t value) {
    tale.Add(EventKind::kMeasured, [&](Event* event) {
      event->name = "memory";
      event->value = value;
      event->bound = 10;
    });
  };
  measure(10);
  EXPECT_THAT(Bounded(tale.events()), IsEmpty());
  measure(11);
  EXPECT_THAT(Bounded(tale.events()), ElementsAre("memory is 11, above 10"));
}

TEST(Live, PublishesSucceedSoonAfterTheLastFault) {
  Tale tale;
  tale.Publish("a", 1).Add(EventKind::kHealed);
  EXPECT_THAT(Live(tale.events()), ElementsAre(HasSubstr("within 10 s")));
  tale.time_us = kLiveWithinUs + 1;
  tale.Publish("b", 2);
  EXPECT_THAT(Live(tale.events()), ElementsAre(HasSubstr("within 10 s")));
  tale.time_us = kLiveWithinUs;
  tale.Publish("c", 3);
  EXPECT_THAT(Live(tale.events()), IsEmpty());
}

TEST(History, SeveralThreadsRecord) {
  History history;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&history] {
      for (int n = 0; n < 1000; ++n) history.Record(Event());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(history.events().size(), 4000u);
  EXPECT_THAT(history.ToString(), HasSubstr("healed"));
}

}  // namespace
}  // namespace nmq
