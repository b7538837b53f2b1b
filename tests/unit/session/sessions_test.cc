#include "server/session/sessions.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace nmq::broker {
namespace {

std::string TextOf(const std::string& id) { return id + ".run.secret"; }

Session SessionOf(const std::string& id) {
  return {std::make_shared<Client>(/*number=*/1, id, TextOf(id), absl::UnixEpoch()), nullptr};
}

TEST(Sessions, AreFoundByTheirWholeText) {
  Sessions sessions;
  sessions.Add(SessionOf("a"));
  sessions.Add(SessionOf("b"));
  EXPECT_EQ(sessions.Find("a", TextOf("a"))->client->id(), "a");
  EXPECT_EQ(sessions.Find("b", TextOf("b"))->client->id(), "b");
  EXPECT_FALSE(sessions.Find("a", "a.run.guess").has_value());
  EXPECT_FALSE(sessions.Find("a", TextOf("b")).has_value());
  EXPECT_FALSE(sessions.Find("c", TextOf("c")).has_value());
}

TEST(Sessions, OfAClientThatIsGoneAreNotFound) {
  Sessions sessions;
  const Session session = SessionOf("a");
  sessions.Add(session);
  session.client->set_gone();
  EXPECT_FALSE(sessions.Find("a", TextOf("a")).has_value());
}

TEST(Sessions, AreKnownByTheirClientUntilForgotten) {
  Sessions sessions;
  sessions.Add(SessionOf("a"));
  EXPECT_EQ(sessions.OfClient("a")->client->id(), "a");
  sessions.Forget("a");
  sessions.Forget("a");
  EXPECT_FALSE(sessions.OfClient("a").has_value());
  EXPECT_FALSE(sessions.Find("a", TextOf("a")).has_value());
}

TEST(Sessions, KeepNoClientAliveOnceForgotten) {
  Sessions sessions;
  Session session = SessionOf("a");
  const std::weak_ptr<Client> client = session.client;
  sessions.Add(std::move(session));
  EXPECT_FALSE(client.expired());
  sessions.Forget("a");
  EXPECT_TRUE(client.expired());
}

TEST(Sessions, AreFoundWhileOthersComeAndGo) {
  constexpr int kStaying = 100;
  constexpr int kPassing = 2000;
  Sessions sessions;
  for (int i = 0; i < kStaying; ++i) sessions.Add(SessionOf(absl::StrCat("stays-", i)));
  std::atomic<bool> done{false};
  std::atomic<int> missed{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 3; ++t) {
    callers.emplace_back([&] {
      do {
        for (int i = 0; i < kStaying; ++i) {
          const std::string id = absl::StrCat("stays-", i);
          if (!sessions.Find(id, TextOf(id)).has_value()) ++missed;
        }
      } while (!done);
    });
  }
  for (int i = 0; i < kPassing; ++i) {
    const std::string id = absl::StrCat("passes-", i);
    sessions.Add(SessionOf(id));
    EXPECT_TRUE(sessions.Find(id, TextOf(id)).has_value());
    sessions.Forget(id);
    EXPECT_FALSE(sessions.Find(id, TextOf(id)).has_value());
  }
  done = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(missed, 0);
}

}  // namespace
}  // namespace nmq::broker
