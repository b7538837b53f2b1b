#include "tests/fault/nmqd_disk.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace nmq::integration {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

constexpr char kConfig[] = R"(
    namespace {
      name: "default"
      queue { name: "D" durability: DURABILITY_DURABLE }
      queue { name: "B" durability: DURABILITY_BUFFERED }
      queue { name: "L" }
    })";

std::string NameOf(const std::string& payload) { return payload.substr(0, payload.find(' ')); }

bool ContainsAll(const std::string& text, const std::vector<std::string>& words) {
  return std::all_of(words.begin(), words.end(),
                     [&](const std::string& word) { return absl::StrContains(text, word); });
}

}  // namespace

std::string Payload(const std::string& name, size_t bytes) {
  std::string payload = name + " ";
  payload.reserve(bytes);
  for (uint64_t x = std::hash<std::string>()(name); payload.size() < bytes;) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    payload.push_back(static_cast<char>(x >> 56));
  }
  return payload;
}

NmqdDiskTest::NmqdDiskTest() : directory_(absl::StrCat(testing::TempDir(), "/nmqd_disk.", getpid())) {
  std::filesystem::remove_all(directory_);
}

NmqdDiskTest::~NmqdDiskTest() {
  nmqd_.reset();
  std::filesystem::remove_all(directory_);
}

std::vector<std::string> NmqdDiskTest::Flags() const {
  std::vector<std::string> flags = Nmqd::WithConfig(kConfig);
  flags.push_back(absl::StrCat("--data_dir=", directory_));
  flags.insert(flags.end(), flags_.begin(), flags_.end());
  return flags;
}

void NmqdDiskTest::Start(const std::vector<std::string>& environment) {
  nmqd_.emplace(Flags(), environment);
  api_.emplace(nmqd_->address());
  v1::ConnectRequest connect;
  connect.mutable_lease()->set_seconds(600);
  client_.emplace(&*api_, connect);
}

void NmqdDiskTest::Stop() {
  nmqd_->process().Signal(SIGTERM);
  EXPECT_EQ(nmqd_->process().WaitForExit(kPatience), 0) << nmqd_->process().errors();
}

void NmqdDiskTest::Kill() {
  nmqd_->process().Signal(SIGKILL);
  EXPECT_EQ(nmqd_->process().WaitForExit(kPatience), 128 + SIGKILL);
}

void NmqdDiskTest::ExpectRefusesToStart(const std::vector<std::string>& words,
                                        const std::vector<std::string>& environment) {
  std::vector<std::string> flags = Flags();
  flags.push_back("--listen=127.0.0.1:0");
  const Outcome run(flags, environment);
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.output, "");
  EXPECT_TRUE(IsOneLine(run.errors));
  EXPECT_THAT(run.errors, testing::StartsWith("nmqd: "));
  for (const std::string& word : words) EXPECT_THAT(run.errors, testing::HasSubstr(word));
}

grpc::Status NmqdDiskTest::Publish(const std::string& queue, const std::string& payload) {
  v1::PublishRequest request;
  request.set_session(client().session());
  *request.mutable_message() = MakeMessage(queue, "E", payload);
  return api().Try(&v1::MessageQueue::Stub::Publish, request);
}

void NmqdDiskTest::PublishAcknowledged(const std::string& queue, int count, size_t bytes) {
  const grpc::Status status = PublishUntilRefused(queue, count, bytes);
  EXPECT_TRUE(status.ok()) << Summary(status) << ": " << status.error_message();
}

grpc::Status NmqdDiskTest::PublishUntilRefused(const std::string& queue, int count_max, size_t bytes) {
  std::vector<std::string>& acknowledged = acknowledged_[queue];
  for (int i = 0; i < count_max; ++i) {
    const std::string name = absl::StrCat(queue, "-", acknowledged.size() + 1);
    if (grpc::Status status = Publish(queue, Payload(name, bytes)); !status.ok()) return status;
    acknowledged.push_back(name);
  }
  return grpc::Status::OK;
}

std::vector<std::string> NmqdDiskTest::Held(const std::string& queue) {
  v1::ListQueuesRequest list;
  list.set_queue(queue);
  const v1::ListQueuesResponse listed = api().Get(&v1::Registry::Stub::ListQueues, list);
  if (listed.queues_size() != 1) {
    ADD_FAILURE() << "no queue " << queue;
    return {};
  }
  v1::SubscribeRequest request = client().SubscribeRequest(queue);
  request.mutable_start()->set_earliest(true);
  auto listener = client().Subscribe(request);
  std::vector<std::string> names;
  for (uint64_t at = listed.queues(0).first_sequence(); at <= listed.queues(0).last_sequence(); ++at) {
    const v1::Message message = listener->NextMessage();
    EXPECT_EQ(message.sequence(), at);
    if (message.sequence() != at) break;
    names.push_back(NameOf(message.payload()));
  }
  return names;
}

void NmqdDiskTest::ExpectHoldsAcknowledged(const std::string& queue) {
  EXPECT_EQ(Held(queue), acknowledged_[queue]) << queue;
}

void NmqdDiskTest::ExpectHoldsAcknowledgedAndPerhaps(const std::string& queue,
                                                     const std::vector<std::string>& unknown) {
  const std::vector<std::string> held = Held(queue);
  std::vector<std::string>& acknowledged = acknowledged_[queue];
  for (size_t i = acknowledged.size(); i < held.size(); ++i) {
    EXPECT_THAT(unknown, testing::Contains(held[i]));
    acknowledged.push_back(held[i]);
  }
  EXPECT_EQ(held, acknowledged) << queue;
}

void NmqdDiskTest::ExpectLiveQueueWorks() {
  auto listener = client().Subscribe("L");
  const grpc::Status status = Publish("L", "live");
  EXPECT_TRUE(status.ok()) << Summary(status) << ": " << status.error_message();
  if (!status.ok()) return;
  EXPECT_EQ(listener->NextMessage().payload(), "live");
}

bool NmqdDiskTest::Serves(const std::string& service) {
  HealthCheckRequest request;
  request.set_service(service);
  HealthCheckResponse response;
  const grpc::Status status = Health::NewStub(api().channel())->Check(NewContext().get(), request, &response);
  EXPECT_TRUE(status.ok()) << Summary(status);
  return response.status() == HealthCheckResponse::SERVING;
}

void NmqdDiskTest::ExpectHealth(bool serving) {
  for (const char* service : {"", "nmq.v1.MessageQueue", "nmq.v1.Registry"}) {
    EXPECT_EQ(Serves(service), serving) << service;
  }
  EXPECT_TRUE(Serves("liveness"));
  const Outcome check({"--health_check", absl::StrCat("--listen=", nmqd().address())});
  EXPECT_EQ(check.exit_code, serving ? 0 : 1);
  EXPECT_EQ(absl::StrContains(check.errors, "says NOT_SERVING"), !serving) << check.errors;
}

bool NmqdDiskTest::WaitForHealth(bool serving) {
  return WaitUntil([&] { return Serves("") == serving; });
}

bool NmqdDiskTest::WaitForLog(const std::vector<std::string>& words) {
  return WaitUntil([&] {
    const std::vector<std::string> lines = absl::StrSplit(nmqd().process().errors(), '\n');
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) { return ContainsAll(line, words); });
  });
}

}  // namespace nmq::integration
