// Every workload at a small scale against real servers, with nmq's own clients: counts, never times.

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string>
#include <tuple>
#include <vector>

#include "tests/bench/nats/nats_system.h"
#include "tests/bench/nmq/nmq_system.h"
#include "tests/bench/redis/redis_system.h"
#include "tests/bench/workloads/cases.h"
#include "tests/bench/workloads/run_case.h"

namespace nmq::bench {
namespace {

constexpr Extent kExtent = {.messages = 300};

std::string Log() { return testing::TempDir() + "/servers.log"; }

NmqSettings Nmqd(const std::string& transport) {
  return {.nmqd = std::getenv("NMQD"), .transport = transport, .log = Log()};
}

ServerCommand Floor(const char* program) {
  return {.words = {std::getenv(program)}, .ready = "floor_server ready grpc=", .log = Log()};
}

const std::vector<System>& Systems() {
  static const auto* const systems = new std::vector<System>{NmqSystem(Nmqd("grpc")),
                                                             NmqSystem(Nmqd("http2")),
                                                             BareNmqSystem(Nmqd("grpc")),
                                                             BareNmqSystem(Nmqd("http2")),
                                                             NmqLibrarySystem(Nmqd("")),
                                                             FloorSystem("bare gRPC", Floor("FLOOR_SERVER")),
                                                             FloorSystem("nghttp2", Floor("NGHTTP2_FLOOR")),
                                                             BareFloorSystem("nghttp2", Floor("NGHTTP2_FLOOR")),
                                                             NatsSystem(Log()),
                                                             RedisSystem(Log())};
  return *systems;
}

// Those of nmq's own clients come first; the peers are here for what is stored.
constexpr size_t kOwnSystems = 8;
constexpr size_t kAllSystems = 10;

// Live cases come first.
const std::vector<Case>& Cases() {
  static const auto* const cases = [] {
    auto* const all = new std::vector<Case>(AllCases(Scale::kShort));
    std::stable_partition(all->begin(), all->end(), [](const Case& one) { return !one.stores; });
    return all;
  }();
  return *cases;
}

size_t LiveCases() {
  return static_cast<size_t>(
      std::count_if(Cases().begin(), Cases().end(), [](const Case& one) { return !one.stores; }));
}

// The numbers of a system and a case.
class Short : public testing::TestWithParam<std::tuple<size_t, size_t>> {
 protected:
  const System& system() const { return Systems()[std::get<0>(GetParam())]; }
  const Case& one() const { return Cases()[std::get<1>(GetParam())]; }
};

TEST_P(Short, EveryDeliveryIsCounted) {
  if (one().only_nmq && one().stores && !system().is_nmq) GTEST_SKIP() << "nmq's own";
  Report report;
  const absl::Status status = RunCase(system(), one(), kExtent, testing::TempDir(), &report);
  // Only what is not nmqd, or not the cheapest client, may lack something.
  if (!system().is_nmq && absl::IsUnimplemented(status)) GTEST_SKIP() << status;
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_FALSE(report.Workloads().empty());
}

std::string NameOf(const testing::TestParamInfo<std::tuple<size_t, size_t>>& info) {
  std::string name = Systems()[std::get<0>(info.param)].name + "_" + Cases()[std::get<1>(info.param)].name;
  std::string clean;
  for (const char c : name) clean += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return clean;
}

INSTANTIATE_TEST_SUITE_P(Systems, Short,
                         testing::Combine(testing::Range<size_t>(0, kOwnSystems),
                                          testing::Range<size_t>(0, Cases().size())),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Peers, Short,
                         testing::Combine(testing::Range<size_t>(kOwnSystems, kAllSystems),
                                          testing::Range<size_t>(LiveCases(), Cases().size())),
                         NameOf);

TEST(System, ServerThatIsGoneIsAnError) {
  absl::StatusOr<RunningSystem> running = Systems()[0].start();
  ASSERT_TRUE(running.ok()) << running.status();
  ASSERT_TRUE(running->server->Stop().ok());
  EXPECT_FALSE(running->client->Subscribe({.queue = "bench"}).ok());
}

}  // namespace
}  // namespace nmq::bench
