#include "server/session/leases.h"

#include <memory>
#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace nmq::broker {
namespace {

Session SessionOf(const std::string& id) {
  return {std::make_shared<Client>(/*number=*/1, id, id + ".run.secret", absl::UnixEpoch()), nullptr};
}

// The id of the client whose lease is due; empty if none is.
std::string TakeDue(Leases* leases, int64_t now_us) {
  const std::optional<Session> session = leases->TakeDue(now_us);
  return session.has_value() ? session->client->id() : "";
}

TEST(Leases, AreDueInTheOrderOfTheirTimes) {
  Leases leases;
  leases.Watch(SessionOf("late"), 30);
  leases.Watch(SessionOf("early"), 10);
  leases.Watch(SessionOf("middle"), 20);
  EXPECT_EQ(TakeDue(&leases, 9), "");
  EXPECT_EQ(TakeDue(&leases, 25), "early");
  EXPECT_EQ(TakeDue(&leases, 25), "middle");
  EXPECT_EQ(TakeDue(&leases, 25), "");
  EXPECT_EQ(TakeDue(&leases, 30), "late");
}

TEST(Leases, AtTheSameTimeAreAllDue) {
  Leases leases;
  leases.Watch(SessionOf("a"), 10);
  leases.Watch(SessionOf("b"), 10);
  const std::string first = TakeDue(&leases, 10);
  const std::string second = TakeDue(&leases, 10);
  EXPECT_EQ(first < second ? first + second : second + first, "ab");
}

TEST(Leases, CountFromTheLastTimeThatWasSet) {
  Leases leases;
  const Session session = SessionOf("a");
  leases.Watch(session, 10);
  leases.Watch(session, 40);
  EXPECT_EQ(TakeDue(&leases, 39), "");
  EXPECT_EQ(TakeDue(&leases, 40), "a");
  EXPECT_EQ(TakeDue(&leases, 40), "") << "once taken, it is watched no more";
  leases.Watch(session, 50);
  leases.Watch(session, 45);
  EXPECT_EQ(TakeDue(&leases, 45), "a");
  EXPECT_EQ(TakeDue(&leases, 50), "");
}

TEST(Leases, ThatAreForgottenAreNeverDue) {
  Leases leases;
  const Session session = SessionOf("a");
  leases.Watch(session, 10);
  leases.Forget(session.client.get());
  leases.Forget(session.client.get());
  EXPECT_EQ(TakeDue(&leases, 10), "");
}

TEST(Leases, KeepNoClientAliveOnceForgotten) {
  Leases leases;
  Session session = SessionOf("a");
  const std::weak_ptr<Client> client = session.client;
  leases.Watch(session, 10);
  leases.Forget(session.client.get());
  session.client = nullptr;
  EXPECT_TRUE(client.expired());
}

}  // namespace
}  // namespace nmq::broker
