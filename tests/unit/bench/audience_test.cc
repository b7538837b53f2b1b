#include "tests/bench/floor/audience.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/bench/floor/shared_bytes.h"

namespace nmq::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class AudienceTest : public testing::Test {
 protected:
  // Everything, or what is of these events.
  bool Subscribe(Listener* listener, const std::vector<std::string>& events = {""}) {
    nmq::v1::SubscribeRequest request;
    for (const std::string& event : events) request.add_patterns()->set_event(event);
    return audience_.Add(request, listener);
  }

  bool Enter(Listener* listener, const std::vector<std::string>& rooms) {
    nmq::v1::SubscribeRequest request;
    for (const std::string& room : rooms) request.add_rooms(room);
    return audience_.Add(request, listener);
  }

  uint64_t Publish(const std::vector<std::string>& payloads, const std::string& event = "tick",
                   const std::string& room = "") {
    nmq::v1::PublishStreamRequest batch;
    for (const std::string& payload : payloads) {
      nmq::v1::Message* const message = batch.add_messages();
      message->set_event(event);
      message->set_payload(payload);
      if (!room.empty()) message->mutable_audience()->add_rooms(room);
    }
    return audience_.Publish(batch.ByteSizeLong(), [&](nmq::v1::PublishStreamRequest* decoded) {
      *decoded = batch;
      return true;
    });
  }

  // The payloads of the next frame.
  std::vector<std::string> Take(Listener* listener) {
    std::vector<SharedBytes> frame;
    std::vector<std::string> payloads;
    if (!audience_.TakeFrame(listener, &frame)) return payloads;
    std::string bytes;
    for (const SharedBytes& piece : frame) bytes.append(piece.data(), piece.size());
    nmq::v1::SubscribeResponse response;
    EXPECT_TRUE(response.ParseFromString(bytes));
    for (const auto& message : response.batch().messages()) payloads.push_back(message.payload());
    return payloads;
  }

  std::vector<Listener*> Ready() {
    std::vector<Listener*> ready;
    audience_.TakeReady(&ready);
    return ready;
  }

  Audience<SharedBytes> audience_;
};

TEST_F(AudienceTest, ListenerHearsLoneMessagesWithTheirOwnPayload) {
  Listener listener;
  ASSERT_TRUE(Subscribe(&listener));
  EXPECT_EQ(Publish({"one", "two"}), 2u);
  EXPECT_EQ(Publish({"six", "ten"}), 2u);
  EXPECT_THAT(Take(&listener), ElementsAre("one", "two", "six", "ten"));
  EXPECT_THAT(Take(&listener), IsEmpty());
  audience_.Remove(&listener);
}

TEST_F(AudienceTest, LargeBatchesAreAsManyMessagesOfTheirSize) {
  Listener listener;
  ASSERT_TRUE(Subscribe(&listener));
  EXPECT_EQ(Publish(std::vector<std::string>(250, "abc")), 250u);
  const std::vector<std::string> payloads = Take(&listener);
  ASSERT_EQ(payloads.size(), 250u);
  EXPECT_EQ(payloads.back().size(), 3u);
  audience_.Remove(&listener);
}

TEST_F(AudienceTest, WhatIsTooLongForAFrameComesInSeveral) {
  Listener listener;
  ASSERT_TRUE(Subscribe(&listener));
  Publish(std::vector<std::string>(1000, std::string(1000, 'x')));
  size_t heard = 0;
  int frames = 0;
  for (std::vector<std::string> payloads = Take(&listener); !payloads.empty(); payloads = Take(&listener)) {
    heard += payloads.size();
    ++frames;
  }
  EXPECT_EQ(heard, 1000u);
  EXPECT_GE(frames, 4);
  audience_.Remove(&listener);
}

TEST_F(AudienceTest, ListenerHearsNothingFromBeforeItCame) {
  Listener early, late;
  ASSERT_TRUE(Subscribe(&early));
  Publish({"one"});
  ASSERT_TRUE(Subscribe(&late));
  Publish({"two"});
  EXPECT_THAT(Take(&early), ElementsAre("one", "two"));
  EXPECT_THAT(Take(&late), ElementsAre("two"));
  audience_.Remove(&early);
  audience_.Remove(&late);
}

TEST_F(AudienceTest, EventsAndRoomsAreForTheirListenersWhoAreReadyOnce) {
  Listener a, both, room;
  ASSERT_TRUE(Subscribe(&a, {"a"}));
  ASSERT_TRUE(Subscribe(&both, {"a", "b"}));
  ASSERT_TRUE(Enter(&room, {"r"}));
  Publish({"1", "2"}, "a");
  Publish({"3"}, "b");
  Publish({"4"}, "a", "r");
  Publish({"5"}, "c");
  EXPECT_THAT(Ready(), UnorderedElementsAre(&a, &both, &room));
  EXPECT_THAT(Ready(), IsEmpty());
  EXPECT_EQ(Take(&a).size(), 2u);
  EXPECT_EQ(Take(&both).size(), 3u);
  EXPECT_EQ(Take(&room).size(), 1u);
  Publish({"6"}, "b");
  EXPECT_THAT(Ready(), ElementsAre(&both));
  for (Listener* const listener : {&a, &both, &room}) audience_.Remove(listener);
}

TEST_F(AudienceTest, ListenerThatWasRemovedIsNotReadyAndHearsNothing) {
  Listener gone, everything;
  ASSERT_TRUE(Subscribe(&gone, {"a"}));
  ASSERT_TRUE(Subscribe(&everything));
  Publish({"1"}, "a");
  audience_.Remove(&gone);
  audience_.Remove(&everything);
  EXPECT_THAT(Ready(), IsEmpty());
  EXPECT_THAT(audience_.everyone(), IsEmpty());
  EXPECT_FALSE(gone.subscribed());
  EXPECT_THAT(Take(&gone), IsEmpty());
  Publish({"2"}, "a");
  EXPECT_THAT(Ready(), IsEmpty());
}

TEST_F(AudienceTest, RequestThatWantsNothingIsRefused) {
  Listener listener;
  EXPECT_FALSE(audience_.Add({}, &listener));
  EXPECT_FALSE(listener.subscribed());
}

}  // namespace
}  // namespace nmq::bench
