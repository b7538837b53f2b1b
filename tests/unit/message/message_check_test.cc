#include "server/message/message_check.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "gtest/gtest.h"
#include "tests/testing/simulated_clock.h"

namespace nmq::broker {
namespace {

v1::Message Good() {
  v1::Message message;
  message.set_queue("DB");
  message.set_event("CREATE");
  return message;
}

// `limit` is `bound` for what `set` does to a message.
void ExpectBound(const Limits& limits, const std::string& limit, uint64_t bound,
                 const std::function<void(v1::Message*, uint64_t)>& set) {
  for (const uint64_t value : {bound - 1, bound, bound + 1}) {
    v1::Message message = Good();
    set(&message, value);
    const absl::Status status = CheckMessage(limits, SimulatedClock(), FromMessage(&message), true);
    if (value <= bound) {
      EXPECT_TRUE(status.ok()) << limit << " " << value << ": " << status;
      continue;
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << limit;
    EXPECT_EQ(MetadataOf(status, "limit"), limit);
    EXPECT_EQ(MetadataOf(status, "value"), std::to_string(value));
    EXPECT_EQ(MetadataOf(status, "bound"), std::to_string(bound));
  }
}

std::string BadField(v1::Message message, bool has_session = true) {
  const absl::Status status = CheckMessage(Limits(), SimulatedClock(), FromMessage(&message), has_session);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  return MetadataOf(status, "field");
}

TEST(MessageCheck, LimitsHoldAtTheirBounds) {
  const Limits limits;
  ExpectBound(limits, "payload_bytes", 1 << 20,
              [](v1::Message* message, uint64_t size) { message->set_payload(std::string(size, 'x')); });
  ExpectBound(limits, "name_bytes", 128,
              [](v1::Message* message, uint64_t size) { message->set_key(std::string(size, ' ')); });
  ExpectBound(limits, "header_value_bytes", 1024,
              [](v1::Message* message, uint64_t size) { message->set_content_type(std::string(size, 'x')); });
  ExpectBound(limits, "headers", 32, [](v1::Message* message, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) (*message->mutable_headers())[std::to_string(i)] = "";
  });
  ExpectBound(limits, "header_name_bytes", 128,
              [](v1::Message* message, uint64_t size) { (*message->mutable_headers())[std::string(size, 'n')] = ""; });
  ExpectBound(limits, "header_value_bytes", 1024,
              [](v1::Message* message, uint64_t size) { (*message->mutable_headers())["n"] = std::string(size, 'v'); });
  ExpectBound(limits, "audience_names", 100, [](v1::Message* message, uint64_t count) {
    v1::Audience* audience = message->mutable_audience();
    for (uint64_t i = 0; i < count; ++i) {
      (i % 4 == 0   ? audience->add_rooms()
       : i % 4 == 1 ? audience->add_clients()
       : i % 4 == 2 ? audience->add_except_rooms()
                    : audience->add_except_clients())
          ->assign("n");
    }
  });
}

TEST(MessageCheck, LimitsAreThoseOfTheServer) {
  Limits limits;
  limits.payload_bytes = 3;
  v1::Message message = Good();
  message.set_payload("1234");
  EXPECT_EQ(MetadataOf(CheckMessage(limits, SimulatedClock(), FromMessage(&message), false), "bound"), "3");
}

TEST(MessageCheck, QueueAndEventAreNames) {
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("*"), std::string("a/b"),
                                 std::string(129, 'a'), std::string("a\0b", 3), std::string("\xff")}) {
    v1::Message message = Good();
    message.set_queue(bad);
    EXPECT_EQ(BadField(message), "queue");
    message = Good();
    message.set_event(bad);
    EXPECT_EQ(BadField(message), "event");
  }
  v1::Message message = Good();
  message.set_queue(std::string(128, 'a'));
  message.set_event("a.b_c~d-E9");
  EXPECT_TRUE(CheckMessage(Limits(), SimulatedClock(), FromMessage(&message), true).ok());
}

TEST(MessageCheck, NamesInAnAudienceAreNamedByTheirPlace) {
  v1::Message message = Good();
  message.mutable_audience()->add_rooms("ok");
  message.mutable_audience()->add_rooms("no name");
  EXPECT_EQ(BadField(message), "audience.rooms[1]");
  message.mutable_audience()->clear_rooms();
  message.mutable_audience()->add_clients("");
  EXPECT_EQ(BadField(message), "audience.clients[0]");
  message.mutable_audience()->clear_clients();
  message.mutable_audience()->add_except_rooms("/");
  EXPECT_EQ(BadField(message), "audience.except_rooms[0]");
  message.mutable_audience()->clear_except_rooms();
  message.mutable_audience()->add_except_clients("?");
  EXPECT_EQ(BadField(message), "audience.except_clients[0]");
}

TEST(MessageCheck, HeaderNameMustNotBeEmpty) {
  v1::Message message = Good();
  (*message.mutable_headers())[""] = "x";
  EXPECT_EQ(BadField(message), "headers");
}

// The simulated clock shows 1,700,000,000 s.
TEST(MessageCheck, MessageMustExpireInTheFuture) {
  v1::Message message = Good();
  message.mutable_expire_at()->set_seconds(1'700'000'000);
  EXPECT_EQ(BadField(message), "expire_at");
  message.mutable_expire_at()->set_nanos(1000);
  EXPECT_TRUE(CheckMessage(Limits(), SimulatedClock(), FromMessage(&message), true).ok());
  message.mutable_expire_at()->Clear();
  EXPECT_EQ(BadField(message), "expire_at");
}

TEST(MessageCheck, DelayIsBoundedAndBeforeTheExpiry) {
  Limits limits;
  limits.delay_max = absl::Seconds(100);
  v1::Message message = Good();
  for (const int64_t seconds : {99, 100, 101}) {
    message.mutable_deliver_at()->set_seconds(1'700'000'000 + seconds);
    const absl::Status status = CheckMessage(limits, SimulatedClock(), FromMessage(&message), true);
    EXPECT_EQ(status.ok(), seconds <= 100) << status;
  }
  message.mutable_deliver_at()->set_seconds(1'700'000'010);
  message.mutable_expire_at()->set_seconds(1'700'000'010);
  EXPECT_EQ(BadField(message), "expire_at");
  message.mutable_expire_at()->set_seconds(1'700'000'011);
  EXPECT_TRUE(CheckMessage(Limits(), SimulatedClock(), FromMessage(&message), true).ok());
}

TEST(MessageCheck, TimesAreTimes) {
  for (const auto& [seconds, nanos] : std::vector<std::pair<int64_t, int32_t>>{
           {-1, 0}, {253'402'300'800, 0}, {1'800'000'000, -1}, {1'800'000'000, 1'000'000'000}}) {
    v1::Message message = Good();
    message.mutable_expire_at()->set_seconds(seconds);
    message.mutable_expire_at()->set_nanos(nanos);
    EXPECT_EQ(BadField(message), "expire_at") << seconds << " " << nanos;
  }
}

TEST(MessageCheck, ExceptPublisherNeedsASession) {
  v1::Message message = Good();
  message.mutable_audience()->set_except_publisher(true);
  EXPECT_TRUE(CheckMessage(Limits(), SimulatedClock(), FromMessage(&message), /*has_session=*/true).ok());
  EXPECT_EQ(BadField(message, /*has_session=*/false), "audience.except_publisher");
}

}  // namespace
}  // namespace nmq::broker
