#include "client/cpp/message_decoder.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

using google::protobuf::util::MessageDifferencer;

Message FullMessage() {
  Message message = MakeMessage("DB", "CREATE", "record 17");
  message.set_id("0123456789abcdef");
  message.set_epoch(0xfedcba9876543210);
  message.set_sequence(300);
  message.mutable_publish_time()->set_seconds(1790000000);
  message.mutable_publish_time()->set_nanos(999999999);
  message.set_publisher("client-1");
  message.set_content_type("text/plain");
  message.set_key("17");
  message.mutable_audience()->add_rooms("kitchen");
  return message;
}

// A length-delimited field, or whatever the tag says.
std::string Field(int tag, const std::string& bytes) {
  return std::string(1, static_cast<char>(tag)) + std::string(1, static_cast<char>(bytes.size())) + bytes;
}

// What Message itself makes of the bytes is what the decoder must make of them.
void ExpectAsParsed(MessageDecoder* decoder, const std::string& bytes) {
  Message parsed;
  const bool good = parsed.ParseFromString(bytes);
  const Message* const decoded = decoder->Decode(bytes);
  ASSERT_EQ(decoded != nullptr, good);
  if (good) {
    EXPECT_TRUE(MessageDifferencer::Equals(*decoded, parsed)) << decoded->DebugString() << parsed.DebugString();
    EXPECT_EQ(decoded->SerializeAsString(), parsed.SerializeAsString());
  }
}

TEST(MessageDecoder, DecodesEveryField) {
  MessageDecoder decoder;
  ExpectAsParsed(&decoder, FullMessage().SerializeAsString());
  ExpectAsParsed(&decoder, "");
}

TEST(MessageDecoder, NothingOfTheMessageBeforeRemains) {
  const std::vector<std::function<void(Message*)>> clears = {
      [](Message* message) { message->clear_queue(); },
      [](Message* message) { message->clear_event(); },
      [](Message* message) { message->clear_payload(); },
      [](Message* message) { message->clear_id(); },
      [](Message* message) { message->clear_epoch(); },
      [](Message* message) { message->clear_sequence(); },
      [](Message* message) { message->clear_publish_time(); },
      [](Message* message) { message->clear_publisher(); },
      [](Message* message) { message->clear_content_type(); },
      [](Message* message) { message->clear_key(); },
      [](Message* message) { message->clear_audience(); },
      [](Message* message) { message->mutable_publish_time()->clear_nanos(); },
      [](Message* message) { message->mutable_audience()->Clear(); },
  };
  for (const auto& clear : clears) {
    MessageDecoder decoder;
    Message message = FullMessage();
    ExpectAsParsed(&decoder, message.SerializeAsString());
    clear(&message);
    ExpectAsParsed(&decoder, message.SerializeAsString());
    ExpectAsParsed(&decoder, FullMessage().SerializeAsString());
  }
}

TEST(MessageDecoder, HeadersOfTheMessageBeforeDoNotRemain) {
  MessageDecoder decoder;
  Message message = FullMessage();
  (*message.mutable_headers())["trace"] = "1";
  ExpectAsParsed(&decoder, message.SerializeAsString());
  ExpectAsParsed(&decoder, MakeMessage("DB", "CREATE", "next").SerializeAsString());
}

TEST(MessageDecoder, TextIsCheckedForUtf8) {
  MessageDecoder decoder;
  for (const int tag : {0x0a, 0x12, 0x22, 0x42, 0x52, 0x5a}) {
    ExpectAsParsed(&decoder, Field(tag, "\xc3\xa4 and more than eight bytes"));
    ExpectAsParsed(&decoder, Field(tag, "\xff\xfe"));
    ExpectAsParsed(&decoder, Field(tag, "long enough for several words \xff"));
  }
  EXPECT_EQ(decoder.Decode(Field(0x0a, "\xff")), nullptr);
  // A payload is anything at all.
  ASSERT_NE(decoder.Decode(Field(0x1a, "\xff")), nullptr);
}

