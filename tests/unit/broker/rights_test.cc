// For how much a request may have rights asked: not for more than its limits let through, and for each name once.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::HasSubstr;
using ::testing::Le;

// Lets callers do all but with rooms, and of those only with "hall" and "yard"; counts what it is asked.
class Counting final : public Access {
 public:
  absl::StatusOr<std::shared_ptr<const Principal>> Identify(std::optional<absl::string_view>,
                                                            const ClientCertificate*) const override {
    return nullptr;
  }
  absl::Status Check(const Call&, Right, const Named& what) const override {
    ++asked;
    return Has(what.room) ? absl::OkStatus() : PermissionDenied("FORBIDDEN", "of other rooms");
  }
  std::unique_ptr<AccessView> View(const Call&, absl::string_view) const override {
    class View final : public AccessView {
     public:
      explicit View(int* asked) : asked_(*asked) {}
      bool Has(Right, absl::string_view, absl::string_view room) override {
        ++asked_;
        return Counting::Has(room);
      }

     private:
      int& asked_;
    };
    return std::make_unique<View>(&asked);
  }
  bool Grants(const Principal*, Right, const Named& what) const override { return Has(what.room); }
  absl::Status Explain(const Call&, const v1::ExplainRequest&, v1::ExplainResponse*) const override {
    return absl::OkStatus();
  }

  mutable int asked = 0;

 private:
  static bool Has(absl::string_view room) { return room.empty() || room == "hall" || room == "yard"; }
};

constexpr int kFarTooMany = 100'000;

class RightsTest : public ::testing::Test {
 protected:
  RightsTest() { access_.asked = 0; }

  // Of the call to the broker.
  absl::Status Join(const std::string& room, int times) {
    v1::JoinRequest request;
    request.set_session(member_.session);
    for (int i = 0; i < times; ++i) request.add_rooms(room);
    v1::JoinResponse response;
    return world_.broker().Join(Call(Right::kJoin, Transport::kGrpc, "test:9"), request, &response);
  }
  absl::Status Publish(v1::PublishRequest request) { return PublishTo(&world_.broker(), &request).status(); }

  Counting access_;
  World world_{R"(namespace { name: "default" automatic_queues: true })", /*lanes=*/1, /*data_dir=*/"",
               /*env=*/nullptr, &access_};
  const Member member_ = world_.Connect();
};

TEST_F(RightsTest, WhoNamesTooManyRoomsIsToldTheLimitAndNotAskedAboutThem) {
  for (const char* room : {"hall", "cellar"}) {
    const absl::Status status = Join(room, kFarTooMany);
    EXPECT_EQ(ReasonOf(status), "LIMIT_EXCEEDED");
    EXPECT_THAT(std::string(status.message()), HasSubstr("rooms_per_client"));
  }
  EXPECT_THAT(access_.asked, Le(2));
}

TEST_F(RightsTest, AnAudienceThatIsTooLargeIsToldTheLimitAndNotAskedAbout) {
  for (const std::string& session : {std::string(), member_.session}) {
    v1::PublishRequest request;
    request.set_session(session);
    *request.mutable_message() = ToMessage({});
    for (int i = 0; i < kFarTooMany; ++i) request.mutable_message()->mutable_audience()->add_rooms("cellar");
    const absl::Status status = Publish(request);
    EXPECT_EQ(ReasonOf(status), "LIMIT_EXCEEDED");
    EXPECT_THAT(std::string(status.message()), HasSubstr("audience_names"));
  }
  EXPECT_THAT(access_.asked, Le(2));
}

TEST_F(RightsTest, ASubscriptionThatNamesTooMuchIsToldTheLimitAndNotAskedAbout) {
  v1::SubscribeRequest patterns = SubscribeTo(member_, {});
  for (int i = 0; i < kFarTooMany; ++i) patterns.add_patterns()->set_queue("DB");
  EXPECT_THAT(std::string(world_.TryListen(patterns).status().message()), HasSubstr("patterns_per_subscription"));
  v1::SubscribeRequest rooms = SubscribeTo(member_, {{"DB", ""}});
  for (int i = 0; i < kFarTooMany; ++i) rooms.add_rooms("cellar");
  EXPECT_THAT(std::string(world_.TryListen(rooms).status().message()), HasSubstr("rooms_per_client"));
  v1::SubscribeRequest group = SubscribeTo(member_, {{"DB", ""}});
  for (int i = 0; i < kFarTooMany; ++i) group.mutable_group()->add_rooms("cellar");
  EXPECT_THAT(std::string(world_.TryListen(group).status().message()), HasSubstr("audience_names"));
  EXPECT_THAT(access_.asked, Le(3));
}

TEST_F(RightsTest, ARoomThatIsNamedOftenIsAskedAboutOnce) {
  EXPECT_TRUE(Join("hall", 500).ok());
  // Whether the caller may join all rooms, and this one.
  EXPECT_THAT(access_.asked, Le(2));
  EXPECT_EQ(ReasonOf(Join("cellar", 500)), "FORBIDDEN");
}

TEST_F(RightsTest, WhatABatchNamesOftenIsAskedAboutOnce) {
  PublishStream stream(&world_.broker(), Call(Right::kPublish, Transport::kGrpc, "test:9"));
  v1::PublishStreamRequest request;
  request.set_session(member_.session);
  for (int i = 0; i < 200; ++i) {
    v1::Message* const message = request.add_messages();
    *message = ToMessage({});
    for (int k = 0; k < 50; ++k) message->mutable_audience()->add_rooms(k % 2 == 0 ? "hall" : "yard");
  }
  v1::PublishStreamResponse response;
  ASSERT_TRUE(PublishOn(&stream, request, &response).ok());
  EXPECT_TRUE(response.has_accepted()) << response.DebugString();
  // The namespace, all of it (twice), the queue, and each of the rooms.
  EXPECT_THAT(access_.asked, Le(6));

  request.mutable_messages(150)->mutable_audience()->add_rooms("cellar");
  ASSERT_TRUE(PublishOn(&stream, request, &response).ok());
  EXPECT_THAT(response.refused().message(), HasSubstr("messages[150]"));
}

}  // namespace
}  // namespace nmq::broker
