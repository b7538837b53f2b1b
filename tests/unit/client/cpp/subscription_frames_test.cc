#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cpp/subscription.h"
#include "gtest/gtest.h"
#include "tests/unit/client/cpp/fake_server.h"
#include "tests/unit/client/cpp/subscription_fixture.h"

namespace nmq {
inline namespace client {
namespace {

using nmq::fake::FakeSubscribe;
using nmq::fake::kPatience;
using nmq::fake::MessagesFrame;

// What the server may put on the wire.
class SubscriptionFrames : public nmq::fake::EitherThread {};

INSTANTIATE_TEST_SUITE_P(Callbacks, SubscriptionFrames, ::testing::Range(0, 3), nmq::fake::ThreadName);

TEST_P(SubscriptionFrames, BatchMayComeInPiecesAndBesideOtherFields) {
  const auto subscription = MustSubscribe();
  const std::string bytes = MessagesFrame("DB", 3, 11, 12).SerializeAsString();
  stream_->SendBytes({bytes.substr(0, 9), bytes.substr(9)});
  stream_->SendBytes({MessagesFrame("DB", 3, 13, 13).SerializeAsString(), "\x7a\x01x"});
  for (const char* message : {"DB 3/11", "DB 3/12", "DB 3/13"}) EXPECT_EQ(heard_.Next(), message);
}

TEST_P(SubscriptionFrames, WhatIsNoFrameEndsItAfterWhatCameBefore) {
  const std::string good = MessagesFrame("DB", 3, 11, 11).batch().SerializeAsString();
  const std::string start = absl::StrCat("\x12", std::string(1, static_cast<char>(good.size() + 4)), good);
  for (const std::string& bytes : {
           start + "\x0a\x02\x0a\x05",  // a message that ends too early
           start + "\x0a\x02\x0a\xff",  // a message that is none
           start + "\x0a\x7fzu",        // a message that is longer than its batch
           start + "\x0c\x0c\x0c\x0c",  // groups that end and never began
       }) {
    const auto subscription = MustSubscribe();
    stream_->SendBytes({bytes});
    EXPECT_EQ(heard_.Next(), "DB 3/11");
    EXPECT_EQ(heard_.Next(), "ended");
    EXPECT_EQ(subscription->Wait(kPatience).code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(subscription->positions()[0].sequence(), 11u);
    EXPECT_TRUE(stream_->AwaitCancelled());
    EXPECT_EQ(reasons_.Next().code(), absl::StatusCode::kDataLoss);
  }
}

TEST_P(SubscriptionFrames, BrokenFramesOfOtherKindsEndIt) {
  for (const std::string bytes : {"\x12", "\x12\x05zu", "\x1a\x02\x0a\x05", "\x0a\x01\xff", "\x7a", "zu"}) {
    const auto subscription = MustSubscribe();
    stream_->SendBytes({bytes});
    EXPECT_EQ(subscription->Wait(kPatience).code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(heard_.Next(), "ended");
    EXPECT_TRUE(stream_->AwaitCancelled());
  }
}

TEST_P(SubscriptionFrames, BrokenFirstFrameRefusesIt) {
  server_.on_subscribe = [](FakeSubscribe* stream) { stream->SendBytes({"\x0a\x05zu"}); };
  EXPECT_EQ(Subscribe({.patterns = {{"DB", ""}}}).status().code(), absl::StatusCode::kDataLoss);
}

TEST_P(SubscriptionFrames, FrameOfAKindThatIsNotKnownIsPassedOver) {
  const auto subscription = MustSubscribe();
  stream_->SendBytes({"\x7a\x01x"});
  stream_->SendBytes({});
  stream_->Send(MessagesFrame("DB", 3, 11, 11));
  EXPECT_EQ(heard_.Next(), "DB 3/11");
}

}  // namespace
}  // namespace client
}  // namespace nmq
