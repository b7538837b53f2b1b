// What nmqd says when it dies.
#include "server/last_words.h"

#include <signal.h>
#include <sys/resource.h>

#include <new>
#include <stdexcept>
#include <string>

#include "gmock/gmock.h"
#include "grpc/support/log.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"

namespace nmq::integration {
namespace {

using testing::HasSubstr;

// Nothing catches what `dies` throws.
template <typename Dies>
void Die(Dies dies) noexcept {
  InstallLastWords();
  dies();
}

TEST(LastWordsDeathTest, SayThatMemoryRanOut) {
  // As operator new calls it.
  EXPECT_DEATH(Die([] { std::get_new_handler()(); }), "nmqd: out of memory: .*limits");
  EXPECT_DEATH(Die([] { std::get_new_handler()(); }), "nmqd: ends, for nothing catches an exception: std::bad_alloc");
}

TEST(LastWordsDeathTest, SayWhichExceptionNothingCatches) {
  EXPECT_DEATH(Die([] { throw std::runtime_error("the reason"); }),
               "nmqd: ends, for nothing catches an exception: the reason\nnmqd: ends by SIGABRT");
  EXPECT_DEATH(Die([] { throw 1; }), "nmqd: ends, for nothing catches an exception: i\n");
}

TEST(LastWordsDeathTest, HaveThoseOfGrpc) {
  EXPECT_DEATH(Die([] { GPR_ASSERT(1 > 2); }), "nmqd: ends by SIGABRT; gRPC said last: assertion failed: 1 > 2");
  EXPECT_DEATH(Die([] { abort(); }), "nmqd: ends by SIGABRT\n");
}

TEST(LastWords, OfNmqdAreALineForEverySignalThatKillsIt) {
  for (const auto& [signal, name] : {std::pair(SIGABRT, "SIGABRT"), std::pair(SIGBUS, "SIGBUS")}) {
    Nmqd nmqd;
    nmqd.process().Signal(signal);
    EXPECT_EQ(nmqd.process().WaitForExit(kPatience), 128 + signal);
    EXPECT_THAT(nmqd.process().errors(), HasSubstr(std::string("\nnmqd: ends by ") + name + "\n"));
  }
}

TEST(LastWords, OfNmqdSayWhyItDiesWithoutMemory) {
  Nmqd nmqd;
  Api api(nmqd.address());
  const TestClient client(&api);
  // From now on it gets no more.
  const rlimit none = {1, 1};
  ASSERT_EQ(prlimit(nmqd.process().pid(), RLIMIT_AS, &none, nullptr), 0);
  v1::PublishRequest request;
  request.set_session(client.session());
  *request.mutable_message() = MakeMessage("L", "E", std::string(1 << 20, 'x'));
  while (api.Try(&v1::MessageQueue::Stub::Publish, request).ok()) continue;
  EXPECT_EQ(nmqd.process().WaitForExit(kPatience), 128 + SIGABRT);
  EXPECT_THAT(nmqd.process().errors(), HasSubstr("\nnmqd: out of memory: "));
  EXPECT_THAT(nmqd.process().errors(), HasSubstr("\nnmqd: ends by SIGABRT"));
}

}  // namespace
}  // namespace nmq::integration
