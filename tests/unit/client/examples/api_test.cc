#include "client/examples/api.h"

#include <deque>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/unit/client/examples/scratch.h"

namespace nmq {
namespace examples {
namespace {

// Says of each message what the test wants.
class FakeOutbox final : public Outbox {
 public:
  std::future<Published> Publish(Message message) override {
    std::promise<Published>& promise = promises_.emplace_back();
    if (answer) {
      Published published = next;
      published.sequence = published.outcome == Published::Outcome::kYes ? messages.size() + 1 : 0;
      promise.set_value(published);
    }
    messages.push_back(std::move(message));
    return promise.get_future();
  }

  std::vector<Message> messages;
  Published next = {.outcome = Published::Outcome::kYes, .epoch = 1, .sequence = 0, .error = ""};
  bool answer = true;

 private:
  std::deque<std::promise<Published>> promises_;
};

class ApiTest : public testing::Test {
 protected:
  HttpResponse Call(const std::string& method, const std::string& target, const std::string& body = "",
                    const std::string& content_type = "") {
    return api_.Handle({.method = method, .target = target, .content_type = content_type, .body = body});
  }

  Scratch scratch_;
  std::unique_ptr<Records> records_ = *Records::Open(scratch_ / "records.db");
  FakeOutbox outbox_;
  Api api_{records_.get(), &outbox_, absl::Milliseconds(10)};
};

TEST_F(ApiTest, APostIsWrittenAndPublished) {
  const HttpResponse response = Call("POST", "/records", R"({"name":"Ada"})", "application/json");
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, R"({"id":1,"event":"DB/CREATE","sequence":1})");
  EXPECT_EQ(response.location, "/records/1");
  ASSERT_EQ(outbox_.messages.size(), 1u);
  const Message& message = outbox_.messages[0];
  EXPECT_EQ(message.queue(), "DB");
  EXPECT_EQ(message.event(), "CREATE");
  EXPECT_EQ(message.key(), "1");
  EXPECT_EQ(message.content_type(), "application/json");
  EXPECT_EQ(message.headers().at("source"), "api_server");
  EXPECT_EQ(message.payload(), records_->Get(1)->ToJson());
  EXPECT_EQ(Call("GET", "/records/1").body, message.payload());
}

TEST_F(ApiTest, APutIsAnUpdate) {
  Call("POST", "/records", "old");
  const HttpResponse response = Call("PUT", "/records/1", "new");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"id":1,"event":"DB/UPDATE","sequence":2})");
  EXPECT_EQ(outbox_.messages[1].payload(), records_->Get(1)->ToJson());
  EXPECT_EQ(records_->Get(1)->body, "\"new\"");
}

TEST_F(ApiTest, ADeleteTellsWhatIsGone) {
  Call("POST", "/records", "old");
  EXPECT_EQ(Call("DELETE", "/records/1").body, R"({"id":1,"event":"DB/DELETE","sequence":2})");
  EXPECT_NE(outbox_.messages[1].payload().find("\"old\""), std::string::npos);
  EXPECT_EQ(Call("GET", "/records/1").status, 404);
}

TEST_F(ApiTest, ListsTheNewest) {
  for (const char* body : {"1", "2", "3"}) Call("POST", "/records", body);
  const HttpResponse response = Call("GET", "/records?limit=2");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "{\"records\":[" + records_->Get(3)->ToJson() + "," + records_->Get(2)->ToJson() + "]}");
}

TEST_F(ApiTest, WhatIsNotThereIs404AndNothingIsPublished) {
  EXPECT_EQ(Call("GET", "/records/1").status, 404);
  EXPECT_EQ(Call("PUT", "/records/1", "x").status, 404);
  EXPECT_EQ(Call("DELETE", "/records/1").status, 404);
  EXPECT_TRUE(outbox_.messages.empty());
}

