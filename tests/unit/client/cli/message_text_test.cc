#include "client/cli/message_text.h"

#include "gtest/gtest.h"

namespace nmq {
namespace cli {
namespace {

v1::Message FullMessage() {
  v1::Message message;
  message.set_queue("DB");
  message.set_event("CREATE");
  message.set_payload("{\"id\": 17}");
  message.set_id("m-1");
  message.set_epoch(9);
  message.set_sequence(17);
  message.mutable_publish_time()->set_seconds(1700000000);
  message.mutable_publish_time()->set_nanos(5000);
  message.set_publisher("c-1");
  message.mutable_audience()->add_rooms("kitchen");
  (*message.mutable_headers())["b"] = "2";
  (*message.mutable_headers())["a"] = "1";
  return message;
}

TEST(MessageJson, HasEveryFieldInOrder) {
  EXPECT_EQ(MessageJson(FullMessage(), "shop"),
            R"({"namespace":"shop","queue":"DB","event":"CREATE","sequence":17,"epoch":9,"id":"m-1",)"
            R"("publish_time":"2023-11-14T22:13:20.000005Z","publisher":"c-1","rooms":["kitchen"],)"
            R"("headers":{"a":"1","b":"2"},"payload":"{\"id\": 17}"})");
}

TEST(MessageJson, KeyAndContentTypeAppearWhenSet) {
  v1::Message message = FullMessage();
  message.set_key("k");
  message.set_content_type("text/plain");
  EXPECT_NE(MessageJson(message, "shop").find(R"("key":"k","content_type":"text/plain","payload")"), std::string::npos);
}

TEST(MessageJson, PayloadThatIsNoTextIsBase64) {
  v1::Message message = FullMessage();
  message.set_payload("\xff\x01");
  const std::string json = MessageJson(message, "shop");
  EXPECT_NE(json.find(R"("payload_base64":"/wE=")"), std::string::npos);
  EXPECT_EQ(json.find("\"payload\":"), std::string::npos);
}

TEST(MessageJson, EmptyPayloadIsText) {
  v1::Message message;
  EXPECT_NE(MessageJson(message, "shop").find(R"("payload":"")"), std::string::npos);
}

TEST(GapJson, LeavesOutWhatIsNotKnown) {
  v1::Gap gap;
  gap.set_queue("DB");
  gap.set_epoch(3);
  gap.set_first(5);
  gap.set_reason(v1::GAP_REASON_EPOCH_CHANGED);
  EXPECT_EQ(GapJson(gap, "shop"),
            R"({"namespace":"shop","gap":{"queue":"DB","epoch":3,"first":5,"reason":"EPOCH_CHANGED"}})");
  gap.set_last(9);
  gap.set_count(5);
  gap.set_reason(v1::GAP_REASON_NOT_HELD);
  EXPECT_EQ(GapJson(gap, "shop"),
            R"({"namespace":"shop","gap":{"queue":"DB","epoch":3,"first":5,"last":9,"count":5,"reason":"NOT_HELD"}})");
}

v1::Message DeadMessage() {
  v1::Message message = FullMessage();
  message.set_attempt(3);
  v1::DeadLetter* letter = message.mutable_dead_letter();
  letter->set_queue("JOBS");
  letter->set_sequence(4);
  letter->set_group("workers");
  letter->set_attempts(5);
  letter->set_reason("MAX_ATTEMPTS");
  return message;
}

TEST(MessageLine, ADeadLetterSaysWhyAndWhereFrom) {
  EXPECT_NE(
      MessageLine(DeadMessage()).find(" attempt=3 a=1 b=2 dead=MAX_ATTEMPTS attempts=5 of=JOBS/4 group=workers | "),
      std::string::npos)
      << MessageLine(DeadMessage());
}

TEST(MessageJson, ADeadLetterSaysWhyAndWhereFrom) {
  const std::string json = MessageJson(DeadMessage(), "shop");
  EXPECT_NE(json.find(R"("attempt":3,"dead_letter":{"queue":"JOBS","epoch":0,"sequence":4,"group":"workers",)"
                      R"("attempts":5,"reason":"MAX_ATTEMPTS"})"),
            std::string::npos)
      << json;
}

TEST(MessageLine, ShowsWhatIsAskedFor) {
  const std::string line = MessageLine(FullMessage(), {.headers_only = true, .date = true});
  EXPECT_EQ(line.substr(0, 8), "2023-11-");
  EXPECT_EQ(line.find('|'), std::string::npos);
  EXPECT_NE(MessageLine(FullMessage(), {.colors = true}).find("\x1b[36mDB\x1b[0m"), std::string::npos);
  EXPECT_EQ(MessageJson(FullMessage(), "shop", {.headers_only = true}).find("payload"), std::string::npos);
}

TEST(MessageLine, IsOneLine) {
  v1::Message message = FullMessage();
  message.set_payload("two\nlines");
  const std::string line = MessageLine(message);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(line.find(" DB CREATE 17 rooms=kitchen from=c-1 a=1 b=2 | two\\nlines"), std::string::npos) << line;
}

}  // namespace
}  // namespace cli
}  // namespace nmq
