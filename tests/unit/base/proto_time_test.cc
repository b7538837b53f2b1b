#include "base/proto_time.h"

#include "gtest/gtest.h"

namespace nmq {
namespace {

TEST(ProtoTime, DurationHasSecondsAndNanosOfOneSign) {
  google::protobuf::Duration proto;
  SetDuration(absl::Milliseconds(1500), &proto);
  EXPECT_EQ(proto.seconds(), 1);
  EXPECT_EQ(proto.nanos(), 500'000'000);
  SetDuration(-absl::Milliseconds(1500), &proto);
  EXPECT_EQ(proto.seconds(), -1);
  EXPECT_EQ(proto.nanos(), -500'000'000);
}

TEST(ProtoTime, NanosOfATimeCountForwards) {
  google::protobuf::Timestamp proto;
  SetTime(absl::FromUnixMillis(1500), &proto);
  EXPECT_EQ(proto.seconds(), 1);
  EXPECT_EQ(proto.nanos(), 500'000'000);
  SetTime(absl::FromUnixMillis(-500), &proto);
  EXPECT_EQ(proto.seconds(), -1);
  EXPECT_EQ(proto.nanos(), 500'000'000);
}

TEST(ProtoTime, DurationComesBack) {
  google::protobuf::Duration proto;
  for (const absl::Duration duration : {absl::ZeroDuration(), absl::Nanoseconds(1), -absl::Nanoseconds(1),
                                        absl::Hours(24 * 365 * 1000) + absl::Nanoseconds(7)}) {
    SetDuration(duration, &proto);
    EXPECT_EQ(ToDuration(proto), duration);
  }
}

TEST(ProtoTime, TimeComesBack) {
  google::protobuf::Timestamp proto;
  for (const absl::Time time : {absl::UnixEpoch(), absl::UnixEpoch() - absl::Nanoseconds(1),
                                absl::FromUnixSeconds(253'402'300'799) + absl::Nanoseconds(999'999'999)}) {
    SetTime(time, &proto);
    EXPECT_EQ(ToTime(proto), time);
  }
}

}  // namespace
}  // namespace nmq