TEST_F(ApiTest, OtherPathsAre404) {
  for (const char* path : {"/", "", "/record", "/records/", "/records/x", "/records/1x", "/records/01", "/records/1/2",
                           "/records/99999999999999999999", "*", "http://host/records"}) {
    EXPECT_EQ(Call("GET", path).status, 404) << path;
  }
}

TEST_F(ApiTest, OtherMethodsAre405AndSayWhatGoes) {
  EXPECT_EQ(Call("DELETE", "/records").status, 405);
  EXPECT_EQ(Call("DELETE", "/records").allow, "GET, POST");
  EXPECT_EQ(Call("POST", "/records/1", "x").status, 405);
  EXPECT_EQ(Call("POST", "/records/1", "x").allow, "GET, PUT, DELETE");
}

TEST_F(ApiTest, BadBodiesAre400AndNothingIsWritten) {
  EXPECT_EQ(Call("POST", "/records", "").status, 400);
  EXPECT_EQ(Call("POST", "/records", "{\"a\":", "application/json").status, 400);
  EXPECT_EQ(Call("POST", "/records", "\xFF\xFE", "text/plain").status, 400);
  EXPECT_TRUE(records_->List(10)->empty());
  EXPECT_TRUE(outbox_.messages.empty());
}

TEST_F(ApiTest, BadLimitsAre400) {
  for (const char* query : {"limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "page=1", "limit=1&x"}) {
    EXPECT_EQ(Call("GET", std::string("/records?") + query).status, 400) << query;
  }
}

TEST_F(ApiTest, AnEventThatWasNotPublishedIs503AndTheRecordIsWritten) {
  outbox_.next = {.outcome = Published::Outcome::kNo, .epoch = 0, .sequence = 0, .error = "connection refused"};
  const HttpResponse response = Call("POST", "/records", "x");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, R"({"error":"the change is written, but its event was not published: connection refused",)"
                           R"("id":1,"written":true,"published":"no"})");
  EXPECT_TRUE(records_->Get(1).ok());
}

TEST_F(ApiTest, AnEventOfUnknownFateIs503AndSaysSo) {
  outbox_.next = {.outcome = Published::Outcome::kUnknown, .epoch = 0, .sequence = 0, .error = "connection reset"};
  EXPECT_NE(Call("POST", "/records", "x").body.find("\"written\":true,\"published\":\"unknown\""), std::string::npos);
}

TEST_F(ApiTest, NoAnswerInTimeIsAnUnknownFate) {
  outbox_.answer = false;
  const HttpResponse response = Call("POST", "/records", "x");
  EXPECT_EQ(response.status, 503);
  EXPECT_NE(response.body.find("no answer in 10ms"), std::string::npos) << response.body;
}

TEST_F(ApiTest, WhatSqliteRefusesIs500AndNothingIsPublished) {
  EXPECT_TRUE((*Database::Open(scratch_ / "records.db"))->Run("DROP TABLE records").ok());
  const HttpResponse response = Call("POST", "/records", "x");
  EXPECT_EQ(response.status, 500);
  EXPECT_NE(response.body.find("\"written\":false"), std::string::npos) << response.body;
  EXPECT_TRUE(outbox_.messages.empty());
  EXPECT_EQ(Call("GET", "/records").status, 500);
}

TEST(BodyToJson, FollowsTheContentType) {
  EXPECT_EQ(*BodyToJson("text/plain; charset=utf-8", "17"), "\"17\"");
  EXPECT_EQ(*BodyToJson("application/json; charset=utf-8", " 17 "), "17");
  EXPECT_EQ(*BodyToJson("Application/JSON", "[ ]"), "[]");
  EXPECT_FALSE(BodyToJson("application/json", "seventeen").ok());
}

TEST(BodyToJson, IsEitherWithoutOne) {
  EXPECT_EQ(*BodyToJson("", "{ }"), "{}");
  EXPECT_EQ(*BodyToJson("application/x-www-form-urlencoded", "hello, world"), "\"hello, world\"");
}

}  // namespace
}  // namespace examples
}  // namespace nmq