TEST(MessageDecoder, OddEncodingsAreParsedLikeAnyMessage) {
  MessageDecoder decoder;
  ExpectAsParsed(&decoder, Field(0x0a, "DB") + Field(0x0a, "FS"));                          // twice: the last one
  ExpectAsParsed(&decoder, Field(0x3a, "\x08\x01") + Field(0x3a, "\x10\x02"));              // twice: merged
  ExpectAsParsed(&decoder, Field(0x62, Field(0x0a, "a")) + Field(0x62, Field(0x0a, "b")));  // twice: merged
  ExpectAsParsed(&decoder, Field(0x3a, "\x08\x01\x18\x01"));                                // unknown inside
  ExpectAsParsed(&decoder, Field(0x0a, "DB") + Field(0x7a, "unknown"));                     // unknown
  ExpectAsParsed(&decoder, std::string("\xa2\x06\x01x", 4) + Field(0x0a, "DB"));            // unknown, long tag
  ExpectAsParsed(&decoder, std::string("\x0d\x01\x02\x03\x04", 5));                         // queue, but fixed32
  ExpectAsParsed(&decoder, std::string("\x28\x81\x80\x00", 4));                             // longer than need be
  ExpectAsParsed(&decoder, std::string("\x28") + std::string(9, '\xff') + "\x7f");          // more than 64 bits
  ExpectAsParsed(&decoder, std::string("\x28\x01\x28\x02", 4));                             // epoch twice
  ExpectAsParsed(&decoder, std::string("\x10") + "\x05");                                   // event, but a number
  ExpectAsParsed(&decoder, Field(0x0a, "DB"));
}

TEST(MessageDecoder, RefusesWhatIsNoMessage) {
  MessageDecoder decoder;
  for (const std::string& bytes : {
           std::string("\x0a"),                      // no length
           std::string("\x0a\x05zu"),                // too short
           std::string("\x0a\xff\xff\xff\xff\x0f"),  // a length that is none
           std::string("\x28"),                      // no number
           std::string("\x28\xff"),                  // no end of the number
           "\x28" + std::string(11, '\xff'),         // a number without end
           std::string("\x00\x00", 2),               // no field
           std::string("\x0f\x00", 2),               // no such wire type
           std::string("\x0c", 1),                   // the end of a group that never began
           std::string("\x3a\x02\x08\xff", 4),       // a broken time
           std::string("\x62\x02\x0a\x05", 4),       // a broken audience
       }) {
    EXPECT_EQ(decoder.Decode(bytes), nullptr) << ::testing::PrintToString(bytes);
    ExpectAsParsed(&decoder, FullMessage().SerializeAsString());
  }
}

TEST(MessageDecoder, AnyBytesAreAsMessageParsesThem) {
  absl::BitGen random;
  const std::string good = FullMessage().SerializeAsString();
  MessageDecoder decoder;
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = good.substr(0, absl::Uniform(random, 0u, good.size() + 1));
    for (int changes = absl::Uniform(random, 0, 3); changes > 0 && !bytes.empty(); --changes) {
      bytes[absl::Uniform(random, 0u, bytes.size())] = static_cast<char>(absl::Uniform(random, 0, 256));
    }
    ExpectAsParsed(&decoder, bytes);
    if (HasFailure()) FAIL() << ::testing::PrintToString(bytes);
  }
}

TEST(MessageDecoder, GivesBackTheMemoryOfLargeMessages) {
  MessageDecoder decoder;
  const Message* small = decoder.Decode(MakeMessage("DB", "CREATE", std::string(1000, 'x')).SerializeAsString());
  decoder.Shrink();
  EXPECT_GE(small->payload().capacity(), 1000u);
  const Message* large = decoder.Decode(MakeMessage("DB", "CREATE", std::string(1 << 20, 'x')).SerializeAsString());
  ASSERT_EQ(large->payload().size(), 1u << 20);
  decoder.Shrink();
  EXPECT_LT(large->payload().capacity(), 1000u);
  ExpectAsParsed(&decoder, FullMessage().SerializeAsString());
}

}  // namespace
}  // namespace internal
}  // namespace client
}  // namespace nmq
