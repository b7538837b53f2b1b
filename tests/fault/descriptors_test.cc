// A store whose process has no descriptors left.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "tests/fault/store_fixture.h"

namespace nmq::log {
namespace {

constexpr rlim_t kLimit = 100;

class DescriptorsTest : public StoreFaultTest {
 protected:
  DescriptorsTest() {
    options_.env = nullptr;  // the real disk
    options_.open_files = 32;
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit few = {kLimit, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
  }
  ~DescriptorsTest() override {
    Free();
    setrlimit(RLIMIT_NOFILE, &before_);
  }

  // Takes all that are left, but for so many.
  void Eat(size_t left = 0) {
    for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) eaten_.push_back(fd);
    ASSERT_EQ(errno, EMFILE);
    for (; left > 0; --left) FreeOne();
  }
  void FreeOne() {
    close(eaten_.back());
    eaten_.pop_back();
  }
  void Free() {
    while (!eaten_.empty()) FreeOne();
  }
  static size_t Used() {
    size_t used = 0;
    for (int fd = 0; fd < static_cast<int>(kLimit); ++fd) used += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    return used;
  }
  void ExpectNoDescriptors(const absl::Status& status) {
    ExpectError(status, absl::StatusCode::kResourceExhausted, "NO_DESCRIPTORS");
    for (const char* word : {"RLIMIT_NOFILE", "100", directory_.c_str(), "goes on"}) {
      EXPECT_NE(status.message().find(word), absl::string_view::npos) << status;
    }
  }

 private:
  rlimit before_;
  std::vector<int> eaten_;
};

TEST_F(DescriptorsTest, ThatRunOutRefuseWritesUntilThereAreSomeAgain) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(10).ok());
  for (int i = 0; i < 3; ++i) {
    Eat();
    // Until a new log is needed.
    ExpectNoDescriptors(AppendUpTo(acknowledged_ + 1000));
    ExpectNoDescriptors(store_->health());
    EXPECT_TRUE(HoldsAllFrom(acknowledged_ - 5)) << "what is in memory can be read";
    store_->Housekeep();
    ExpectNoDescriptors(AppendUpTo(acknowledged_ + 1));
    Free();
    store_->Housekeep();
    EXPECT_TRUE(store_->health().ok()) << store_->health();
    ASSERT_TRUE(AppendUpTo(acknowledged_ + 500).ok());
    EXPECT_TRUE(HoldsAllFrom(1));
  }
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(HoldsAllFrom(1));
}

TEST_F(DescriptorsTest, ThatComeBackOneByOneAreEnoughSomeTime) {
  ASSERT_TRUE(Open().ok());
  Eat();
  ExpectNoDescriptors(AppendUpTo(1000));
  bool writes = false;
  for (int freed = 0; freed < 60 && !writes; ++freed) {
    FreeOne();
    store_->Housekeep();
    writes = store_->health().ok();
    if (!writes) ExpectNoDescriptors(store_->health());
  }
  EXPECT_TRUE(writes);
  EXPECT_TRUE(AppendUpTo(acknowledged_ + 10).ok());
  EXPECT_TRUE(HoldsAllFrom(1));
}

TEST_F(DescriptorsTest, ThatAreMissingAtTheStartAreToldAndThenItStarts) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(300).ok());
  store_.reset();
  for (size_t left = 0; left < 8; ++left) {
    Eat(left);
    ExpectNoDescriptors(Open());
    Free();
  }
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(HoldsAllFrom(1));
}

TEST_F(DescriptorsTest, AreNotTakenForEveryTable) {
  const size_t before = Used();
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(12'000).ok());
  for (uint64_t at = 1; at < acknowledged_; at += 20) EXPECT_TRUE(store_->Read(kQueue, at, acknowledged_, 1).ok());
  ASSERT_GT(Files(".sst").size(), 50u);
  EXPECT_LE(Used(), before + static_cast<size_t>(options_.open_files) + 16);
}

}  // namespace
}  // namespace nmq::log
