#include "client/cli/explain.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nmq {
namespace cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Explain, ConnectionFailureSaysWhatToDo) {
  const absl::Status status = absl::UnavailableError(
      "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to connect to remote host: "
      "Connection refused");
  EXPECT_EQ(Explain(status, "127.0.0.1:1"),
            "cannot reach 127.0.0.1:1: connection refused. Is nmqd running? Start it, or name another with --server or "
            "NMQ_SERVER.");
}

// What gRPC says, in the words of the last part.
std::string Unreached(const std::string& why) {
  return Explain(
      absl::UnavailableError("failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: " + why), "s");
}

TEST(Explain, ServerThatEndsAPlainConnectionMayServeTls) {
  EXPECT_EQ(
      Unreached("Socket closed"),
      "cannot reach s: socket closed. Has nmqd ended? If it serves TLS, name its CA with --tls-ca or NMQ_TLS_CA.");
}

TEST(Explain, ServerThatResetsAPlainConnectionMayServeTls) {
  EXPECT_THAT(Unreached("recvmsg:Connection reset by peer"), EndsWith("name its CA with --tls-ca or NMQ_TLS_CA."));
}

TEST(Explain, FailureOfTlsSaysWhatToDo) {
  EXPECT_THAT(Unreached("Tls handshake failed: SSL_ERROR_SSL: error:0A00010B:SSL routines::wrong version number"),
              EndsWith("The server speaks no TLS: leave --tls-ca, --tls-certificate and their variables out."));
  EXPECT_THAT(Unreached("Tls handshake failed: SSL_ERROR_SSL: error:0A000086:SSL routines::certificate verify failed"),
              EndsWith("The server's certificate is none of that CA, or has expired: see --tls-ca or NMQ_TLS_CA."));
  EXPECT_THAT(Unreached("Tls handshake failed: SSL_ERROR_SSL: error:06880006:asn1 encoding routines::EVP lib"),
              EndsWith("The server's certificate is none of that CA, or has expired: see --tls-ca or NMQ_TLS_CA."));
  EXPECT_THAT(Unreached("Peer name 127.0.0.1 is not in peer certificate"),
              EndsWith("Name the server by --server or NMQ_SERVER as its certificate does."));
  EXPECT_THAT(
      Unreached("Endpoint read failed"),
      EndsWith("Has nmqd ended? If it asks for certificates, name one that its CA has made with --tls-certificate "
               "and --tls-key."));
}

TEST(Explain, RefusalIsTheServersOwnWords) {
  EXPECT_EQ(Explain(NotFound("NAMESPACE_NOT_FOUND", "there is no namespace \"x\""), "s"),
            "there is no namespace \"x\" (NOT_FOUND, NAMESPACE_NOT_FOUND)");
  EXPECT_EQ(Explain(absl::InternalError("a\nb"), "s"), "a\\nb (INTERNAL)");
  EXPECT_EQ(Explain(absl::InternalError(""), "s"), "no reason given (INTERNAL)");
}

TEST(Explain, NamesCommandsInThePlaceOfRpcs) {
  EXPECT_EQ(
      Explain(NotFound("NAMESPACE_NOT_FOUND",
                       "namespace: there is no namespace \"x\"; declare it, or make it with "
                       "Admin.CreateNamespace",
                       {{"namespace", "x"}}),
              "s"),
      "namespace: there is no namespace \"x\"; declare it, or make it with \"nmq namespace create x\" (NOT_FOUND, "
      "NAMESPACE_NOT_FOUND)");
}

TEST(Explain, CommandsGoToTheSameServerAndNamespace) {
  const Asked asked = {.server_options = " --server h:1", .namespace_option = " --namespace shop"};
  EXPECT_THAT(Explain(NotFound("QUEUE_NOT_FOUND", "make it with Admin.CreateQueue", {{"queue", "DB"}}), "h:1", asked),
              StartsWith("make it with \"nmq queue create DB --server h:1 --namespace shop\""));
  EXPECT_THAT(Explain(NotFound("NAMESPACE_NOT_FOUND", "Admin.CreateNamespace", {{"namespace", "x"}}), "h:1", asked),
              StartsWith("\"nmq namespace create x --server h:1\""));
}

