// nmqd in a control group, and under RLIMIT_AS: however much is published, it stays within its memory, keeps what it
// has acknowledged, and gives back what it took.
//
// Each load takes a second; with NMQ_LONG in the environment ten, and there are more of them, in more memories.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/bytes.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"
#include "tests/testing/process.h"

namespace nmq::integration {
namespace {

constexpr absl::Duration kGivenBackTime = absl::Seconds(10);
constexpr absl::Duration kSample = absl::Milliseconds(20);

// Whether more loads are tried, and for longer.
bool Long() { return getenv("NMQ_LONG") != nullptr; }

std::string Read(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

// The number behind `name` in lines of a name and a number.
uint64_t Field(const std::string& text, const std::string& name) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::StartsWith(line, name + " ")) continue;
    uint64_t value = 0;
    if (absl::SimpleAtoi(line.substr(name.size() + 1), &value)) return value;
  }
  return 0;
}

// A control group of its own with a limit, version 2 or 1; empty if this machine lets nobody make one.
class ControlGroup {
 public:
  explicit ControlGroup(uint64_t limit_bytes) {
    const std::string name = absl::StrCat("/nmq-memory-limit-test-", getpid());
    if (Try("/sys/fs/cgroup" + name, "memory.max", limit_bytes)) {
      field_ = "anon";
    } else if (Try("/sys/fs/cgroup/memory" + name, "memory.limit_in_bytes", limit_bytes)) {
      field_ = "rss";
    }
  }
  ~ControlGroup() {
    // The process that was killed last may still be on its way out.
    for (int i = 0; i < 100 && !path_.empty() && rmdir(path_.c_str()) != 0; ++i) absl::SleepFor(kSample);
  }
  ControlGroup(const ControlGroup&) = delete;
  ControlGroup& operator=(const ControlGroup&) = delete;

  bool made() const { return !path_.empty(); }
  std::string procs() const { return path_ + "/cgroup.procs"; }
  // Memory in use that is not the cache of a file, which the kernel takes back when it needs it.
  uint64_t bytes() const { return Field(Read(path_ + "/memory.stat"), field_); }

 private:
  bool Try(const std::string& path, const std::string& limit, uint64_t bytes) {
    if (mkdir(path.c_str(), 0755) != 0) return false;
    path_ = path;
    // In a folder that is no control group there are no such files, and none must be made: it could not be removed.
    if (access(procs().c_str(), W_OK) == 0 && access((path + "/" + limit).c_str(), W_OK) == 0) {
      std::ofstream file(path + "/" + limit);
      file << bytes << std::flush;
      if (file.good()) return true;
    }
    rmdir(path.c_str());
    path_.clear();
    return false;
  }

  std::string path_;
  std::string field_;
};

// What somebody publishes.
struct Load {
  std::string name;
  bool durable;
  bool stream;
  int publishers;
  int messages;  // in a batch
  int payload_bytes;
  bool idle_before = false;  // streams are open for a while, and then all publish at once
  int at_once = 1;           // calls of each publisher
};

void PrintTo(const Load& load, std::ostream* out) { *out << load.name; }

// What publishers were told, together.
struct Told {
  std::atomic<uint64_t> taken{0};    // messages
  std::atomic<uint64_t> refused{0};  // calls and batches, to be tried again
  std::atomic<uint64_t> other{0};    // any other error
};

void Count(const grpc::Status& status, Told* told) {
  const std::string summary = Summary(status);
  if (absl::StrContains(summary, "RESOURCE_EXHAUSTED") && absl::StrContains(summary, "retry=")) {
    ++told->refused;
  } else if (!status.ok()) {
    ++told->other;
    std::cout << "a publisher was told: " << summary << "\n";
  }
}

void PublishOneCall(Api* api, const v1::PublishRequest& request, Told* told) {
  v1::PublishResponse response;
  const grpc::Status status = api->Call(&v1::MessageQueue::Stub::Publish, request, &response);
  if (status.ok()) ++told->taken;
  Count(status, told);
}

// Long enough for the server to take a stream for idle.
constexpr absl::Duration kIdle = absl::Seconds(1);

