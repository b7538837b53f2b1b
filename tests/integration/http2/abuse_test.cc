// What one hostile or broken client may do to nmqd, at full speed and for the whole time, beside one that publishes 200
// messages a second: nmqd lives, takes at most 64 MiB more and gives them back, ends the offender as it should, and the
// other one has all its answers.
//
// Each takes a second; with NMQ_LONG in the environment 20, and the other's p99 must stay within twice its own plus 5
// ms.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/bytes.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"
#include "tests/integration/http2/attacker.h"
#include "tests/integration/http2/attacks.h"
#include "tests/integration/http2/neighbour.h"
#include "tests/integration/http2/raw_client.h"
#include "tests/integration/http2/tls_client.h"
#include "tests/integration/nmqd.h"
#include "tests/testing/certificates.h"
#include "tests/testing/process.h"

namespace nmq::http2 {

// For names of tests.
void PrintTo(const Attack& attack, std::ostream* out) { *out << attack.name; }

namespace {

using integration::kNmqdPath;
using integration::kPatience;
using testing::IsEmpty;

// As in a container of half a GiB.
constexpr uint64_t kMemoryBytes = 512 * kMiB;
constexpr uint64_t kProgramBytes = 256 * kMiB;  // and its threads
constexpr int kDescriptors = 1'024;
constexpr uint64_t kGrowthMax = 64 * kMiB;
constexpr uint64_t kGrowthLeftMax = 16 * kMiB;
constexpr absl::Duration kGivenBackTime = absl::Seconds(5);
constexpr absl::Duration kSample = absl::Milliseconds(10);
constexpr int kLowest = 19;

bool Long() { return getenv("NMQ_LONG") != nullptr; }

// The transport to attack. gRPC's own server withstands little of this; with it, the table says what.
std::string TransportName() {
  const char* const name = getenv("NMQ_TRANSPORT");
  return name == nullptr ? "http2" : name;
}

// nmqd with limits, in a process of its own.
class Target {
 public:
  explicit Target(bool tls) : tls_(tls), process_("/bin/sh", Words()) {
    const std::vector<std::string> words =
        absl::StrSplit(process_.ReadLine(kPatience).value_or(""), absl::ByAnyChar(" ="));
    if (words.size() < 4) {
      ADD_FAILURE() << "nmqd is not ready: " << process_.errors();
      return;
    }
    address_ = words[3];
    EXPECT_TRUE(absl::SimpleAtoi(address_.substr(address_.rfind(':') + 1), &port_));
  }

  Process& process() { return process_; }
  Connector connector(bool below_tls) const { return tls_ && !below_tls ? ToTlsPort(port_) : ToPort(port_); }
  // For a client on gRPC's library; each has a connection of its own.
  std::shared_ptr<grpc::Channel> NewChannel() const {
    if (!tls_) return integration::NewChannel(address_);
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = authority_.certificate();
    grpc::ChannelArguments own;
    own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(address_, grpc::SslCredentials(options), own);
  }
  bool lives() { return !process_.WaitForExit(absl::ZeroDuration()).has_value(); }

 private:
  std::vector<std::string> Words() const {
    const std::string config = "namespace { name: 'default' queue { name: 'Q' } }";
    std::vector<std::string> words = {
        "-c",
        absl::StrCat("ulimit -n ", kDescriptors, "; ulimit -v ", (kMemoryBytes + kProgramBytes) >> 10, "; exec \"$@\""),
        "sh",
        kNmqdPath,
        absl::StrCat("--config=", integration::WriteFile("abuse.textproto", config)),
        absl::StrCat("--transport=", TransportName()),
        "--listen=127.0.0.1:0"};
    if (!tls_) return words;
    const Credentials pair = authority_.Issue();
    words.push_back("--tls_certificate=" + integration::WriteFile("certificate.pem", pair.certificate));
    words.push_back("--tls_key=" + integration::WriteFile("key.pem", pair.key));
    return words;
  }

  const bool tls_;
  const Authority authority_;
  Process process_;
  std::string address_;
  int port_ = 0;
};

// Runs `work` with the lowest priority until it returns: the server and the neighbour come first, as if the attacker
// had a machine of its own.
class Background {
 public:
  explicit Background(std::function<void()> work)
      : thread_([work = std::move(work)] {
          setpriority(PRIO_PROCESS, 0, kLowest);  // of this thread
          work();
        }) {}
  ~Background() { thread_.join(); }

