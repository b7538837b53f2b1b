#ifndef NMQ_TESTS_UNIT_LOG_LOG_CONTRACT_H_
#define NMQ_TESTS_UNIT_LOG_LOG_CONTRACT_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "gtest/gtest.h"
#include "server/log/log.h"

namespace nmq::log {

// A log under test, and what can be done to it from outside.
class LogUnderTest {
 public:
  virtual ~LogUnderTest() = default;
  virtual Log& log() = 0;
  // Ends the log as the end of a process would, and opens it anew.
  virtual void Reopen() = 0;
};

// What every log promises, whatever is behind it. A test of a log makes an instance of this with what makes one.
class LogContract : public testing::TestWithParam<std::function<std::unique_ptr<LogUnderTest>()>> {
 protected:
  LogContract() : under_test_(GetParam()()) {}
  Log& log() { return under_test_->log(); }
  void Reopen() { under_test_->Reopen(); }
  // Appends messages with sequences from `first` to `last` to the queue; their times are their sequences in seconds.
  void Append(uint64_t queue, uint64_t first, uint64_t last);

 private:
  const std::unique_ptr<LogUnderTest> under_test_;
};

}  // namespace nmq::log

#endif  // NMQ_TESTS_UNIT_LOG_LOG_CONTRACT_H_
