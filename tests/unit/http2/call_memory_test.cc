#include <malloc.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/http2/call.h"
#include "tests/unit/http2/call_fixture.h"

namespace nmq::http2 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(CallTest, ThatOnlyAnswersTakesLittleMemory) {
  constexpr int kCalls = 100;
  constexpr size_t kBytesMax = 1000;  // nghttp2's, and those of the test's handlers, are half of it
  peer_->set_reads(false);
  host_.handlers.reserve(kCalls);
  const size_t before = mallinfo2().uordblks;  // nothing under a sanitizer, whose heap is another
  for (int i = 0; i < kCalls; ++i) {
    const int32_t stream = 1 + 2 * i;
    ASSERT_TRUE(peer_->Request(stream, false));
    NotingHandler& handler = *host_.handlers.back();
    handler.ReadRequest();
    ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_DATA, i % 2 == 0 ? NGHTTP2_FLAG_END_STREAM : 0, stream, Prefixed("all"))));
    if (i % 2 != 0) ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, stream, "")));
    ASSERT_THAT(handler.messages, ElementsAre("all"));
    handler.Write(40);
    host_.Turn();
    ASSERT_THAT(handler.written, ElementsAre(true));
  }
  EXPECT_LT((mallinfo2().uordblks - before) / kCalls, kBytesMax);
}