 private:
  std::thread thread_;
};

// What the neighbour has while something as busy as the attacker runs that leaves the server alone.
Latencies Baseline(Neighbour* neighbour, absl::Duration time) {
  std::atomic<bool> done{false};
  const Background busy([&done] {
    while (!done.load(std::memory_order_relaxed)) {
    }
  });
  Latencies latencies = neighbour->Publish(time);
  done = true;
  return latencies;
}

struct Figures {
  Latencies before;
  Latencies during;
  uint64_t bytes_before = 0;
  uint64_t bytes_most = 0;
  uint64_t bytes_after = 0;
};

std::string Ms(absl::Duration time) { return absl::StrFormat("%.1f", absl::ToDoubleMilliseconds(time)); }
std::string Mib(uint64_t now, uint64_t before) {
  return absl::StrCat((std::max(now, before) - before + kMiB / 2) / kMiB);
}

void PrintRow(bool tls, const Attack& attack, const Attacker& attacker, bool lives, const Figures& figures) {
  std::vector<std::string> ends;
  for (const auto& [what, times] : attacker.noted()) ends.push_back(absl::StrCat(what, " ", times));
  std::cout << "| " << attack.name << (tls ? ", TLS" : "") << " | " << attacker.connections() << " | "
            << (lives ? absl::StrJoin(ends, ", ") : "nmqd ended") << " | " << Ms(figures.before.Percentile(99)) << " | "
            << Ms(figures.during.Percentile(99)) << " | " << Ms(figures.during.Percentile(100)) << " | "
            << figures.during.failures.size() << " | " << Mib(figures.bytes_most, figures.bytes_before) << " | "
            << Mib(figures.bytes_after, figures.bytes_before) << " |\n";
}

// Whether by TLS.
class Abuse : public testing::TestWithParam<std::tuple<bool, Attack>> {};

TEST_P(Abuse, NobodyElseNotices) {
  const auto& [tls, attack] = GetParam();
  const absl::Duration time = !Long() ? absl::Seconds(1) : std::max(absl::Seconds(20), attack.long_time);
  Target target(tls);
  ASSERT_FALSE(HasFailure());
  Neighbour neighbour(target.NewChannel());
  Figures figures;
  figures.before = Baseline(&neighbour, time / 8);
  figures.bytes_before = target.process().resident_bytes();
  Attacker attacker(target.connector(attack.below_tls), absl::Now() + time);
  {
    std::atomic<bool> done{false};
    std::thread watch([&] {
      while (!done) {
        figures.bytes_most = std::max(figures.bytes_most, target.process().resident_bytes());
        absl::SleepFor(kSample);
      }
    });
    {
      const Background attacking([&attacker, &run = attack.run] { run(&attacker); });
      figures.during = neighbour.Publish(time);
    }
    done = true;
    watch.join();
  }
  const auto given_back = [&] {
    figures.bytes_after = target.process().resident_bytes();
    return figures.bytes_after <= figures.bytes_before + kGrowthLeftMax;
  };
  EXPECT_TRUE(integration::WaitUntil(given_back, kGivenBackTime));
  const bool lives = target.lives();
  PrintRow(tls, attack, attacker, lives, figures);

  EXPECT_TRUE(lives) << target.process().errors();
  EXPECT_THAT(figures.during.failures, IsEmpty());
  EXPECT_LE(figures.bytes_most, figures.bytes_before + kGrowthMax);
  int ended_so = 0;
  for (const std::string& end : attack.ends) {
    const auto found = attacker.noted().find(end);
    if (found != attacker.noted().end()) ended_so += found->second;
  }
  if (attack.due < time) {
    EXPECT_GT(ended_so, 0) << "should have ended by " << absl::StrJoin(attack.ends, " or ");
  }
  for (const auto& [what, times] : attacker.noted()) {
    // What the server says last can be lost when it closes while more comes.
    if (what == "open" || what == "closed") continue;
    EXPECT_THAT(attack.ends, testing::Contains(what));
  }
  if (Long()) {
    EXPECT_LE(figures.during.Percentile(99), 2 * figures.before.Percentile(99) + absl::Milliseconds(5));
  }

  // And it takes newcomers.
  Neighbour newcomer(target.NewChannel());
  EXPECT_THAT(newcomer.Publish(absl::Milliseconds(100)).failures, IsEmpty());
}

std::vector<Attack> AllAttacks() {
  std::vector<Attack> attacks = Floods();
  for (auto& one : AttacksByMessages()) attacks.push_back(std::move(one));
  for (auto& one : AttacksByPeers()) attacks.push_back(std::move(one));
  return attacks;
}

std::vector<Attack> AttacksByTcp() {
  std::vector<Attack> attacks = AllAttacks();
  std::erase_if(attacks, [](const Attack& attack) { return attack.below_tls; });
  return attacks;
}

// Unless there is time, TLS has some of them.
std::vector<Attack> AttacksByTls() {
  std::vector<Attack> attacks = AllAttacks();
  const auto left_out = [](const Attack& attack) {
    return attack.name != "Pings" && attack.name != "RapidResets" && attack.name != "ContinuationsWithoutEnd" &&
           attack.name != "CallsOf4MiBThatNeverEnd" && !attack.below_tls;
  };
  if (!Long()) std::erase_if(attacks, left_out);
  return attacks;
}

std::string NameOf(const testing::TestParamInfo<std::tuple<bool, Attack>>& info) {
  return std::get<Attack>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(Plain, Abuse, testing::Combine(testing::Values(false), testing::ValuesIn(AttacksByTcp())),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Tls, Abuse, testing::Combine(testing::Values(true), testing::ValuesIn(AttacksByTls())),
                         NameOf);

}  // namespace
}  // namespace nmq::http2
