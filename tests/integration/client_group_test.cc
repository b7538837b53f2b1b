// A member of a group with the C++ client: what waits in the client loses no time.
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "client/cpp/client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"
#include "tests/testing/fresh_directory.h"

namespace nmq::integration {
namespace {

using testing::ElementsAreArray;

constexpr char kConfig[] = R"(namespace { name: "default" queue { name: "JOBS" durability: DURABILITY_DURABLE } })";

// A worker that takes so long for each job, and notes what it was given.
class Worker {
 public:
  explicit Worker(absl::Duration job) : job_(job) {}

  SubscriptionHandler Handler(Client* client) {
    return {.on_message = [this, client](const Message& message) {
      absl::SleepFor(job_);
      // Nothing is noted for what was taken back meanwhile.
      const auto acknowledged = client->Acknowledge("JOBS", "workers", {Done(message)});
      EXPECT_EQ(acknowledged.ok() ? acknowledged->noted : 0, 1) << message.payload();
      MutexLock lock(&mu_);
      given_.push_back(absl::StrCat(message.payload(), "/", message.attempt()));
    }};
  }
  std::vector<std::string> given() {
    MutexLock lock(&mu_);
    return given_;
  }

 private:
  const absl::Duration job_;
  Mutex mu_;
  std::vector<std::string> given_ ABSL_GUARDED_BY(mu_);
};

class ClientGroup : public testing::Test {
 protected:
  ClientGroup() : server_({.config = kConfig, .data_dir = FreshDirectory()}) {
    auto client = Client::Connect({.server = server_.address()});
    EXPECT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  std::unique_ptr<Subscription> Join(v1::GroupOptions group, SubscriptionHandler handler) {
    group.set_name("workers");
    group.set_attempts_max(1);  // What is taken back is a dead letter at once.
    auto joined = client_->Subscribe({.patterns = {{"JOBS", ""}}, .group = group}, std::move(handler));
    EXPECT_TRUE(joined.ok()) << joined.status();
    return *std::move(joined);
  }

  // What a worker was given of so many jobs, and what it should have been.
  void ExpectEachDoneOnce(const v1::GroupOptions& group, int jobs, absl::Duration job) {
    Join(group, {}).reset();
    std::vector<std::string> expected;
    for (int i = 0; i < jobs; ++i) {
      ASSERT_TRUE(client_->Publish(MakeMessage("JOBS", "E", absl::StrCat(i))).ok());
      expected.push_back(absl::StrCat(i, "/0"));
    }
    Worker worker(job);
    const auto member = Join(group, worker.Handler(client_.get()));
    ASSERT_TRUE(WaitUntil([&] { return worker.given().size() >= expected.size(); }));
    EXPECT_THAT(worker.given(), ElementsAreArray(expected));
  }

  TestServer server_;
  std::unique_ptr<Client> client_;
};

TEST_F(ClientGroup, JobsThatTakeLongerTogetherThanTheDeadlineAreEachDoneOnce) {
  v1::GroupOptions group;
  group.mutable_ack_deadline()->set_seconds(1);
  group.set_credit_messages(100);
  ExpectEachDoneOnce(group, 60, absl::Milliseconds(50));
}

TEST_F(ClientGroup, ByDefaultAMemberHasFewAndEachIsDoneOnce) {
  v1::GroupOptions group;
  group.mutable_ack_deadline()->set_seconds(1);
  ExpectEachDoneOnce(group, 8, absl::Milliseconds(400));
}

TEST_F(ClientGroup, ByDefaultAMemberLeavesTheRestToOthers) {
  Join({}, {}).reset();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(client_->Publish(MakeMessage("JOBS", "E", absl::StrCat(i))).ok());
  const auto idle = Join({}, {});
  Worker worker(absl::ZeroDuration());
  const auto other = Join({}, worker.Handler(client_.get()));
  EXPECT_TRUE(WaitUntil([&] { return worker.given().size() == 4; }));
}

TEST_F(ClientGroup, ACallbackMayDestroyItsSubscription) {
  Join({}, {}).reset();
  ASSERT_TRUE(client_->Publish(MakeMessage("JOBS", "E", "1")).ok());
  Mutex mu;
  std::unique_ptr<Subscription> member;
  bool destroyed = false;
  SubscriptionHandler handler;
  handler.on_message = [&](const Message&) {
    MutexLock lock(&mu);
    member.reset();
    destroyed = true;
  };
  {
    // The callback waits for it.
    MutexLock lock(&mu);
    member = Join({}, std::move(handler));
  }
  EXPECT_TRUE(WaitUntil([&] {
    MutexLock lock(&mu);
    return destroyed;
  }));
}

}  // namespace
}  // namespace nmq::integration
