// Subscriptions that pick messages by their headers.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fresh_directory.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Headers = std::map<std::string, std::string>;

// The rings in memory hold ten messages.
constexpr char kConfig[] = R"(
    limits { queue_messages: 10 }
    namespace {
      name: "default"
      automatic_queues: true
      queue { name: "D" durability: DURABILITY_DURABLE }
    })";

v1::SubscribeRequest Where(v1::SubscribeRequest request, const std::string& name,
                           const std::optional<std::string>& value = {}) {
  v1::HeaderFilter* filter = request.add_headers();
  filter->set_name(name);
  if (value.has_value()) filter->set_value(*value);
  return request;
}

class HeaderFilters : public testing::Test {
 protected:
  std::unique_ptr<Listener> Listen(const v1::SubscribeRequest& request) {
    auto listener = world_.TryListen(request);
    EXPECT_TRUE(listener.ok()) << listener.status();
    return *std::move(listener);
  }
  void Publish(const std::string& payload, const Headers& headers, Post post = {}) {
    post.payload = payload;
    post.headers = headers;
    EXPECT_TRUE(world_.Publish(post).ok());
  }
  absl::Status Refusal(const v1::SubscribeRequest& request) { return world_.TryListen(request).status(); }
  // What comes, blocks from disk included.
  std::vector<std::string> HearAll(Listener* listener) {
    std::vector<std::string> all;
    for (int quiet = 0; quiet < 2;) {
      const Heard heard = listener->HearAll(1000);
      quiet = heard.order.empty() ? quiet + 1 : 0;
      all.insert(all.end(), heard.order.begin(), heard.order.end());
      world_.storage().log().Flush();
    }
    return all;
  }

  World world_{kConfig, /*lanes=*/1, FreshDirectory()};
  Member member_ = world_.Connect();
  v1::SubscribeRequest all_ = SubscribeTo(member_, {{"**", ""}});
};

TEST_F(HeaderFilters, HeaderMustBeThereAndHaveTheValue) {
  auto value = Listen(Where(all_, "a", "1"));
  auto empty = Listen(Where(all_, "a", ""));
  auto any = Listen(Where(all_, "a"));
  auto none = Listen(all_);
  Publish("plain", {});
  Publish("1", {{"a", "1"}});
  Publish("2", {{"a", "2"}, {"b", "1"}});
  Publish("empty", {{"a", ""}});
  EXPECT_THAT(value->Payloads(), ElementsAre("1"));
  EXPECT_THAT(empty->Payloads(), ElementsAre("empty"));
  EXPECT_THAT(any->Payloads(), ElementsAre("1", "2", "empty"));
  EXPECT_THAT(none->Payloads(), SizeIs(4));
}

TEST_F(HeaderFilters, AllMustPass) {
  auto listener = Listen(Where(Where(all_, "a", "1"), "b"));
  Publish("1", {{"a", "1"}});
  Publish("2", {{"b", "1"}});
  Publish("3", {{"a", "1"}, {"b", ""}});
  Publish("4", {{"a", "2"}, {"b", "1"}});
  EXPECT_THAT(listener->Payloads(), ElementsAre("3"));
  auto never = Listen(Where(Where(all_, "a", "1"), "a", "2"));
  Publish("5", {{"a", "1"}});
  EXPECT_THAT(never->Payloads(), IsEmpty());
}

TEST_F(HeaderFilters, GoWithPatternsOfEachKind) {
  Wants many;
  for (int i = 0; i < 12; ++i) many.push_back({"DB", absl::StrCat("e", i)});
  auto name = Listen(Where(SubscribeTo(member_, {{"DB", "e1"}}), "a"));
  auto pattern = Listen(Where(SubscribeTo(member_, {{"DB", "e.*"}}), "a"));
  auto picking = Listen(Where(SubscribeTo(member_, many), "a"));
  for (const char* event : {"e1", "e.x", "e99"}) {
    Publish(absl::StrCat(event, "+"), {{"a", ""}}, {.event = event});
    Publish(event, {}, {.event = event});
  }
  EXPECT_THAT(name->Payloads(), ElementsAre("e1+"));
  EXPECT_THAT(pattern->Payloads(), ElementsAre("e.x+"));
  EXPECT_THAT(picking->Payloads(), ElementsAre("e1+"));
}

TEST_F(HeaderFilters, GoWithRooms) {
  const Member member = world_.Connect("", {"x", "y"});
  auto listener = Listen(Where(SubscribeTo(member, {{"**", ""}}), "a"));
  Publish("1", {{"a", ""}}, {.rooms = {"x", "y"}});
  Publish("2", {}, {.rooms = {"x"}});
  Publish("3", {{"a", ""}}, {.rooms = {"y"}});
  Publish("4", {{"a", ""}}, {.rooms = {"z"}});
  EXPECT_THAT(listener->Payloads(), ElementsAre("1", "3"));
}

