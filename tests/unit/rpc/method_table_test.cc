#include "server/rpc/method_table.h"

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/rpc/rpc_path.h"
#include "tests/unit/rpc/fake_transport.h"

namespace nmq::rpc {
namespace {

TEST(MethodTable, CallOfAMethodThatIsNotThereEndsAndNamesIt) {
  const auto loop = std::make_shared<FakeLoop>();
  FakeExchange exchange(loop.get());
  Handler* const handler = loop->methods().Serve("/nmq.v1.MessageQueue/Purge", &exchange);
  ASSERT_TRUE(exchange.status().has_value());
  EXPECT_EQ(exchange.status()->code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(exchange.status()->message()), testing::HasSubstr("\"/nmq.v1.MessageQueue/Purge\""));
  handler->OnDone();
}

TEST(RpcPath, IsThatOfTheWire) {
  EXPECT_EQ((RpcPath<v1::JoinRequest, v1::JoinResponse>("nmq.v1.MessageQueue.Join")), "/nmq.v1.MessageQueue/Join");
}

TEST(RpcPathDeathTest, OfAnRpcWithOtherTypesOrOfNoneIsNotServed) {
  EXPECT_DEATH((RpcPath<v1::LeaveRequest, v1::JoinResponse>("nmq.v1.MessageQueue.Join")), "takes nmq.v1.JoinRequest");
  EXPECT_DEATH((RpcPath<v1::JoinRequest, v1::JoinResponse>("nmq.v1.MessageQueue.Joins")), "there is no rpc");
}

}  // namespace
}  // namespace nmq::rpc
