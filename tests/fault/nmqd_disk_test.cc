// What nmqd does when its disk does not sync any more: an injected error, as of a disk that breaks.
#include "tests/fault/nmqd_disk.h"

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "gtest/gtest.h"

namespace nmq::integration {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kBrokenDiskPath[] = "tests/fault/libbroken_disk.so";
constexpr char kRefused[] = "UNAVAILABLE STORE_FAILED";

class NmqdBrokenDiskTest : public NmqdDiskTest {
 protected:
  NmqdBrokenDiskTest() : switch_(absl::StrCat(testing::TempDir(), "/broken.", getpid())) { Mend(); }
  ~NmqdBrokenDiskTest() override { Mend(); }

  std::vector<std::string> FragileDisk() const {
    return {absl::StrCat("LD_PRELOAD=", std::filesystem::absolute(kBrokenDiskPath).string()),
            absl::StrCat("NMQ_TEST_BROKEN_DISK=", switch_)};
  }
  void Break() { std::ofstream{switch_}; }
  void Mend() { std::filesystem::remove(switch_); }

  const std::string switch_;
};

TEST_F(NmqdBrokenDiskTest, AFailedSyncEndsWritingUntilARestartAndNothingElse) {
  Start(FragileDisk());
  PublishAcknowledged("D", 20);
  PublishAcknowledged("B", 5);
  ExpectHealth(true);

  Break();
  const grpc::Status refused = Publish("D", "refused");
  EXPECT_THAT(Summary(refused), StartsWith(kRefused));
  for (const char* word : {directory_.c_str(), "Input/output error", "until a restart"}) {
    EXPECT_THAT(refused.error_message(), HasSubstr(word));
  }
  EXPECT_TRUE(WaitForLog({directory_, "Input/output error", "until a restart"}));
  // A disk that works again is not to be trusted: nobody knows what it kept.
  Mend();
  for (const char* queue : {"D", "B"}) EXPECT_THAT(Summary(Publish(queue, "refused, too")), StartsWith(kRefused));
  ExpectHealth(false);
  ExpectHoldsAcknowledged("D");
  ExpectHoldsAcknowledged("B");
  ExpectLiveQueueWorks();
  Stop();

  Start();
  ExpectHealth(true);
  ExpectHoldsAcknowledgedAndPerhaps("D", {"refused"});
  ExpectHoldsAcknowledged("B");
  PublishAcknowledged("D", 5);
  PublishAcknowledged("B", 5);
  ExpectHoldsAcknowledged("D");
  ExpectHoldsAcknowledged("B");
}

TEST_F(NmqdBrokenDiskTest, WhoWatchesHealthIsToldThatTheDiskFails) {
  Start(FragileDisk());
  auto context = NewContext();
  auto watch = Health::NewStub(api().channel())->Watch(context.get(), HealthCheckRequest());
  HealthCheckResponse told;
  ASSERT_TRUE(watch->Read(&told));
  EXPECT_EQ(told.status(), HealthCheckResponse::SERVING);
  Break();
  EXPECT_FALSE(Publish("D", "refused").ok());
  ASSERT_TRUE(watch->Read(&told)) << Summary(watch->Finish());
  EXPECT_EQ(told.status(), HealthCheckResponse::NOT_SERVING);
  context->TryCancel();
  watch->Finish();
}

// Publishes one message after another until one is refused.
struct Publisher {
  void Run(const std::string& address, std::atomic<int>* total) {
    Api api(address);
    const TestClient client(&api);
    v1::PublishRequest request;
    request.set_session(client.session());
    v1::PublishResponse response;
    for (int i = 0;; ++i) {
      *request.mutable_message() = MakeMessage("D", "E", absl::StrCat(name, "-", i));
      end = api.Call(&v1::MessageQueue::Stub::Publish, request, &response);
      if (!end.ok()) return;
      acknowledged[response.sequence()] = request.message().payload();
      ++*total;
    }
  }

