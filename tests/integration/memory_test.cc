// The memory of nmqd stays bounded, however little its subscribers read.
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"
#include "tests/testing/tcp_proxy.h"

namespace nmq::integration {
namespace {

constexpr char kConfig[] = "limits { queue_bytes: 4194304 in_flight_bytes: 65536 }";
// A server without a message takes some 25 MiB. Beside that: the ring, a batch in flight and socket buffers for each of
// four subscribers, and what malloc keeps.
constexpr uint64_t kResidentMax = 54 * kMiB;

// Publishes to queue DB in batches of about 100 KB that `healthy` hears before the next one.
void PublishPaced(Api* api, int batches, int payload_bytes, Listener* healthy) {
  auto context = NewContext(absl::Minutes(2));
  auto stream = api->queue().PublishStream(context.get());
  v1::PublishStreamRequest request;
  for (int bytes = 0; bytes < 100'000; bytes += payload_bytes) {
    *request.add_messages() = MakeMessage("DB", "E", std::string(payload_bytes, 'x'));
  }
  for (int i = 0; i < batches; ++i) {
    v1::PublishStreamResponse response;
    ASSERT_TRUE(stream->Write(request));
    ASSERT_TRUE(stream->Read(&response));
    while (healthy->NextMessage().sequence() < response.accepted().ranges(0).last()) {
      ASSERT_FALSE(testing::Test::HasFailure());
    }
  }
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

struct Load {
  int payload_bytes;
  int batches;
};

class Memory : public testing::TestWithParam<Load> {};

TEST_P(Memory, StaysBoundedWhenSubscribersNeverRead) {
  Nmqd nmqd(Nmqd::WithConfig(kConfig));
  Api api(nmqd.address());
  Api publishing(nmqd.address());
  TcpProxy proxy(nmqd.port());
  Api stalled_api(proxy.address());
  const TestClient client(&api);
  const TestClient stalled_client(&stalled_api);
  auto never_read = client.Subscribe("DB");
  auto never_read_either = client.Subscribe("DB", "E");
  auto stalled = stalled_client.Subscribe("DB");
  auto healthy = client.Subscribe(client.SubscribeRequest("DB"));
  proxy.Stall(true);

  // The ring was full twice before; from then on nothing grows.
  PublishPaced(&publishing, 80, GetParam().payload_bytes, healthy.get());
  const uint64_t before = nmqd.process().resident_bytes();
  PublishPaced(&publishing, GetParam().batches, GetParam().payload_bytes, healthy.get());
  const uint64_t after = nmqd.process().resident_bytes();
  std::cout << "resident: " << before / kMiB << " MiB, then " << after / kMiB << " MiB\n";
  EXPECT_LE(after, before + 4 * kMiB);
  EXPECT_LE(after, kResidentMax);
}

std::string NameOf(const testing::TestParamInfo<Load>& load) {
  return absl::StrCat("Of", load.param.payload_bytes, "Bytes");
}

INSTANTIATE_TEST_SUITE_P(Payloads, Memory, testing::Values(Load{100, 150}, Load{1000, 1000}, Load{60'000, 2000}),
                         NameOf);

TEST(MemoryOfAllQueues, StaysBoundedHoweverManyThereAre) {
  constexpr uint64_t kBound = 8 * kMiB;
  Nmqd nmqd(Nmqd::WithConfig("limits { queue_bytes: 4194304 all_queues_bytes: 8388608 }"));
  Api api(nmqd.address());
  const TestClient client(&api);
  for (int queue = 0; queue < 60; ++queue) {
    for (int i = 0; i < 40; ++i) client.Publish(absl::StrCat("q", queue), "E", std::string(50'000, 'x'));
  }
  uint64_t bytes = 0;
  const auto list = api.Get(&v1::Registry::Stub::ListQueues, v1::ListQueuesRequest());
  EXPECT_EQ(list.queues_size(), 60);
  for (const v1::QueueInfo& queue : list.queues()) bytes += queue.bytes();
  // Each queue keeps its newest message, whatever others hold.
  EXPECT_LE(bytes, kBound + 60 * 51'000);
  EXPECT_LE(nmqd.process().resident_bytes(), kResidentMax);
}

}  // namespace
}  // namespace nmq::integration
