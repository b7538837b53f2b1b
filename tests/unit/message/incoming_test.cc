#include "server/message/incoming.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::Message PlainMessage() {
  v1::Message message;
  message.set_queue("DB");
  message.set_event("CREATE");
  message.set_payload("payload");
  return message;
}

v1::PublishStreamRequest RequestOf(const v1::Message& message) {
  v1::PublishStreamRequest request;
  request.set_session("c-1.secret");
  request.set_namespace_("default");
  request.set_batch(300);
  *request.add_messages() = message;
  request.set_count_matches(true);
  return request;
}

class Incomings : public testing::Test {
 protected:
  // What comes of one message on its way, encoded.
  Incoming Take(const v1::Message& message) { return TakeEncoded(RequestOf(message).SerializeAsString()); }

  Incoming TakeEncoded(std::string bytes) {
    bytes_ = std::move(bytes);
    batch_ = IncomingBatch();
    const absl::Status status = ParseBatch(bytes_, &arena_, &batch_);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(batch_.messages.size(), 1u);
    Incoming incoming = batch_.messages.at(0);
    EncodeBody(&arena_, &incoming);
    return incoming;
  }

  // A request with one message of these bytes.
  static std::string WithMessage(const std::string& message) {
    return std::string("\x22") + static_cast<char>(message.size()) + message;
  }

  static v1::Message Decoded(const Incoming& incoming) {
    v1::Message message;
    EXPECT_TRUE(message.ParseFromArray(incoming.body.data(), static_cast<int>(incoming.body.size())));
    return message;
  }

  google::protobuf::Arena arena_;
  std::string bytes_;
  IncomingBatch batch_;
};

TEST_F(Incomings, PlainMessageIsItsOwnBody) {
  const Incoming incoming = Take(PlainMessage());
  EXPECT_EQ(incoming.message, nullptr);
  EXPECT_EQ(incoming.queue, "DB");
  EXPECT_EQ(incoming.event, "CREATE");
  EXPECT_EQ(incoming.payload_bytes, 7u);
  EXPECT_EQ(incoming.audience, nullptr);
  EXPECT_EQ(incoming.body, PlainMessage().SerializeAsString());
  EXPECT_GE(incoming.body.data(), bytes_.data());
  EXPECT_LT(incoming.body.data(), bytes_.data() + bytes_.size());
}

TEST_F(Incomings, EachMessageOfABatchHasItsOwnNames) {
  v1::PublishStreamRequest request;
  const std::vector<std::pair<std::string, std::string>> names = {
      {"DB", "CREATE"}, {"DB", "CREATE"}, {"DB", "CREATED"}, {"D", "BCREATE"}, {"DB", "CREATE"},
      {"DB", ""},       {"DB", "CREATE"}, {"DB", "no name"}, {"DB", "C"},      {"DBX", "C"}};
  for (const auto& [queue, event] : names) {
    v1::Message& message = *request.add_messages();
    message.set_queue(queue);
    message.set_event(event);
    message.set_payload(std::string(request.messages_size(), 'x'));
  }
  request.mutable_messages(1)->clear_payload();
  request.mutable_messages(4)->mutable_audience()->add_rooms("kitchen");
  const std::string bytes = request.SerializeAsString();
  ASSERT_TRUE(ParseBatch(bytes, &arena_, &batch_).ok());
  ASSERT_EQ(batch_.messages.size(), names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    Incoming& incoming = batch_.messages[i];
    EXPECT_EQ(incoming.queue, names[i].first);
    EXPECT_EQ(incoming.event, names[i].second);
    EncodeBody(&arena_, &incoming);
    EXPECT_EQ(incoming.body, request.messages(static_cast<int>(i)).SerializeAsString());
    EXPECT_EQ(incoming.payload_bytes, request.messages(static_cast<int>(i)).payload().size());
    EXPECT_EQ(incoming.audience != nullptr, i == 4);
  }
}

TEST_F(Incomings, RestOfTheRequestIsRead) {
  Take(PlainMessage());
  EXPECT_EQ(batch_.session, "c-1.secret");
  EXPECT_EQ(batch_.name_space, "default");
  EXPECT_EQ(batch_.number, 300u);
  EXPECT_TRUE(batch_.count_matches);
}

TEST_F(Incomings, RoomsArePlain) {
  v1::Message message = PlainMessage();
  message.mutable_audience()->add_rooms("kitchen");
  message.mutable_audience()->add_rooms("hall");
  const Incoming incoming = Take(message);
  EXPECT_EQ(incoming.message, nullptr);
  ASSERT_NE(incoming.audience, nullptr);
  EXPECT_THAT(incoming.audience->rooms(), ElementsAre("kitchen", "hall"));
  EXPECT_EQ(incoming.body, message.SerializeAsString());
}

TEST_F(Incomings, WhatOnlyRoutingNeedsIsNotInTheBody) {
  v1::Message message = PlainMessage();
  message.mutable_audience()->add_rooms("kitchen");
  message.mutable_audience()->add_except_clients("c-7");
  message.mutable_audience()->set_except_publisher(true);
  const Incoming incoming = Take(message);
  EXPECT_TRUE(incoming.audience->except_publisher());
  EXPECT_THAT(incoming.audience->except_clients(), ElementsAre("c-7"));
  const v1::Message body = Decoded(incoming);
  EXPECT_THAT(body.audience().rooms(), ElementsAre("kitchen"));
  EXPECT_EQ(body.audience().except_clients_size(), 0);
  EXPECT_FALSE(body.audience().except_publisher());
}

