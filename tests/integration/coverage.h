// Nothing is lost silently: the check of it.
#ifndef NMQ_TESTS_INTEGRATION_COVERAGE_H_
#define NMQ_TESTS_INTEGRATION_COVERAGE_H_

#include <cstdint>

#include "gtest/gtest.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq::integration {

// Follows what a subscription is told of one queue whose messages are all for it: fails the test unless each message
// comes once, in order, or is counted by a gap.
class Coverage {
 public:
  void Add(const v1::SubscribeResponse& frame) {
    for (const v1::Message& message : frame.batch().messages()) {
      EXPECT_EQ(message.sequence(), next_);
      next_ = message.sequence() + 1;
      ++heard_;
    }
    if (!frame.has_gap()) return;
    const v1::Gap& gap = frame.gap();
    EXPECT_EQ(gap.first(), next_) << gap.ShortDebugString();
    EXPECT_GE(gap.last(), gap.first());
    EXPECT_EQ(gap.count(), gap.last() - gap.first() + 1);
    next_ = gap.last() + 1;
    missed_ += gap.count();
    ++gaps_;
  }

  // The sequence to come next.
  uint64_t next() const { return next_; }
  uint64_t heard() const { return heard_; }
  uint64_t missed() const { return missed_; }
  int gaps() const { return gaps_; }

 private:
  uint64_t next_ = 1;
  uint64_t heard_ = 0;
  uint64_t missed_ = 0;
  int gaps_ = 0;
};

}  // namespace nmq::integration

#endif  // NMQ_TESTS_INTEGRATION_COVERAGE_H_
