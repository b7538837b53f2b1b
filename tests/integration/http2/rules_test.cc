// The rules of HTTP/2 and HPACK, one by one, against nmqd: what it does about each that is broken.
#include "tests/integration/http2/rules.h"

#include <nghttp2/nghttp2.h>

#include <memory>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/integration/http2/raw_client.h"
#include "tests/integration/http2/tls_client.h"
#include "tests/integration/nmqd.h"
#include "tests/testing/certificates.h"
#include "tests/testing/http2_frames.h"

namespace nmq::http2 {

void PrintTo(const Rule& rule, std::ostream* out) { *out << rule.section << " " << rule.what; }

namespace {

// Whether by TLS.
class Rules : public testing::TestWithParam<std::tuple<bool, Rule>> {
 protected:
  static void SetUpTestSuite() {
    const Credentials pair = Authority().Issue();
    nmqd_ = new integration::Nmqd({"--transport=http2"});
    tls_nmqd_ = new integration::Nmqd(
        {"--transport=http2", "--tls_certificate=" + integration::WriteFile("certificate.pem", pair.certificate),
         "--tls_key=" + integration::WriteFile("key.pem", pair.key)});
  }
  static void TearDownTestSuite() {
    delete std::exchange(nmqd_, nullptr);
    delete std::exchange(tls_nmqd_, nullptr);
  }

  void SetUp() override {
    auto bytes = std::get<bool>(GetParam()) ? ToTlsPort(tls_nmqd_->port())() : ToPort(nmqd_->port())();
    ASSERT_NE(bytes, nullptr);
    client_ = std::make_unique<RawClient>(std::move(bytes));
  }
  FrameLog& log() { return client_->log(); }
  // False if the server has ended the connection.
  bool PingIsAnswered(const std::string& payload) {
    client_->Send(ToBytes(NGHTTP2_PING, 0, 0, payload));
    return client_->ReceiveUntil([&] {
      for (const RawFrame& frame : log().Of(NGHTTP2_PING, 0)) {
        if (frame.payload == payload && (frame.flags & NGHTTP2_FLAG_ACK) != 0) return true;
      }
      return false;
    });
  }
  // What was said before the answer to the second has been sent.
  bool GoesOn() { return PingIsAnswered("firstone") && PingIsAnswered("secondly"); }

  static integration::Nmqd* nmqd_;
  static integration::Nmqd* tls_nmqd_;
  std::unique_ptr<RawClient> client_;
};

integration::Nmqd* Rules::nmqd_ = nullptr;
integration::Nmqd* Rules::tls_nmqd_ = nullptr;

TEST_P(Rules, AreKept) {
  const Rule& rule = std::get<Rule>(GetParam());
  const Reaction& reaction = rule.reaction;
  if (rule.greets) ASSERT_TRUE(client_->Greet());
  client_->Send(rule.bytes);
  if (reaction.kind == Reaction::Kind::kGoAway) {
    EXPECT_TRUE(client_->ReceiveAll());
    EXPECT_EQ(log().goaway(), reaction.code);
    return;
  }
  EXPECT_TRUE(GoesOn()) << "GOAWAY with " << log().goaway();
  EXPECT_EQ(log().goaway(), -1);
  switch (reaction.kind) {
    case Reaction::Kind::kReset:
      EXPECT_EQ(log().reset(reaction.stream), reaction.code);
      break;
    case Reaction::Kind::kAnswers:
      EXPECT_TRUE(client_->ReceiveUntil([this] { return !log().Of(NGHTTP2_HEADERS, 1).empty(); }));
      ASSERT_FALSE(log().HeadersOf(1).empty());
      EXPECT_EQ(log().HeadersOf(1).front().second, absl::StrCat(reaction.code));
      break;
    default:
      // A stream that has its answer may be reset without an error.
      EXPECT_LE(log().reset(reaction.stream), NGHTTP2_NO_ERROR);
  }
}

INSTANTIATE_TEST_SUITE_P(OfFrames, Rules, testing::Combine(testing::Bool(), testing::ValuesIn(RulesOfFrames())));
INSTANTIATE_TEST_SUITE_P(OfMessages, Rules, testing::Combine(testing::Bool(), testing::ValuesIn(RulesOfMessages())));
INSTANTIATE_TEST_SUITE_P(OfHpack, Rules, testing::Combine(testing::Bool(), testing::ValuesIn(RulesOfHpack())));

}  // namespace
}  // namespace nmq::http2
