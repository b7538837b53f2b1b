// Clients in C++, and nmq, whose tokens are renewed while they are at work.
#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "client/cpp/client.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"
#include "tests/testing/signed_tokens.h"

namespace nmq::integration {
namespace {

class TokenRenewal : public testing::Test {
 protected:
  TokenRenewal() {
    WriteFile("login.jwks", JwksOf({signer_.jwk()}));
    const std::string access =
        WriteFile("access.textproto", R"(jwt { issuer: 'https://login.test' audience: 'nmq' jwks_file: 'login.jwks' }
                               identity { name: 'caller' }
                               grant { identity: 'caller' namespace: '**' right: RIGHT_CONNECT right: RIGHT_PUBLISH
                                       right: RIGHT_SUBSCRIBE })");
    nmqd_ = std::make_unique<Nmqd>(std::vector<std::string>{"--access=" + access});
  }
  std::string TokenUntil(absl::Time expiry) const {
    return signer_.Sign(ClaimsAt(absl::Now(), {{"exp", absl::StrCat(absl::ToUnixSeconds(expiry))}}));
  }
  // The file of a token that is good so long, as a login service's agent replaces it.
  static std::string WriteToken(const std::string& token) {
    const std::string path = WriteFile("token.new", token + "\n");
    const std::string name = path.substr(0, path.size() - 4);
    EXPECT_EQ(rename(path.c_str(), name.c_str()), 0);
    return name;
  }
  static absl::Time InSeconds(int seconds) { return absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()) + seconds); }

  const Signer signer_ = Signer::Ed25519();
  std::unique_ptr<Nmqd> nmqd_;
};

TEST_F(TokenRenewal, SubscriptionsAndPublishersGoOnWithTheFilesNewToken) {
  const absl::Time expiry = InSeconds(3);
  const std::string file = WriteToken(TokenUntil(expiry));
  // The subscriber calls nothing else, so that the server learns of the new token when its stream begins again.
  const auto client = Client::Connect({.server = nmqd_->address(), .token_file = file});
  const auto publishing = Client::Connect({.server = nmqd_->address(), .token_file = file});
  ASSERT_TRUE(client.ok() && publishing.ok()) << client.status() << publishing.status();
  std::atomic<int> heard{0};
  const auto subscription =
      (*client)->Subscribe({.patterns = {{"DB", "*"}}}, {.on_message = [&](const Message&) { ++heard; }});
  ASSERT_TRUE(subscription.ok()) << subscription.status();
  const auto publisher = (*publishing)->NewPublisher();
  ASSERT_TRUE(publisher->Add(MakeMessage("DB", "CREATE", "before")).ok());
  ASSERT_TRUE(publisher->Flush(absl::Seconds(10)).status.ok());
  EXPECT_TRUE(WaitUntil([&] { return heard == 1; }));
  WriteToken(TokenUntil(InSeconds(600)));
  // Streams end within five seconds.
  absl::SleepFor(expiry + absl::Seconds(5) - absl::Now());
  ASSERT_TRUE(publisher->Add(MakeMessage("DB", "CREATE", "after")).ok());
  const auto flushed = publisher->Flush(absl::Seconds(10));
  EXPECT_TRUE(flushed.status.ok()) << flushed.status;
  EXPECT_TRUE(WaitUntil([&] { return heard == 2; })) << (*subscription)->Wait(absl::ZeroDuration());
}

TEST_F(TokenRenewal, SubscriptionEndsIfThereIsNoNewerToken) {
  const auto client = Client::Connect({.server = nmqd_->address(), .token = TokenUntil(InSeconds(3))});
  ASSERT_TRUE(client.ok()) << client.status();
  absl::Status end;
  std::atomic<bool> ended{false};
  const auto subscription = (*client)->Subscribe({.patterns = {{"DB", "*"}}},
                                                 {.on_state = [&](SubscriptionState state, const absl::Status& why) {
                                                   if (state != SubscriptionState::kEnded) return;
                                                   end = why;
                                                   ended = true;
                                                 }});
  ASSERT_TRUE(subscription.ok()) << subscription.status();
  EXPECT_TRUE(WaitUntil([&] { return ended.load(); }));
  EXPECT_EQ(ReasonOf(end), "CREDENTIALS_EXPIRED") << end;
}

TEST_F(TokenRenewal, ProviderIsAskedForEachCall) {
  std::atomic<int> asked{0};
  const std::string good = TokenUntil(InSeconds(600));
  std::string given = good;
  const auto client = Client::Connect({.server = nmqd_->address(), .token_provider = [&] {
                                         ++asked;
                                         return given;
                                       }});
  ASSERT_TRUE(client.ok()) << client.status();
  const int before = asked;
  EXPECT_TRUE((*client)->Publish(MakeMessage("DB", "CREATE", "x")).ok());
  EXPECT_EQ(asked, before + 1);
  // What is no token is not shown.
  for (const char* none : {"", "a b", "a\nb"}) {
    given = none;
    EXPECT_EQ(ReasonOf((*client)->Publish(MakeMessage("DB", "CREATE", "x")).status()), "CREDENTIALS_MISSING");
  }
  given = good;
}

TEST_F(TokenRenewal, OnlyOneSaysWhichTokenIsShown) {
  const std::string file = WriteToken("x");
  EXPECT_TRUE(absl::IsInvalidArgument(
      Client::Connect({.server = nmqd_->address(), .token = "x", .token_file = file}).status()));
  for (const std::string& wrong : {std::string("/nowhere/token"), WriteFile("empty", ""), WriteFile("wrong", "a b")}) {
    const absl::Status status = Client::Connect({.server = nmqd_->address(), .token_file = wrong}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_NE(status.message().find(wrong), std::string::npos) << status;
  }
}

}  // namespace
}  // namespace nmq::integration