// One stream until it ends or the time is over, writing as fast as the server lets it.
void PublishOneStream(Api* api, const Load& load, const v1::PublishStreamRequest& request, absl::Time end, Told* told) {
  const auto context = NewContext(absl::Minutes(2));
  const auto stream = api->queue().PublishStream(context.get());
  std::thread reader([&] {
    v1::PublishStreamResponse response;
    while (stream->Read(&response)) {
      if (response.has_accepted()) {
        told->taken += request.messages_size();
      } else {
        ++told->refused;
        EXPECT_EQ(response.refused().code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << response.refused().message();
      }
    }
  });
  if (load.idle_before) absl::SleepFor(kIdle);
  // At least one, however slow this machine is.
  while (stream->Write(request) && absl::Now() < end) {
  }
  stream->WritesDone();
  reader.join();
  Count(stream->Finish(), told);
}

v1::PublishStreamRequest BatchOf(const Load& load) {
  v1::PublishStreamRequest request;
  for (int i = 0; i < load.messages; ++i) {
    *request.add_messages() = MakeMessage("Q", "E", std::string(load.payload_bytes, 'x'));
  }
  return request;
}

// nmqd, started by a shell that limits it.
class LimitedNmqd {
 public:
  LimitedNmqd(const std::string& limit, bool durable) : process_("/bin/sh", Words(limit, durable)) {
    const auto line = process_.ReadLine(kPatience);
    const std::vector<std::string> words = absl::StrSplit(line.value_or(""), absl::ByAnyChar(" ="));
    if (words.size() < 4) {
      ADD_FAILURE() << "nmqd is not ready: " << process_.errors();
      return;
    }
    address_ = words[3];
  }

  Process& process() { return process_; }
  const std::string& address() const { return address_; }

 private:
  static std::vector<std::string> Words(const std::string& limit, bool durable) {
    const std::string directory = absl::StrCat(testing::TempDir(), "/memory-limit-data");
    std::string config = "namespace { name: 'default' queue { name: 'Q'";
    absl::StrAppend(&config, durable ? " durability: DURABILITY_DURABLE" : "", " } }");
    return {"-c",
            absl::StrCat("rm -rf ", directory, "; ", limit, "; exec \"$@\""),
            "sh",
            kNmqdPath,
            absl::StrCat("--config=", WriteFile("memory-limit.textproto", config)),
            absl::StrCat("--data_dir=", directory),
            "--listen=127.0.0.1:0"};
  }

  Process process_;
  std::string address_;
};

// All publishers at once, each with a connection of its own. The most that `bytes` said meanwhile.
template <typename Bytes>
uint64_t Publish(LimitedNmqd* nmqd, const Load& load, absl::Duration time, const Bytes& bytes, Told* told) {
  const v1::PublishStreamRequest batch = BatchOf(load);
  v1::PublishRequest single;
  *single.mutable_message() = batch.messages(0);
  const absl::Time end = absl::Now() + time;
  std::vector<std::thread> publishers;
  std::atomic<int> left{load.publishers * load.at_once};
  std::vector<std::unique_ptr<Api>> apis;
  for (int i = 0; i < load.publishers; ++i) {
    Api* const api = apis.emplace_back(std::make_unique<Api>(nmqd->address())).get();
    for (int k = 0; k < load.at_once; ++k) {
      publishers.emplace_back([&, api] {
        do {
          load.stream ? PublishOneStream(api, load, batch, end, told) : PublishOneCall(api, single, told);
        } while (absl::Now() < end);
        --left;
      });
    }
  }
  uint64_t most = 0;
  while (left > 0) {
    most = std::max(most, bytes());
    absl::SleepFor(kSample);
  }
  for (std::thread& publisher : publishers) publisher.join();
  return most;
}

// All that was acknowledged is in the queue, and nothing that was refused.
void ExpectAllThere(LimitedNmqd* nmqd, const Load& load, const Told& told) {
  Api api(nmqd->address());
  const auto list = api.Get(&v1::Registry::Stub::ListQueues, v1::ListQueuesRequest());
  ASSERT_EQ(list.queues_size(), 1);
  EXPECT_EQ(list.queues(0).last_sequence(), told.taken);
  if (load.durable) {
    EXPECT_EQ(list.queues(0).first_sequence(), 1u);
  }
}

std::vector<Load> Loads() {
  std::vector<Load> loads = {
      {"LiveStreamsOfManySmallMessages", false, true, 8, 1000, 1000},
      {"DurableStreamOfManySmallMessages", true, true, 1, 1000, 1000},
      {"DurableStreamsOfLargeBatches", true, true, 64, 4, 1'000'000},
      {"LiveStreamsOfLargeBatches", false, true, 64, 4, 1'000'000},
      {"LiveStreamsThatWereIdle", false, true, 64, 4, 1'000'000, /*idle_before=*/true},
      {"LiveCallsOfLargeMessages", false, false, 64, 1, 1'000'000},
      {"DurableCallsOfLargeMessages", true, false, 64, 1, 1'000'000},
      {"LiveCallsAtOnceOfLargeMessages", false, false, 64, 1, 1'000'000, /*idle_before=*/false, /*at_once=*/4},
      {"DurableCallsAtOnceOfLargeMessages", true, false, 64, 1, 1'000'000, /*idle_before=*/false, /*at_once=*/4},
  };
  if (!Long()) return loads;
  for (const int publishers : {1, 4, 16, 64}) {
    for (const bool durable : {false, true}) {
      const std::string kind = absl::StrCat(durable ? "Durable" : "Live", publishers);
      loads.push_back({kind + "Tiny", durable, true, publishers, 1000, 1});
      loads.push_back({kind + "Medium", durable, true, publishers, 60, 60'000});
      loads.push_back({kind + "Batches", durable, true, publishers, 3, 1'048'000});
      loads.push_back({kind + "Calls", durable, false, publishers, 1, 1'048'000});
    }
  }
  return loads;
}

std::vector<uint64_t> Limits() { return Long() ? std::vector<uint64_t>{128, 256, 512} : std::vector<uint64_t>{256}; }

absl::Duration LoadTime() { return absl::Seconds(Long() ? 10 : 1); }

class MemoryLimit : public testing::TestWithParam<std::tuple<uint64_t, Load>> {};

TEST_P(MemoryLimit, OfAControlGroupHolds) {
  const auto& [mib, load] = GetParam();
  const ControlGroup group(mib * kMiB);
  if (!group.made()) GTEST_SKIP() << "no control group with a memory limit can be made in /sys/fs/cgroup";
  LimitedNmqd nmqd(absl::StrCat("echo $$ > ", group.procs()), load.durable);
  ASSERT_FALSE(testing::Test::HasFailure());
  const uint64_t before = group.bytes();
  Told told;
  const uint64_t most = Publish(
      &nmqd, load, LoadTime(), [&group] { return group.bytes(); }, &told);
  EXPECT_FALSE(nmqd.process().WaitForExit(absl::ZeroDuration()).has_value()) << nmqd.process().errors();
  EXPECT_GT(told.taken, 0u);
  EXPECT_EQ(told.other, 0u);
  EXPECT_LT(most, mib * kMiB);
  ExpectAllThere(&nmqd, load, told);
  // What queues hold, and the store's buffers, stay.
  const uint64_t stay = before + mib * kMiB / 2;
  EXPECT_TRUE(WaitUntil([&] { return group.bytes() <= stay; }, kGivenBackTime)) << group.bytes() / kMiB << " MiB";
  std::cout << "| " << mib << " MiB | " << load.name << " | " << most / kMiB << " MiB | " << group.bytes() / kMiB
            << " MiB | " << told.taken << " messages | " << told.refused << " refused |\n";
}

TEST_P(MemoryLimit, OfTheAddressSpaceHolds) {
  const auto& [mib, load] = GetParam();
  const uint64_t limit = mib * kMiB + 256 * kMiB;  // the program and its threads
  LimitedNmqd nmqd(absl::StrCat("ulimit -v ", limit >> 10), load.durable);
  ASSERT_FALSE(testing::Test::HasFailure());
  Told told;
  const uint64_t most = Publish(
      &nmqd, load, LoadTime(), [&nmqd] { return nmqd.process().resident_bytes(); }, &told);
  EXPECT_FALSE(nmqd.process().WaitForExit(absl::ZeroDuration()).has_value()) << nmqd.process().errors();
  EXPECT_GT(told.taken, 0u);
  EXPECT_EQ(told.other, 0u);
  EXPECT_LT(most, limit);
  ExpectAllThere(&nmqd, load, told);
}

std::string NameOf(const testing::TestParamInfo<std::tuple<uint64_t, Load>>& info) {
  return absl::StrCat(std::get<1>(info.param).name, "In", std::get<0>(info.param), "MiB");
}

INSTANTIATE_TEST_SUITE_P(Loads, MemoryLimit, testing::Combine(testing::ValuesIn(Limits()), testing::ValuesIn(Loads())),
                         NameOf);

}  // namespace
}  // namespace nmq::integration
