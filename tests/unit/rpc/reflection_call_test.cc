#include "server/rpc/reflection_call.h"

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/limits/memory_budget.h"
#include "server/metrics/metrics.h"
#include "tests/unit/rpc/fake_transport.h"

namespace nmq::rpc {
namespace {

using grpc::reflection::v1::ServerReflectionRequest;
using grpc::reflection::v1::ServerReflectionResponse;

class ReflectionCallTest : public testing::Test {
 protected:
  ServerReflectionRequest Ask() {
    ServerReflectionRequest request;
    request.set_file_by_filename("nmq/v1/limits.proto");
    return request;
  }
  uint64_t AnswerBytes() { return Reflect(Ask(), services_).ByteSizeLong(); }
  // A caller that asks, and has not read the answer yet.
  FakeExchange& Caller() {
    FakeExchange& exchange = exchanges_.emplace_back(loop_.get());
    auto* const call = new ReflectionCall({&services_, memory_.get(), &metrics_}, &exchange);
    calls_.push_back(call);
    const std::string bytes = Ask().SerializeAsString();
    call->OnMessage(PlainRequestBytes(bytes));
    return exchange;
  }

  const std::shared_ptr<FakeLoop> loop_ = std::make_shared<FakeLoop>();
  const std::vector<std::string> services_ = {"nmq.v1.Registry"};
  std::unique_ptr<MemoryBudget> memory_;
  Metrics metrics_;
  std::deque<FakeExchange> exchanges_;
  std::vector<ReflectionCall*> calls_;
};

TEST_F(ReflectionCallTest, AnswersThatNobodyReadsTakeNoMoreThanTheirShare) {
  memory_ = std::make_unique<MemoryBudget>(3 * AnswerBytes());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Caller().written().size(), 1u);
  const FakeExchange& refused = Caller();
  EXPECT_THAT(refused.written(), testing::IsEmpty());
  ASSERT_TRUE(refused.status().has_value());
  EXPECT_EQ(refused.status()->code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.status()->message()), testing::HasSubstr("reflection: "));
  EXPECT_LE(memory_->taken(), memory_->bytes_max());
  for (ReflectionCall* const call : calls_) {
    if (call != calls_.back()) call->OnWritten(true);
    call->OnNoMore();
    call->OnDone();
  }
  EXPECT_EQ(memory_->taken(), 0u);
}

TEST_F(ReflectionCallTest, AnswerThatWasReadMakesRoom) {
  memory_ = std::make_unique<MemoryBudget>(AnswerBytes());
  EXPECT_EQ(Caller().written().size(), 1u);
  calls_[0]->OnWritten(true);
  EXPECT_EQ(Caller().written().size(), 1u);
  // The caller is gone, and has not read it.
  calls_[1]->OnCancelled();
  calls_[1]->OnWritten(false);
  calls_[1]->OnDone();
  EXPECT_EQ(Caller().written().size(), 1u);
  calls_[2]->OnWritten(true);
  for (ReflectionCall* const call : {calls_[0], calls_[2]}) {
    call->OnNoMore();
    call->OnDone();
  }
  EXPECT_EQ(memory_->taken(), 0u);
}

}  // namespace
}  // namespace nmq::rpc
