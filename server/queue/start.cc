#include "server/queue/start.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq::broker {
namespace {

constexpr uint64_t kLastMax = 1000000;
constexpr int64_t kSecondsMax = 253'402'300'799;  // the end of the year 9999

absl::Status ParseResume(const v1::Resume& resume, uint64_t positions_max, Start* start) {
  const auto& positions = resume.positions();
  if (static_cast<uint64_t>(positions.size()) > positions_max) {
    return LimitExceeded("queues_per_namespace", positions.size(), positions_max, "start.resume.positions");
  }
  start->kind = Start::Kind::kResume;
  for (const v1::QueuePosition& at : positions) {
    if (!start->positions.try_emplace(at.queue(), at).second) {
      return InvalidArgument("start.resume.positions", absl::StrCat("lists queue ", Quote(at.queue()), " twice"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Start> Start::Parse(const v1::StartPosition& position, uint64_t positions_max) {
  Start start;
  switch (position.position_case()) {
    case v1::StartPosition::POSITION_NOT_SET:
      break;
    case v1::StartPosition::kEarliest:
      if (!position.earliest()) return InvalidArgument("start.earliest", "is false; leave it unset instead");
      start.kind = Kind::kEarliest;
      break;
    case v1::StartPosition::kLast:
      if (position.last() < 1 || position.last() > kLastMax) {
        return InvalidArgument("start.last", absl::StrCat(position.last(), " is not in 1 to ", kLastMax));
      }
      start.kind = Kind::kLast;
      start.number = position.last();
      break;
    case v1::StartPosition::kSequence:
      if (position.sequence() < 1) return InvalidArgument("start.sequence", "0 is not a sequence; they start at 1");
      start.kind = Kind::kSequence;
      start.number = position.sequence();
      break;
    case v1::StartPosition::kTime:
      if (position.time().seconds() < 0 || position.time().seconds() > kSecondsMax) {
        return InvalidArgument("start.time",
                               absl::StrCat(position.time().seconds(), " s is not in 0 to ", kSecondsMax, " s"));
      }
      start.kind = Kind::kTime;
      start.time_us = position.time().seconds() * 1'000'000 + position.time().nanos() / 1000;
      break;
    case v1::StartPosition::kResume: {
      const absl::Status status = ParseResume(position.resume(), positions_max, &start);
      if (!status.ok()) return status;
      break;
    }
  }
  return start;
}

}  // namespace nmq::broker