TEST(Explain, NamesTheContextThatChoseTheServer) {
  const Asked asked = {.context = "prod"};
  EXPECT_THAT(Explain(absl::UnavailableError("Connection refused"), "h:1", asked),
              StartsWith("cannot reach h:1 of the context prod: connection refused."));
  EXPECT_EQ(Explain(NotFound("NAMESPACE_NOT_FOUND", "no namespace"), "h:1", asked),
            "no namespace (NOT_FOUND, NAMESPACE_NOT_FOUND; asked h:1 of the context prod)");
  EXPECT_EQ(Explain(InvalidArgument("queue", "is no name"), "h:1", asked),
            "queue: is no name (INVALID_ARGUMENT, INVALID_FIELD)");
  EXPECT_THAT(ErrorJson(NotFound("NAMESPACE_NOT_FOUND", "no namespace"), "h:1", asked),
              HasSubstr("\"context\":\"prod\""));
}

TEST(Explain, NamesOptionsInThePlaceOfFields) {
  EXPECT_EQ(Explain(InvalidArgument("audience.rooms[2]", "is no name"), "s"),
            "--room: is no name (INVALID_ARGUMENT, INVALID_FIELD)");
  EXPECT_EQ(Explain(InvalidArgument("messages[7].key", "is too long"), "s"),
            "--key: is too long (INVALID_ARGUMENT, INVALID_FIELD)");
  EXPECT_EQ(Explain(InvalidArgument("filter.labels", "is empty"), "s"),
            "--label: is empty (INVALID_ARGUMENT, INVALID_FIELD)");
  EXPECT_EQ(Explain(WithContext(InvalidArgument("queue", "is no name"), "messages[0]"), "s"),
            "queue: is no name (INVALID_ARGUMENT, INVALID_FIELD)");
}

TEST(Explain, ShowsLettersAsThemselves) {
  EXPECT_EQ(Explain(InvalidArgument("queue", absl::StrCat(Quote("größe\\"), " is no name")), "s"),
            "queue: \"größe\\\\\" is no name (INVALID_ARGUMENT, INVALID_FIELD)");
  EXPECT_EQ(Explain(InvalidArgument("queue", absl::StrCat(Quote("\xff\x01"), " is no name")), "s"),
            "queue: \"\\xff\\x01\" is no name (INVALID_ARGUMENT, INVALID_FIELD)");
}

TEST(ErrorJson, HasWhatTheServerSaid) {
  EXPECT_EQ(ErrorJson(LimitExceeded("payload_bytes", 5, 4), "s"),
            R"({"error":{"code":"RESOURCE_EXHAUSTED","reason":"LIMIT_EXCEEDED","limit":"payload_bytes","value":"5",)"
            R"("bound":"4","message":"payload_bytes: 5 exceeds the limit of 4"}})");
}

TEST(Explain, DrainingServerWasReached) {
  EXPECT_EQ(Explain(Unavailable("DRAINING", "the server is shutting down", absl::ZeroDuration()), "s"),
            "the server is shutting down (UNAVAILABLE, DRAINING)");
}

TEST(ExplainBriefly, GivesNoAdvice) {
  EXPECT_EQ(ExplainBriefly(absl::UnavailableError("x: y: Socket closed")), "socket closed");
  EXPECT_EQ(ExplainBriefly(Unavailable("DRAINING", "the server: is shutting down", absl::ZeroDuration())),
            "the server: is shutting down");
}

TEST(Explain, GapSaysHowManyWhereAndWhy) {
  v1::Gap gap;
  gap.set_queue("DB");
  gap.set_first(5);
  gap.set_last(7);
  gap.set_count(3);
  gap.set_reason(v1::GAP_REASON_SLOW_SUBSCRIBER);
  EXPECT_EQ(Explain(gap), "at most 3 messages of DB missing (sequences 5 to 7): this subscriber was too slow");
  gap.set_last(5);
  gap.set_count(1);
  EXPECT_EQ(Explain(gap), "at most 1 message of DB missing (sequence 5): this subscriber was too slow");
  gap.set_reason(v1::GAP_REASON_EXPIRED);
  EXPECT_EQ(Explain(gap), "at most 1 message of DB missing (sequence 5): their time was over");
  gap.set_reason(v1::GAP_REASON_SLOW_SUBSCRIBER);
}

TEST(Explain, GapOfUnknownSizeSaysNoNumber) {
  v1::Gap gap;
  gap.set_queue("DB");
  gap.set_first(5);
  gap.set_reason(v1::GAP_REASON_EPOCH_CHANGED);
  EXPECT_EQ(Explain(gap), "messages of DB missing (from sequence 5 on): the queue has begun anew");
}

}  // namespace
}  // namespace cli
}  // namespace nmq
