#include "server/http2/message_reader.h"

#include <string>
#include <vector>

#include "base/errors.h"
#include "gtest/gtest.h"

namespace nmq::http2 {
namespace {

std::string Prefixed(const std::string& body, char flag = 0) {
  std::string bytes(1, flag);
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(body.size() >> shift));
  return bytes + body;
}

// The next message, if it is whole.
absl::StatusOr<std::optional<MessageReader::Message>> Next(MessageReader* reader, absl::string_view* bytes) {
  const auto size = reader->Size(bytes);
  if (!size.ok()) return size.status();
  if (!size->has_value()) return std::nullopt;
  return reader->Body(bytes);
}

// All messages of `bytes`, which come `step` at a time.
std::vector<std::string> ReadAll(const std::string& bytes, size_t step, MessageReader* reader) {
  std::vector<std::string> messages;
  for (size_t at = 0; at < bytes.size(); at += step) {
    absl::string_view part = absl::string_view(bytes).substr(at, step);
    while (true) {
      const auto message = Next(reader, &part);
      EXPECT_TRUE(message.ok()) << message.status();
      if (!message.ok() || !message->has_value()) break;
      messages.push_back(std::string((*message)->bytes) + ((*message)->compressed ? "*" : ""));
    }
    EXPECT_TRUE(part.empty());
  }
  return messages;
}

TEST(MessageReader, FindsTheMessagesHoweverTheyCome) {
  const std::string large(3'000, 'x');
  const std::string bytes = Prefixed("one") + Prefixed("") + Prefixed(large) + Prefixed("two", 1);
  for (size_t step = 1; step <= bytes.size(); ++step) {
    MessageReader reader(large.size());
    EXPECT_EQ(ReadAll(bytes, step, &reader), (std::vector<std::string>{"one", "", large, "two*"})) << step;
    EXPECT_FALSE(reader.partial());
  }
}

TEST(MessageReader, RefusesAMessageThatIsTooLongAtItsPrefix) {
  MessageReader reader(100);
  const std::string bytes = Prefixed(std::string(101, 'x'));
  absl::string_view prefix = absl::string_view(bytes).substr(0, 5);
  const auto message = Next(&reader, &prefix);
  EXPECT_EQ(message.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(MetadataOf(message.status(), "bound"), "100");
  MessageReader other(101);
  absl::string_view all = bytes;
  EXPECT_TRUE(Next(&other, &all)->has_value());
}

TEST(MessageReader, RefusesAPrefixThatIsNone) {
  MessageReader reader(100);
  const std::string bytes = Prefixed("x", 2);
  absl::string_view all = bytes;
  EXPECT_EQ(Next(&reader, &all).status().code(), absl::StatusCode::kInternal);
}

TEST(MessageReader, SaysWhatHasBegunAndWhatIsMissing) {
  MessageReader reader(1'000);
  const std::string bytes = Prefixed(std::string(500, 'x'));
  absl::string_view part = absl::string_view(bytes).substr(0, 3);
  EXPECT_FALSE(reader.Size(&part)->has_value());
  EXPECT_TRUE(reader.partial());
  part = absl::string_view(bytes).substr(3, 100);
  EXPECT_EQ(**reader.Size(&part), 500u);
  EXPECT_EQ(part.size(), 98u);
  EXPECT_EQ(reader.missing(), 500u);
  EXPECT_FALSE(reader.Body(&part).has_value());
  EXPECT_EQ(reader.missing(), 402u);
  part = absl::string_view(bytes).substr(103);
  EXPECT_EQ(**reader.Size(&part), 500u);
  EXPECT_TRUE(reader.Body(&part).has_value());
  EXPECT_FALSE(reader.partial());
}

}  // namespace
}  // namespace nmq::http2
