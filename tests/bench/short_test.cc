// Every workload at a small scale against real servers, with nmq's own clients: counts, never times.

#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <string>
#include <tuple>
#include <vector>

#include "tests/bench/nmq/nmq_system.h"
#include "tests/bench/workloads/cases.h"

namespace nmq::bench {
namespace {

constexpr Extent kExtent = {.messages = 300};

std::string Log() { return testing::TempDir() + "/servers.log"; }

const std::vector<System>& Systems() {
  static const auto* const systems = new std::vector<System>{
      NmqSystem({.nmqd = std::getenv("NMQD"), .log = Log()}),
      NmqLibrarySystem({.nmqd = std::getenv("NMQD"), .log = Log()}),
      FloorSystem({.words = {std::getenv("FLOOR_SERVER")}, .ready = "floor_server ready grpc=", .log = Log()})};
  return *systems;
}

const std::vector<Case>& Cases() {
  static const auto* const cases = new std::vector<Case>(AllCases(Scale::kShort));
  return *cases;
}

// The numbers of a system and a case.
class Short : public testing::TestWithParam<std::tuple<size_t, size_t>> {
 protected:
  const System& system() const { return Systems()[std::get<0>(GetParam())]; }
  const Case& one() const { return Cases()[std::get<1>(GetParam())]; }
};

TEST_P(Short, EveryDeliveryIsCounted) {
  absl::StatusOr<RunningSystem> running = system().start();
  ASSERT_TRUE(running.ok()) << running.status();
  Report report;
  const Subject subject = {.client = running->client.get(), .server = running->server->pid()};
  const absl::Status status = one().run(kExtent, subject, Record(&report, one().name, system().name));
  // Only what is not nmqd, or not the cheapest client, may lack something.
  if (system().name != "nmq" && absl::IsUnimplemented(status)) GTEST_SKIP() << status;
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_FALSE(report.Workloads().empty());
  running->client = nullptr;
  const absl::Status stopped = running->server->Stop();
  EXPECT_TRUE(stopped.ok()) << stopped;
}

std::string NameOf(const testing::TestParamInfo<std::tuple<size_t, size_t>>& info) {
  std::string name = Systems()[std::get<0>(info.param)].name + "_" + Cases()[std::get<1>(info.param)].name;
  std::string clean;
  for (const char c : name) clean += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return clean;
}

INSTANTIATE_TEST_SUITE_P(Systems, Short,
                         testing::Combine(testing::Range<size_t>(0, 3), testing::Range<size_t>(0, Cases().size())),
                         NameOf);

TEST(System, ServerThatIsGoneIsAnError) {
  absl::StatusOr<RunningSystem> running = Systems()[0].start();
  ASSERT_TRUE(running.ok()) << running.status();
  ASSERT_TRUE(running->server->Stop().ok());
  EXPECT_FALSE(running->client->Subscribe({.queue = "bench"}).ok());
}

}  // namespace
}  // namespace nmq::bench