TEST_F(CallTest, LargeHeadersAreHeldUntilTheFirstMessageHasBeenHandled) {
  NotingHandler& handler = Begin({{"x-large", std::string(10'000, 'x')}});
  EXPECT_GT(host_.held, 9'000);
  EXPECT_EQ(handler.exchange->Metadata("x-large")->size(), 10'000u);
  handler.Read();
  Say(Prefixed("one"));
  EXPECT_THAT(handler.messages, ElementsAre("one"));
  EXPECT_EQ(host_.held, 0);
}

TEST_F(CallTest, LargeHeadersOfACallThatEndsAreNotHeld) {
  NotingHandler& handler = Begin({{"x-large", std::string(10'000, 'x')}});
  ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_RST_STREAM, 0, 1, BigEndian(NGHTTP2_CANCEL))));
  peer_->Receive();
  EXPECT_TRUE(handler.cancelled);
  EXPECT_EQ(host_.held, 0);
}

TEST_F(CallTest, ConnectionThatEndsForMemoryLetsGoOfItAtOnce) {
  NotingHandler& handler = Begin();
  Say(Prefixed(std::string(10'000, 'x')).substr(0, 9'000));
  EXPECT_EQ(host_.held, 9'000);
  host_.connection()->EndForMemory();
  host_.Turn();
  EXPECT_TRUE(host_.over);
  EXPECT_EQ(host_.held, 0);
  EXPECT_TRUE(handler.cancelled);
  peer_->Receive();
  EXPECT_EQ(peer_->goaway(), NGHTTP2_ENHANCE_YOUR_CALM);
}

TEST_F(CallTest, ConnectionWhoseHeadersTakeMoreThanItMayHoldEnds) {
  host_.limits.held_bytes = 1 << 20;
  Fields fields = GrpcRequest();
  fields.push_back({"x-large", std::string(50'000, 'x')});
  for (int32_t i = 1; i < 100 && host_.abuses.empty(); i += 2) {
    if (!peer_->Request(i, false, fields)) break;
  }
  peer_->Receive();
  EXPECT_EQ(peer_->goaway(), NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_THAT(host_.abuses, ElementsAre("too much of requests that nobody takes yet"));
}

TEST_F(CallTest, WhatNobodyReadsStaysWithTheCallerButForAWindow) {
  NotingHandler& handler = Begin();
  std::string sent;
  for (int i = 0; i < 15; ++i) sent += Prefixed(std::string(995, static_cast<char>('a' + i)));
  for (int i = 0; i < 3; ++i) Say(sent.substr(i * 5'000, 5'000));
  EXPECT_TRUE(peer_->Of(NGHTTP2_WINDOW_UPDATE, 1).empty());
  EXPECT_EQ(host_.held, 15'000);
  for (int i = 0; i < 14; ++i) {
    handler.Read();
    peer_->Receive();
  }
  EXPECT_EQ(handler.messages.size(), 14u);
  EXPECT_FALSE(peer_->Of(NGHTTP2_WINDOW_UPDATE, 1).empty());
  EXPECT_LE(host_.held, 2'000);
}

TEST_F(CallTest, MessageForWhichThereIsNoRoomStaysWithTheCallerButForAWindow) {
  NotingHandler& handler = Begin();
  handler.has_room = false;
  handler.Read();
  const std::string sent = Prefixed(std::string(100'000, 'x'));
  Say(sent.substr(0, 16'000));
  EXPECT_THAT(handler.sizes, ElementsAre(100'000));
  EXPECT_THAT(handler.messages, IsEmpty());
  EXPECT_EQ(Opened(1), 0);
  EXPECT_EQ(host_.held, 15'995);

  // Then the window is opened for all that is missing of it, at once.
  handler.Read();
  peer_->Receive();
  EXPECT_EQ(host_.held, 0);
  EXPECT_GE(Opened(1) + 16'384, 100'005);
  EXPECT_LE(Opened(1), 100'005 + 16'384);
  for (size_t at = 16'000; at < sent.size(); at += 14'000) Say(sent.substr(at, 14'000));
  EXPECT_THAT(handler.messages, ElementsAre(sent.substr(5)));
  EXPECT_THAT(handler.sizes, ElementsAre(100'000));

  // And for nothing else.
  EXPECT_LE(Opened(1), 100'005);
  Say(std::string(8'000, 0));
  EXPECT_EQ(peer_->reset(1), -1);
  Say(std::string(8'400, 0));
  EXPECT_EQ(peer_->reset(1), NGHTTP2_FLOW_CONTROL_ERROR);
}

TEST_F(CallTest, LargeMessagesOfAPeerThatKeepsToItsWindowAllArrive) {
  NotingHandler& handler = Begin();
  handler.reads_on = true;
  handler.Read();
  std::string sent;
  for (const size_t size : {100'000, 10, 300'000, 200'000, 16'379, 500'000}) sent += Prefixed(std::string(size, 'x'));
  for (size_t at = 0; at < sent.size();) {
    const auto part = std::min<int64_t>(16'384 + Opened(1) - static_cast<int64_t>(at), 16'384);
    ASSERT_GT(part, 0) << at;
    Say(sent.substr(at, static_cast<size_t>(part)));
    at += static_cast<size_t>(part);
  }
  EXPECT_EQ(handler.messages.size(), 6u);
}

TEST_F(CallTest, ConnectionReceivesItsShareOfLargeMessagesAtOnceAndTheOthersWait) {
  const std::string large = Prefixed(std::string(600'000, 'x'));
  for (int32_t i = 1; i < 7; i += 2) {
    ASSERT_TRUE(peer_->Request(i, false));
    host_.handlers.back()->Read();
    ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_DATA, 0, i, large.substr(0, 1'000))));
  }
  // A message that is there in one piece needs none.
  ASSERT_TRUE(peer_->Request(7, false));
  host_.handlers.back()->Read();
  ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_DATA, 0, 7, Prefixed("small"))));
  peer_->Receive();
  EXPECT_THAT(host_.handlers[0]->sizes, ElementsAre(600'000));
  EXPECT_THAT(host_.handlers[1]->sizes, IsEmpty());
  EXPECT_THAT(host_.handlers[2]->sizes, IsEmpty());
  EXPECT_THAT(host_.handlers[3]->messages, ElementsAre("small"));
  EXPECT_EQ(Opened(3), 0);

  // Those that end leave their place, whether it is in the line or they receive.
  ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_RST_STREAM, 0, 3, BigEndian(NGHTTP2_CANCEL))));
  EXPECT_THAT(host_.handlers[2]->sizes, IsEmpty());
  for (size_t at = 1'000; at < large.size(); at += 14'000) {
    ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_DATA, 0, 1, large.substr(at, 14'000))));
  }
  peer_->Receive();
  EXPECT_EQ(host_.handlers[0]->messages.size(), 1u);
  EXPECT_THAT(host_.handlers[2]->sizes, ElementsAre(600'000));
}

TEST_F(CallTest, PublisherOfManyMessagesHasAWiderWindowUntilItEnds) {
  NotingHandler& handler = Begin();
  handler.reads_on = true;
  handler.Read();
  const int64_t before = host_.pool.free();
  Say(Prefixed("one"));
  EXPECT_EQ(host_.pool.free(), before);
  Say(Prefixed("two"));
  EXPECT_EQ(before - host_.pool.free(), 1 << 20);
  EXPECT_GE(Opened(1), 1 << 20);
  Say("", /*end=*/true);
  EXPECT_EQ(host_.pool.free(), before);
}

TEST_F(CallTest, WiderWindowsOfAConnectionAreBoundedTogether) {
  for (int32_t i = 1; i < 199; i += 2) {
    ASSERT_TRUE(peer_->Request(i, false));
    host_.handlers.back()->reads_on = true;
    host_.handlers.back()->Read();
    ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_DATA, 0, i, Prefixed("one") + Prefixed("two"))));
  }
  peer_->Receive();
  int64_t wide = 0;
  for (int32_t i = 1; i < 199; i += 2) wide += Opened(i);
  EXPECT_LE(wide, host_.limits.wide_bytes + 99 * host_.limits.window_bytes);
  EXPECT_GE(wide, host_.limits.wide_bytes / 2);
}

TEST_F(CallTest, ConnectionThatHoldsMoreThanItMayEnds) {
  host_.limits.held_bytes = 1 << 20;
  const std::string part = Prefixed(std::string(900'000, 'x')).substr(0, 16'000);
  for (int32_t i = 1; i < 200; i += 2) {
    ASSERT_TRUE(peer_->Request(i, false));
    if (!peer_->Send(ToBytes(NGHTTP2_DATA, 0, i, part)) || host_.over) break;
    EXPECT_LE(host_.held, (1 << 20) + 16'000);
    if (!host_.abuses.empty()) break;
  }
  peer_->Receive();
  EXPECT_EQ(peer_->goaway(), NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_THAT(host_.abuses, ElementsAre("too much of requests that nobody takes yet"));
}

}  // namespace
}  // namespace nmq::http2
