#include "tests/bench/nmq/nmq_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <string>

namespace nmq::bench {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The arguments with which a system starts its nmqd, which here only says that it is ready.
std::string ArgumentsOf(const System& system, const std::string& program) {
  const absl::StatusOr<RunningSystem> running = system.start();
  EXPECT_TRUE(running.ok()) << running.status();
  std::ifstream file(program + ".arguments");
  return {std::istreambuf_iterator<char>(file), {}};
}

class NmqSystemTest : public testing::Test {
 protected:
  void SetUp() override {
    settings_.nmqd = testing::TempDir() + "/nmqd";
    settings_.log = "/dev/null";
    std::ofstream(settings_.nmqd) << "#!/bin/sh\necho \"$@\" > \"$0.arguments\"\n"
                                  << "echo nmqd ready grpc=127.0.0.1:1\nexec sleep 60\n";
    ASSERT_EQ(chmod(settings_.nmqd.c_str(), 0755), 0);
  }

  NmqSettings settings_;
};

TEST_F(NmqSystemTest, DefaultsAreNmqds) {
  EXPECT_EQ(NmqSystem(settings_).name, "nmq");
  const std::string arguments = ArgumentsOf(NmqSystem(settings_), settings_.nmqd);
  EXPECT_THAT(arguments, HasSubstr("--listen=127.0.0.1:0"));
  EXPECT_THAT(arguments, Not(HasSubstr("--transport")));
  EXPECT_THAT(arguments, Not(HasSubstr("--threads")));
}

TEST_F(NmqSystemTest, TransportAndThreadsAreInTheNameAndSaidToNmqd) {
  settings_.transport = "http2";
  settings_.threads = 2;
  EXPECT_EQ(NmqSystem(settings_).name, "nmq-http2/2");
  EXPECT_EQ(BareNmqSystem(settings_).name, "nmq-http2 bare reader/2");
  for (const System& system : {NmqSystem(settings_), BareNmqSystem(settings_)}) {
    const std::string arguments = ArgumentsOf(system, settings_.nmqd);
    EXPECT_THAT(arguments, HasSubstr("--transport=http2")) << system.name;
    EXPECT_THAT(arguments, HasSubstr("--threads=2")) << system.name;
  }
}

TEST_F(NmqSystemTest, OnlyTheCheapestClientsSystemIsNmqItself) {
  EXPECT_TRUE(NmqSystem(settings_).is_nmq);
  EXPECT_FALSE(BareNmqSystem(settings_).is_nmq);
  EXPECT_FALSE(NmqLibrarySystem(settings_).is_nmq);
  EXPECT_FALSE(FloorSystem("floor", {}).is_nmq);
}

}  // namespace
}  // namespace nmq::bench
