#include "server/group/acknowledge_check.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "server/group/durations.h"

namespace nmq::broker {
namespace {

absl::Status CheckOne(const v1::Acknowledgement& one, const std::string& field, const Limits& limits) {
  using v1::Acknowledgement;
  if (one.first() == 0) return InvalidArgument(field + ".first", "is 0; sequences begin with 1");
  if (one.last() != 0 && one.last() < one.first()) {
    return InvalidArgument(field + ".last", absl::StrCat(one.last(), " is less than first, ", one.first()));
  }
  switch (one.outcome_case()) {
    case Acknowledgement::kDone:
      if (!one.done()) return InvalidArgument(field + ".done", "is false; say retry_after for what is not done");
      break;
    case Acknowledgement::kRetryAfter:
      return CheckDuration(field + ".retry_after", one.retry_after(), absl::ZeroDuration(), kGroupWaitMax);
    case Acknowledgement::kExtend:
      return CheckDuration(field + ".extend", one.extend(), absl::Seconds(1), kGroupWaitMax);
    case Acknowledgement::kTerminate:
      if (one.terminate().size() > limits.header_value_bytes) {
        return LimitExceeded("header_value_bytes", one.terminate().size(), limits.header_value_bytes,
                             field + ".terminate");
      }
      break;
    case Acknowledgement::OUTCOME_NOT_SET:
      return InvalidArgument(field, "has no outcome; set done, retry_after, extend or terminate");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckAcknowledge(const v1::AcknowledgeRequest& request, const Limits& limits) {
  if (request.acknowledgements().empty()) return InvalidArgument("acknowledgements", "is empty");
  if (static_cast<uint64_t>(request.acknowledgements_size()) > limits.batch_messages) {
    return InvalidArgument("acknowledgements",
                           absl::StrCat(request.acknowledgements_size(),
                                        " entries are more than the limit batch_messages of ", limits.batch_messages));
  }
  for (int i = 0; i < request.acknowledgements_size(); ++i) {
    absl::Status status = CheckOne(request.acknowledgements(i), absl::StrCat("acknowledgements[", i, "]"), limits);
    if (!status.ok()) return status;
  }
  const uint64_t named = NamedMessages(request);
  if (named <= limits.acknowledged_messages) return absl::OkStatus();
  return LimitExceeded("acknowledged_messages", named, limits.acknowledged_messages,
                       "acknowledgements: all sequences of all ranges; say it in several requests");
}

uint64_t NamedMessages(const v1::Acknowledgement& acknowledgement) {
  const uint64_t first = acknowledgement.first();
  return std::min(std::max(first, acknowledgement.last()) - first, UINT64_MAX - 1) + 1;
}

uint64_t NamedMessages(const v1::AcknowledgeRequest& request) {
  uint64_t sum = 0;
  for (const v1::Acknowledgement& one : request.acknowledgements()) {
    sum += std::min(NamedMessages(one), UINT64_MAX - sum);
  }
  return sum;
}

}  // namespace nmq::broker