  std::string name;
  std::map<uint64_t, std::string> acknowledged;  // by sequence
  grpc::Status end;
};

TEST_F(NmqdBrokenDiskTest, NothingAcknowledgedIsLostWhenItBreaksUnderLoad) {
  std::vector<std::string> disk = FragileDisk();
  disk.push_back("NMQ_TEST_DISK_LOSES=1");
  Start(disk);
  std::vector<Publisher> publishers(8);
  std::vector<std::thread> threads;
  std::atomic<int> total{0};
  for (size_t i = 0; i < publishers.size(); ++i) {
    publishers[i].name = absl::StrCat("p", i);
    threads.emplace_back([&, i] { publishers[i].Run(nmqd().address(), &total); });
  }
  EXPECT_TRUE(WaitUntil([&] { return total >= 500; }));
  Break();
  for (std::thread& thread : threads) thread.join();
  for (const Publisher& publisher : publishers) EXPECT_THAT(Summary(publisher.end), StartsWith(kRefused));
  Kill();
  Mend();

  Start();
  const std::vector<std::string> held = Held("D");
  std::map<std::string, int> times;
  for (const std::string& name : held) ++times[name];
  for (const Publisher& publisher : publishers) {
    for (const auto& [sequence, name] : publisher.acknowledged) {
      ASSERT_LE(sequence, held.size());
      EXPECT_EQ(held[sequence - 1], name);
      EXPECT_EQ(times[name], 1) << name;
    }
  }
  EXPECT_LE(held.size(), static_cast<size_t>(total) + publishers.size()) << "one each was on its way";
  EXPECT_TRUE(Publish("D", "again").ok());
}

TEST_F(NmqdBrokenDiskTest, WhatAGroupCouldNotNoteComesAgain) {
  Start(FragileDisk());
  v1::SubscribeRequest subscribe = client().SubscribeRequest("D");
  subscribe.mutable_group()->set_name("workers");
  v1::AcknowledgeRequest acknowledge;
  acknowledge.set_session(client().session());
  acknowledge.set_queue("D");
  acknowledge.set_group("workers");
  acknowledge.add_acknowledgements()->set_first(1);
  acknowledge.mutable_acknowledgements(0)->set_done(true);
  {
    auto member = client().Subscribe(subscribe);
    PublishAcknowledged("D", 3);
    EXPECT_EQ(member->Payloads(3).size(), 3u);
    EXPECT_EQ(api().Get(&v1::MessageQueue::Stub::Acknowledge, acknowledge).noted(), 1u);
    Break();
    EXPECT_THAT(Summary(Publish("D", "refused")), StartsWith(kRefused));
    acknowledge.mutable_acknowledgements(0)->set_first(2);
    EXPECT_THAT(Summary(api().Try(&v1::MessageQueue::Stub::Acknowledge, acknowledge)), StartsWith(kRefused));
  }
  Stop();
  Mend();

  Start();
  subscribe.set_session(client().session());
  auto member = client().Subscribe(subscribe);
  EXPECT_EQ(member->NextMessage().sequence(), 2u);
  EXPECT_EQ(member->NextMessage().sequence(), 3u);
}

TEST_F(NmqdBrokenDiskTest, WhatIsNotSyncedForItsPublisherShowsItLater) {
  Start(FragileDisk());
  Break();
  // Until what is in memory becomes a file.
  constexpr size_t kBytes = 256 << 10;
  EXPECT_THAT(Summary(PublishUntilRefused("B", 400, kBytes)), StartsWith(kRefused));
  EXPECT_THAT(Summary(Publish("D", "refused")), StartsWith(kRefused));
  ExpectHealth(false);
  ExpectHoldsAcknowledged("B");
  Stop();
  Mend();

  Start();
  ExpectHoldsAcknowledgedAndPerhaps("B", {absl::StrCat("B-", acknowledged_["B"].size() + 1)});
  PublishAcknowledged("B", 1);
}

TEST_F(NmqdBrokenDiskTest, DoesNotStartOnADiskThatDoesNotSync) {
  Start();
  PublishAcknowledged("D", 10);
  Stop();
  Break();
  ExpectRefusesToStart({directory_, "cannot be opened", "Input/output error"}, FragileDisk());
  Mend();
  Start();
  ExpectHoldsAcknowledged("D");
}

}  // namespace
}  // namespace nmq::integration