TEST_F(HeaderFilters, ListenersOfOneChannelHearEachTheirOwn) {
  auto one = Listen(Where(all_, "a", "1"));
  auto two = Listen(Where(all_, "a", "2"));
  auto all = Listen(all_);
  Publish("1", {{"a", "1"}});
  Publish("2", {{"a", "2"}});
  EXPECT_THAT(one->Payloads(), ElementsAre("1"));
  EXPECT_THAT(two->Payloads(), ElementsAre("2"));
  EXPECT_THAT(all->Payloads(), ElementsAre("1", "2"));
}

TEST_F(HeaderFilters, ScanFromTheStartAndLastCountOnlyWhatPasses) {
  for (int i = 1; i <= 5; ++i) Publish(absl::StrCat(i), i % 2 == 1 ? Headers{{"a", ""}} : Headers{});
  auto with = [&](const v1::StartPosition& start) {
    return Listen(Where(SubscribeTo(member_, {{"DB", ""}}, start), "a"))->HearAll().order;
  };
  EXPECT_THAT(with(Earliest()), ElementsAre("1", "3", "5"));
  EXPECT_THAT(with(Last(2)), ElementsAre("3", "5"));
}

TEST_F(HeaderFilters, HoldForWhatIsOnDisk) {
  for (int i = 1; i <= 20; ++i) Publish(absl::StrCat(i), i % 7 == 0 ? Headers{{"a", ""}} : Headers{}, {.queue = "D"});
  auto with = [&](const v1::StartPosition& start) {
    return HearAll(Listen(Where(SubscribeTo(member_, {{"D", ""}}, start), "a")).get());
  };
  EXPECT_THAT(with(Earliest()), ElementsAre("7", "14"));
  EXPECT_THAT(with(Last(1)), ElementsAre("14"));
}

TEST_F(HeaderFilters, MatchesAreCountedWithThem) {
  auto one = Listen(Where(all_, "a", "1"));
  auto any = Listen(Where(all_, "a"));
  EXPECT_EQ(world_.Publish({.headers = {{"a", "1"}}}, "", true)->matched(), 2u);
  EXPECT_EQ(world_.Publish({.headers = {{"a", "2"}}}, "", true)->matched(), 1u);
  EXPECT_EQ(world_.Publish({}, "", true)->matched(), 0u);
}

TEST_F(HeaderFilters, QuestionIsHeardOnlyByWhomItPasses) {
  auto listener = Listen(Where(all_, "a"));
  Publish("first", {});
  v1::RequestRequest request;
  *request.mutable_message() = ToMessage({});
  absl::Status status;
  world_.broker().Ask(TestCall(), &request,
                      [&](absl::StatusOr<v1::RequestResponse> response) { status = response.status(); });
  EXPECT_EQ(ReasonOf(status), "NOBODY_LISTENS");
}

TEST_F(HeaderFilters, PositionGoesOnOverWhatDoesNotPass) {
  auto listener = Listen(Where(SubscribeTo(member_, {{"DB", ""}}), "a"));
  Publish("1", {{"a", ""}});
  Publish("2", {});
  EXPECT_THAT(listener->Payloads(), ElementsAre("1"));
  const std::vector<v1::QueuePosition> positions = listener->Progress();
  ASSERT_THAT(positions, SizeIs(1));
  EXPECT_EQ(positions[0].sequence(), 2u);
}

TEST_F(HeaderFilters, FilterWithoutANameOrWithAGroupIsRefused) {
  EXPECT_EQ(MetadataOf(Refusal(Where(all_, "")), "field"), "headers[0].name");
  v1::SubscribeRequest request = Where(SubscribeTo(member_, {{"D", ""}}), "a");
  request.mutable_group()->set_name("g");
  const absl::Status status = Refusal(request);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MetadataOf(status, "field"), "headers");
}

TEST_F(HeaderFilters, AreBoundedLikeHeaders) {
  v1::SubscribeRequest request = all_;
  for (int i = 0; i < 33; ++i) request = Where(request, absl::StrCat("h", i));
  EXPECT_EQ(MetadataOf(Refusal(request), "limit"), "headers");
  EXPECT_EQ(MetadataOf(Refusal(Where(all_, std::string(129, 'n'))), "limit"), "header_name_bytes");
  EXPECT_EQ(MetadataOf(Refusal(Where(all_, "n", std::string(1025, 'v'))), "limit"), "header_value_bytes");
}

}  // namespace
}  // namespace nmq::broker
