#include "server/namespace/subscription_table.h"

#include <malloc.h>

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SubscriptionTableTest : public testing::Test {
 protected:
  std::shared_ptr<Subscription> Add(const std::string& client, absl::string_view queue = "**") {
    Subscription::Options options;
    options.id = table_.NewId(client);
    options.name_space_counters = &counters_;
    options.client = std::make_shared<Client>(1, client, "session", absl::UnixEpoch());
    options.patterns.push_back({*Pattern::Parse("queue", queue, 128), *Pattern::Parse("event", "**", 128)});
    auto subscription = std::make_shared<Subscription>(std::move(options));
    table_.Add(subscription);
    return subscription;
  }
  std::vector<std::string> Visited(const std::string& client, const std::string& after, int looks_max,
                                   std::string* stopped) const {
    std::vector<std::string> ids;
    *stopped = table_.Visit(client, after, looks_max, [&](const Subscription& subscription) {
      ids.push_back(subscription.id());
      return true;
    });
    return ids;
  }

  Counters counters_;
  SubscriptionTable table_;
};

TEST_F(SubscriptionTableTest, AClientsSubscriptionsHaveItsIdAndANumber) {
  EXPECT_EQ(Add("a")->id(), "a.1");
  EXPECT_EQ(Add("a")->id(), "a.2");
  EXPECT_EQ(Add("b")->id(), "b.1");
  EXPECT_EQ(table_.size(), 3u);
  EXPECT_EQ(table_.Of("a").size(), 2u);
  EXPECT_THAT(table_.Of("nobody"), IsEmpty());
}

TEST_F(SubscriptionTableTest, AddressesAreSharedAndRight) {
  const auto first = table_.SharedPeer("a", "here");
  EXPECT_EQ(table_.SharedPeer("a", "here"), first);
  EXPECT_EQ(*table_.SharedPeer("a", "there"), "there");
  EXPECT_EQ(*table_.SharedPeer("b", "here"), "here");
  EXPECT_EQ(*first, "here");
}

TEST_F(SubscriptionTableTest, ASubscriptionWithoutQueuesTakesLittleMemory) {
  constexpr int kSubscriptions = 1000;
  constexpr size_t kBytesMax = 650;
  const std::string id(24, 'c');
  Subscription::Options options;
  options.client = std::make_shared<Client>(1, id, "session", absl::UnixEpoch());
  options.patterns.push_back({*Pattern::Parse("queue", "idle", 128), *Pattern::Parse("event", "**", 128)});
  options.name_space_counters = &counters_;
  const size_t before = mallinfo2().uordblks;  // nothing under a sanitizer, whose heap is another
  for (int i = 0; i < kSubscriptions; ++i) {
    options.id = table_.NewId(id);
    options.peer = table_.SharedPeer(id, "ipv4:127.0.0.1:12345");
    table_.Add(std::make_shared<Subscription>(options));
  }
  EXPECT_LT((mallinfo2().uordblks - before) / kSubscriptions, kBytesMax);
}

TEST_F(SubscriptionTableTest, ANumberIsNotGivenTwiceToAClient) {
  const auto first = Add("a");
  EXPECT_TRUE(table_.Remove(*first));
  EXPECT_FALSE(table_.Remove(*first));
  EXPECT_EQ(table_.size(), 0u);
  EXPECT_EQ(Add("a")->id(), "a.2");
}

TEST_F(SubscriptionTableTest, AClientThatGoesTakesItsOwnWithIt) {
  const auto first = Add("a");
  Add("b");
  EXPECT_EQ(table_.TakeOf("a").size(), 1u);
  EXPECT_THAT(table_.TakeOf("a"), IsEmpty());
  EXPECT_FALSE(table_.Remove(*first));
  EXPECT_EQ(table_.size(), 1u);
}

TEST_F(SubscriptionTableTest, KnowsWhetherAnyHearsAnEvent) {
  Add("a", "DB");
  EXPECT_TRUE(table_.AnyHears("DB", "CREATE"));
  EXPECT_FALSE(table_.AnyHears("FS", "CREATE"));
}

TEST_F(SubscriptionTableTest, ListsGoOnWhereTheyStopped) {
  for (const char* client : {"b", "a", "a"}) Add(client);
  std::string stopped;
  EXPECT_THAT(Visited("", "", 2, &stopped), ElementsAre("a.1", "a.2"));
  EXPECT_EQ(stopped, "a.2");
  EXPECT_THAT(Visited("", stopped, 2, &stopped), ElementsAre("b.1"));
  EXPECT_EQ(stopped, "");
  EXPECT_THAT(Visited("a", "", 10, &stopped), ElementsAre("a.1", "a.2"));
}

}  // namespace
}  // namespace nmq::broker