TEST_F(Incomings, FieldsOfTheServerAreTakenOut) {
  v1::Message message = PlainMessage();
  message.set_id("forged");
  message.set_epoch(7);
  message.set_sequence(8);
  message.mutable_publish_time()->set_seconds(9);
  message.set_publisher("somebody else");
  message.set_reply_to("forged");
  EXPECT_EQ(Take(message).body, PlainMessage().SerializeAsString());
}

TEST_F(Incomings, HeadersKeyAndContentTypeStay) {
  v1::Message message = PlainMessage();
  (*message.mutable_headers())["trace"] = "1";
  message.set_key("17");
  message.set_content_type("text/plain");
  const v1::Message body = Decoded(Take(message));
  EXPECT_EQ(body.headers().at("trace"), "1");
  EXPECT_EQ(body.key(), "17");
  EXPECT_EQ(body.content_type(), "text/plain");
}

TEST_F(Incomings, UnknownFieldsAreTakenOut) {
  const std::string known = PlainMessage().SerializeAsString();
  EXPECT_EQ(TakeEncoded(WithMessage(known + "\xa2\x06\x01z")).body, known);
}

TEST_F(Incomings, FieldsInAnotherOrderAreBroughtIntoOrder) {
  EXPECT_EQ(TakeEncoded(WithMessage("\x1a\x01p\x12\x01"
                                    "e"
                                    "\x0a\x01q"))
                .body,
            "\x0a\x01q\x12\x01"
            "e"
            "\x1a\x01p");
}

TEST_F(Incomings, LastOfAFieldThatComesTwiceCounts) {
  const Incoming incoming =
      TakeEncoded(WithMessage("\x0a\x01q\x12\x01"
                              "e"
                              "\x12\x01"
                              "f"));
  EXPECT_EQ(incoming.event, "f");
  EXPECT_EQ(incoming.body,
            "\x0a\x01q\x12\x01"
            "f");
}

TEST_F(Incomings, LengthsInALongerFormAreShortened) {
  const Incoming incoming =
      TakeEncoded(WithMessage(std::string("\x0a\x81\x00q\x12\x01"
                                          "e",
                                          7)));
  EXPECT_EQ(incoming.queue, "q");
  EXPECT_EQ(incoming.body,
            "\x0a\x01q\x12\x01"
            "e");
}

TEST_F(Incomings, NamesThatAreNoneAreLeftToTheCheck) {
  v1::Message message = PlainMessage();
  message.set_queue("no name");
  const Incoming incoming = Take(message);
  EXPECT_EQ(incoming.queue, "no name");
  EXPECT_NE(incoming.message, nullptr);
}

TEST_F(Incomings, UnknownFieldOfTheRequestIsPassedOver) {
  const std::string bytes = RequestOf(PlainMessage()).SerializeAsString() + "\xa2\x06\x01z";
  EXPECT_EQ(TakeEncoded(bytes).queue, "DB");
  EXPECT_EQ(batch_.number, 300u);
}

TEST_F(Incomings, TimeBeyondAllBoundsIsTheFurthestOne) {
  v1::Message message = PlainMessage();
  message.mutable_deliver_at()->set_seconds(std::numeric_limits<int64_t>::min());
  message.mutable_expire_at()->set_seconds(std::numeric_limits<int64_t>::max());
  const Incoming incoming = Take(message);
  EXPECT_EQ(incoming.deliver_us, std::numeric_limits<int64_t>::min());
  EXPECT_EQ(incoming.expire_us, std::numeric_limits<int64_t>::max());
}

TEST_F(Incomings, EmptyRequestHasNoMessages) {
  IncomingBatch batch;
  EXPECT_TRUE(ParseBatch("", &arena_, &batch).ok());
  EXPECT_TRUE(batch.messages.empty());
}

TEST_F(Incomings, EveryCutOfARequestIsARequestOrAnError) {
  v1::Message message = PlainMessage();
  message.mutable_audience()->add_rooms("kitchen");
  const std::string bytes = RequestOf(message).SerializeAsString();
  for (size_t size = 0; size < bytes.size(); ++size) {
    // A copy of its own, so that reading past its end is seen.
    const std::string cut(bytes, 0, size);
    v1::PublishStreamRequest known;
    IncomingBatch batch;
    const bool valid = known.ParseFromString(cut);
    EXPECT_EQ(ParseBatch(cut, &arena_, &batch).ok(), valid) << size;
    if (!valid) continue;
    EXPECT_EQ(batch.messages.size(), static_cast<size_t>(known.messages_size())) << size;
  }
}

TEST_F(Incomings, TextThatIsNoUtf8IsAnError) {
  IncomingBatch batch;
  const absl::Status status = ParseBatch(WithMessage("\x0a\x01\xff\x12\x01"
                                                     "e"),
                                         &arena_, &batch);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no valid nmq.v1.PublishStreamRequest"));
}

}  // namespace
}  // namespace nmq::broker
