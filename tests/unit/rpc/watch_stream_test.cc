#include "server/rpc/watch_stream.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nmq/v1/registry.pb.h"
#include "server/call/access.h"
#include "tests/unit/broker/harness.h"
#include "tests/unit/rpc/fake_transport.h"

namespace nmq::rpc {
namespace {

using testing::Le;

// Hides all rooms but "hall" from those who look, and counts how often they do.
class HidingRooms final : public Access {
 public:
  absl::StatusOr<std::shared_ptr<const Principal>> Identify(std::optional<absl::string_view>,
                                                            const ClientCertificate*) const override {
    return nullptr;
  }
  absl::Status Check(const Call&, Right right, const Named& what) const override {
    return Has(right, what.room) ? absl::OkStatus() : absl::PermissionDeniedError("hidden");
  }
  std::unique_ptr<AccessView> View(const Call&, absl::string_view) const override {
    class View final : public AccessView {
     public:
      explicit View(const HidingRooms* access) : access_(*access) {}
      bool Has(Right right, absl::string_view, absl::string_view room) override { return access_.Has(right, room); }

     private:
      const HidingRooms& access_;
    };
    return std::make_unique<View>(this);
  }
  bool Grants(const Principal*, Right right, const Named& what) const override { return Has(right, what.room); }
  absl::Status Explain(const Call&, const v1::ExplainRequest&, v1::ExplainResponse*) const override {
    return absl::OkStatus();
  }

  mutable int looks = 0;

 private:
  bool Has(Right right, absl::string_view room) const {
    if (right != Right::kInspect) return true;
    ++looks;
    return room.empty() || room == "hall";
  }
};

// Takes so many turns when it is started.
class TurningLoop final : private LoopParts, public Loop {
 public:
  TurningLoop(const Clock* clock, int turns)
      : Loop(&own_lane, clock, &own_metrics, {&own_memory, &own_memory}), turns_(turns) {}

  void Shutdown() override {}

 private:
  bool TakeEvents() override {
    TurnBegins();
    return turns_-- > 0;
  }
  void Interrupt() override {}
  void EndTurn() override {}

  int turns_;
};

constexpr int kRooms = 900;
constexpr int kBlock = 500;
constexpr int kTurns = 50;  // each has a block

TEST(WatchStream, GivesTheLoopAwayBetweenBlocksOfHiddenChanges) {
  HidingRooms access;
  broker::World world(R"(namespace { name: "default" })", /*lanes=*/1, /*data_dir=*/"", /*env=*/nullptr, &access);
  const uint64_t begin = world.broker().changes().revision();
  const broker::Member member = world.Connect();
  std::vector<std::string> rooms;
  for (int i = 0; i < kRooms; ++i) rooms.push_back(absl::StrCat("r", i));
  for (int time = 0; time < 2; ++time) {
    ASSERT_TRUE(world.Join(member, rooms).ok());
    ASSERT_TRUE(world.Leave(member, rooms).ok());
  }
  ASSERT_TRUE(world.Join(member, {"hall"}).ok());

  const auto loop = std::make_shared<TurningLoop>(&world.clock(), /*turns=*/kTurns);
  FakeExchange exchange(loop.get());
  Handler* const stream = new WatchStream(&world.broker(), &exchange);
  v1::WatchRequest request;
  request.set_namespace_("default");
  request.set_after_revision(begin);
  const std::string bytes = request.SerializeAsString();
  stream->OnMessage(PlainRequestBytes(bytes));
  access.looks = 0;
  stream->OnWritten(true);
  // With what a view of the namespace takes at first.
  EXPECT_THAT(access.looks, Le(kBlock + 3));
  EXPECT_EQ(exchange.written().size(), 1u);

  // It goes on by itself.
  loop->Start();
  loop->Join();
  ASSERT_EQ(exchange.written().size(), 2u);
  v1::WatchResponse response;
  ASSERT_TRUE(response.ParseFromString(exchange.written().back()));
  EXPECT_GE(response.changes_size(), 1);
  for (const v1::Change& change : response.changes()) EXPECT_EQ(change.room(), "hall");
  EXPECT_EQ(response.revision(), world.broker().changes().revision());
  stream->OnCancelled();
  stream->OnDone();
}

}  // namespace
}  // namespace nmq::rpc
