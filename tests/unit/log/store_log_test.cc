#include "server/log/store_log.h"

#include <memory>
#include <string>

#include "server/log/store.h"
#include "tests/testing/fresh_directory.h"
#include "tests/unit/log/log_contract.h"

namespace nmq::log {
namespace {

class StoreUnderTest final : public LogUnderTest {
 public:
  StoreUnderTest() {
    options_.directory = FreshDirectory();
    Open();
  }
  Log& log() override { return *log_; }
  void Reopen() override {
    log_ = nullptr;
    store_ = nullptr;
    Open();
  }

 private:
  void Open() {
    auto store = Store::Open(options_);
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    log_ = std::make_unique<StoreLog>(store_.get());
  }

  Store::Options options_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<StoreLog> log_;
};

INSTANTIATE_TEST_SUITE_P(StoreLog, LogContract,
                         testing::Values([] { return std::unique_ptr<LogUnderTest>(new StoreUnderTest); }));

}  // namespace
}  // namespace nmq::log
