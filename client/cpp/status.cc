#include "client/cpp/status.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "base/errors.h"
#include "google/rpc/error_details.pb.h"

namespace nmq {
inline namespace client {
namespace {

constexpr absl::string_view kLargerThanMax = "message larger than max (";

absl::Status Make(int code, const std::string& message, const google::rpc::Status& details) {
  // gRPC's codes are absl's.
  absl::Status result(static_cast<absl::StatusCode>(code), message);
  for (const google::protobuf::Any& detail : details.details()) {
    result.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return result;
}

}  // namespace

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status details;
  // Other servers may put anything there; the code and message stand for themselves.
  if (!details.ParseFromString(status.error_details())) details.Clear();
  return Make(status.error_code(), status.error_message(), details);
}

absl::Status FromRpc(const google::rpc::Status& status) { return Make(status.code(), status.message(), status); }

namespace internal {

bool IsSessionLost(const absl::Status& status) {
  if (!absl::IsNotFound(status)) return false;
  const std::string reason = ReasonOf(status);
  return reason == "SESSION_UNKNOWN" || reason == "SESSION_EXPIRED";
}

bool IsCredentialsOver(const absl::Status& status) {
  if (!absl::IsUnauthenticated(status)) return false;
  const std::string reason = ReasonOf(status);
  return reason == "CREDENTIALS_EXPIRED" || reason == "CREDENTIALS_REVOKED";
}

bool IsServersAnswer(const absl::Status& status) { return !ReasonOf(status).empty(); }

bool IsRefusedForNow(const absl::Status& status) {
  if (!absl::IsUnavailable(status)) return false;
  const std::string reason = ReasonOf(status);
  return !reason.empty() && reason != "NOBODY_LISTENS" && reason != "QUESTION_ABANDONED";
}

bool IsPassing(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kAborted:
      return true;
    // Proxies and torn connections end calls so; the server itself would name a reason.
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return !IsServersAnswer(status);
    case absl::StatusCode::kResourceExhausted:
      return ReasonOf(status) != "SLOW_SUBSCRIBER" && RetryDelay(status) > absl::ZeroDuration();
    default:
      return false;
  }
}

bool IsFinal(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kUnimplemented:
      return !IsRenewable(status);
    default:
      return false;
  }
}

std::optional<uint64_t> TooLargeBytes(const absl::Status& status) {
  if (!absl::IsResourceExhausted(status)) return std::nullopt;
  uint64_t bytes = 0;
  if (ReasonOf(status) == kReasonLimitExceeded) {
    // Limits that have a name are about what was received.
    const bool named = !MetadataOf(status, "limit").empty();
    if (named || !absl::SimpleAtoi(MetadataOf(status, "value"), &bytes)) return std::nullopt;
    return bytes;
  }
  // gRPC's own servers say "Received message larger than max (20000019 vs. 5242880)".
  absl::string_view text = status.message();
  const size_t at = text.find(kLargerThanMax);
  if (at == absl::string_view::npos) return std::nullopt;
  text.remove_prefix(at + kLargerThanMax.size());
  if (!absl::SimpleAtoi(text.substr(0, text.find(' ')), &bytes)) return std::nullopt;
  return bytes;
}

absl::Duration RetryDelay(const absl::Status& status) { return RetryDelayOf(status); }

}  // namespace internal
}  // namespace client
}  // namespace nmq
